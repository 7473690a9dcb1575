"""Talks to the test rig of a microcontroller's program, by the lines of docs/protocol.md, "Test rig"."""

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
"""How often it is asked for every lid's position."""
_READ = 4096
_JOIN_S = 1.0

DRIVES = {"off": 0, "open": 1, "shut": -1}
"""A motor's state as a direction."""


class RigLines:
    """Sends lines without waiting for their answers, and polls the lids' positions.

    `on_lid` is called on a thread of its own with a lid's number, its position (0 shut, 1 open) and the
    direction of its motor.
    """

    def __init__(self, lines: int, answers: int, lids: int) -> None:
        """Use the descriptors of the program's input and output, after its first line has been read."""
        self._lines, self._answers = lines, answers
        self._looks = [f"lid {number}" for number in range(lids)]
        self._sending = threading.Lock()
        self._unanswered: deque[str] = deque()
        self._rest = b""
        self._on_lid: Callable[[int, float, int], None] = lambda *_: None
        self._stopping = threading.Event()
        self._thread = thread(self._run, "rig")

    def start(self, on_lid: Callable[[int, float, int], None]) -> None:
        """Begin to poll; once."""
        self._on_lid = on_lid
        self._thread.start()

    def stop(self) -> None:
        """Stop polling; the program goes on as long as its input is open."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def do(self, *lines: str) -> None:
        """Send lines in order, from any thread; nothing happens if the program has ended."""
        with self._sending, suppress(BrokenPipeError):
            self._unanswered += lines
            os.write(self._lines, "".join(f"{line}\n" for line in lines).encode("ascii"))

    def _run(self) -> None:
        look_at = time.monotonic()
        while not self._stopping.is_set():
            # Poll again only after all answers: otherwise lines to a hung program would pile up.
            if time.monotonic() >= look_at and not self._unanswered:
                self.do(*self._looks)
                look_at = time.monotonic() + LOOK_S
            if not self._hear():
                log.error("the controller's program has ended")
                return

    def _hear(self) -> bool:
        """Read the answers that come within LOOK_S; False at the end of the program's output."""
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
