"""The keeper's end of its guard: motor requests that must be repeated, and a watch on the guard."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from config.errors import InputError
from config.process.threads import thread
from config.wiring import GpioLidSection
from edge.hardware.pins import Factory
from edge.lids.guard import ANSWER, ASK, EVERY_MOTOR, guard

MakePins = Callable[[], Factory]
Guard = tuple[socket.socket, int | None]
"""The keeper's end of the guard's socket, and the guard's process id if it is a process."""
StartGuard = Callable[[Sequence[GpioLidSection], MakePins], Guard]

log = logging.getLogger(__name__)

FEED_S = 0.1
"""How often the request for a running motor is repeated: three times within the guard's HOLD_S."""
SILENT_S = 0.5
"""A guard hangs if it answers nothing for this time after several requests."""
_ASKED_AT_LEAST = 4
_LOOK_S = 0.1
_STARTS_S = 20.0


class GuardedMotor:
    """One motor, driven by the guard. Implements `edge.lids.motors.Output`."""

    def __init__(self, number: int, guarded: Guarded) -> None:
        self._number, self._guarded = number, guarded
        self._value, self._asked_at = 0.0, 0.0

    def set(self, value: float) -> None:
        """Drive with this value for a moment; repeat the call as long as the motor should run."""
        now = time.monotonic()
        if value == self._value and (value == 0.0 or now < self._asked_at + FEED_S):
            return
        self._value, self._asked_at = value, now
        self._guarded.ask(self._number, value, now)

    def close(self) -> None:
        """Turn the motor off; the guard keeps its pins until the keeper ends."""
        self._value = 0.0
        self._guarded.ask(self._number, 0.0, time.monotonic())


class Guarded:
    """All motors of a keeper, driven by its guard; calls `lost` once if the guard ends or hangs."""

    def __init__(self, started: Guard, motors: int, lost: Callable[[str], None]) -> None:
        """Have the guard claim its pins; InputError for one that cannot be claimed."""
        self.motors = [GuardedMotor(number, self) for number in range(motors)]
        self._end, self._pid = started
        self._lost = lost
        self._lock = threading.Lock()
        self._unanswered: list[float] = []
        self._is_over = False
        self._expect_pins()
        self._end.setblocking(False)  # noqa: FBT003 (the socket's own way)
        self._watch = thread(self._watch_guard, "guard")
        self._watch.start()

    def ask(self, motor: int, value: float, at: float) -> None:
        """Send a motor request; never blocks."""
        with self._lock:
            self._unanswered.append(at)
            with suppress(OSError):  # the watch finds out why
                self._end.send(ASK.pack(motor, value, at), socket.MSG_NOSIGNAL)

    def stop_all(self) -> None:
        """Turn every motor off at once, even if a lid's thread hangs."""
        self.ask(EVERY_MOTOR, 0.0, time.monotonic())

    def close(self) -> None:
        """Turn everything off and let the guard end."""
        self._is_over = True
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        self._watch.join()
        self._end.close()
        self._reap()

    def _expect_pins(self) -> None:
        with suppress(OSError):
            self._end.send(ANSWER)
        is_there = select.select([self._end], [], [], _STARTS_S)[0]
        said = self._end.recv(4096) if is_there else b""
        if said == ANSWER:
            return
        self._end.close()
        self._kill()
        what, _, mend = said.decode().partition("\n")
        raise InputError(what or "the guard of the motors does not start", mend or "see the log above")

    def _watch_guard(self) -> None:
        while not self._is_over:
            if why := self._what_is_wrong():
                self._is_over = True
                self._kill()  # a guard that hangs would keep its pins, and its motors running
                self._lost(why)

    def _what_is_wrong(self) -> str | None:
        if select.select([self._end], [], [], _LOOK_S)[0]:
            try:
                if not self._end.recv(1):
                    return None if self._is_over else "ended"
            except OSError as error:
                return f"cannot be read ({error})"
            with self._lock:
                del self._unanswered[:1]
        with self._lock:
            hangs = len(self._unanswered) >= _ASKED_AT_LEAST
            hangs = hangs and time.monotonic() >= self._unanswered[0] + SILENT_S
        return "hangs" if hangs else None

    def _kill(self) -> None:
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        self._reap()

    def _reap(self) -> None:
        if self._pid is not None:
            with suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
            self._pid = None


def fork_guard(wires: Sequence[GpioLidSection], make_pins: MakePins) -> Guard:
    """Start the guard as a process; call it before this process has threads, pins or locks."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid:
        its.close()
        return ours, pid
    try:
        ours.close()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # the keeper shuts the lids first; the guard ends with it
        # lgpio makes FIFOs in its folder: two processes that start there at once could swap them.
        os.environ["LG_WD"] = tempfile.gettempdir()
        guard(its, wires, make_pins)
    except BaseException:
        log.exception("the guard of the motors failed")
    finally:
        logging.shutdown()
        os._exit(0)  # skip clean-up that is the keeper's


def guard_on_a_thread(wires: Sequence[GpioLidSection], make_pins: MakePins) -> Guard:
    """Start the guard on a thread, for mocked pins: they live in this process's memory."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def run() -> None:
        with its:
            guard(its, wires, make_pins)

    thread(run, "guard of the motors").start()
    return ours, None
