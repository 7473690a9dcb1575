"""Talks to a microcontroller's program by the lines of docs/protocol.md, "Test rig": a hand on its world."""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from config.process.threads import thread

log = logging.getLogger(__name__)

LOOK_S = 0.05
"""How often it is asked where every lid is."""
_READ = 4096
_JOIN_S = 1.0

DRIVES = {"off": 0, "open": 1, "shut": -1}
"""What a motor does, as a direction."""


class RigLines:
    """Sends lines without waiting for their answers, and asks again and again where the lids are.

    `on_lid` is called on a thread of its own with a lid's number, its place (0 shut, 1 open) and the
    direction that its motor drives it in.
    """

    def __init__(self, lines: int, answers: int, lids: int) -> None:
        """`lines` and `answers` are descriptors of the program's input and output, behind its first line."""
        self._lines, self._answers = lines, answers
        self._looks = [f"lid {number}" for number in range(lids)]
        self._sending = threading.Lock()
        self._unanswered: deque[str] = deque()
        self._rest = b""
        self._on_lid: Callable[[int, float, int], None] = lambda *_: None
        self._stopping = threading.Event()
        self._thread = thread(self._run, "rig")

    def start(self, on_lid: Callable[[int, float, int], None]) -> None:
        """Begin to ask and to listen; once."""
        self._on_lid = on_lid
        self._thread.start()

    def stop(self) -> None:
        """Ask nothing more; the program goes on for as long as its input is open."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def do(self, *lines: str) -> None:
        """Have the program do what lines ask, in order; from any thread. One that has ended does nothing."""
        with self._sending, suppress(BrokenPipeError):
            self._unanswered += lines
            os.write(self._lines, "".join(f"{line}\n" for line in lines).encode("ascii"))

    def _run(self) -> None:
        look_at = time.monotonic()
        while not self._stopping.is_set():
            # Asked again only when all is answered: a program that hangs is not drowned in lines.
            if time.monotonic() >= look_at and not self._unanswered:
                self.do(*self._looks)
                look_at = time.monotonic() + LOOK_S
            if not self._hear():
                log.error("the controller's program has ended")
                return

    def _hear(self) -> bool:
        """Take the answers that come within a look's time; False when none will come any more."""
        readable, _, _ = select.select([self._answers], [], [], LOOK_S)
        if not readable:
            return True
        data = os.read(self._answers, _READ)
        *whole, self._rest = (self._rest + data).split(b"\n")
        for answer in whole:
            self._answered(answer.decode("ascii", "replace").split())
        return bool(data)

    def _answered(self, answer: list[str]) -> None:
        with self._sending:
            line = self._unanswered.popleft() if self._unanswered else "nothing"
        match answer:
            case ["lid", number, permille, drive]:
                self._on_lid(int(number), int(permille) / 1000, DRIVES[drive])
            case ["error", *why]:
                log.warning("the controller's rig refused %r: %s", line, " ".join(why))
