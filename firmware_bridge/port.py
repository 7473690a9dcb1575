"""A serial port that is opened again after it was unplugged. The only file that imports pyserial."""

from __future__ import annotations

import errno
import logging
import os
import select
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from serial import Serial

from config.process.threads import Complaints, thread
from firmware_bridge.line_errors import line_errors
from firmware_bridge.port_protocol import BUSY, READ_S

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0
STEADY_READS = 40
"""A port that fails before this many reads is flapping: its pause keeps growing."""
MOST_UNSENT = 4096
"""Most bytes that wait for a stalled port; more are dropped."""
WATCH_S = 1.0
"""How often the port's identity and its line errors are checked."""
MOST_ERRORS = 3
"""With more damaged bytes than this between two checks, a line counts as garbled."""
_JOIN_S = 1.0
_GARBLED = "its line is garbled; check its plug, the ground wire and the baud rate"
_REASONS = {
    errno.ENOENT: "there is no such port; plug the device in, or correct the port's name",
    errno.EACCES: "this user may not open it; add the user to the group dialout",
    errno.EAGAIN: BUSY,
    errno.EBUSY: BUSY,
}


def _no_poll() -> float:
    return READ_S


class SerialPort:
    """Reads one serial port exclusively, on its own thread, from `start` to `stop`; any thread may `write`.

    All callbacks run on the port's thread:
    - `on_bytes` gets received bytes, at least one;
    - `on_found` is called each time the port was opened and can be read;
    - `on_lost` is called once each time the port cannot be opened or read, or its line is garbled, with the
      reason and the fix in words, and again when these change;
    - `on_poll` is called between two reads and returns how long the next may wait, in seconds.
    """

    def __init__(  # noqa: PLR0913 (half of them are callbacks)
        self,
        path: str,
        baud: int,
        on_bytes: Callable[[bytes], None],
        on_lost: Callable[[str], None],
        on_found: Callable[[], None],
        *,
        on_poll: Callable[[], float] = _no_poll,
        count_errors: Callable[[int], int | None] = line_errors,
    ) -> None:
        self._path = path
        self._baud = baud
        self._on_bytes = on_bytes
        self._on_lost = on_lost
        self._on_found = on_found
        self._on_poll = on_poll
        self._count_errors = count_errors
        self._is_there: bool | None = None
        self._last_reason = ""
        self._is_reopening = False
        self._errors: int | None = None
        self._stopping = threading.Event()
        self._writing = threading.Lock()
        self._open_port: int | None = None
        self._unsent = b""
        self._wakes: tuple[int, int] | None = None
        self._complaints = Complaints(log)
        self._thread = thread(self._run, f"port {path}")

    def start(self) -> None:
        """Begin to read; once."""
        woken, waker = os.pipe()
        os.set_blocking(waker, False)
        self._wakes = woken, waker
        self._thread.start()

    def stop(self) -> None:
        """Close the port and end the thread, within a second. Without a start it does nothing."""
        self._stopping.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def wake(self) -> None:
        """Have `on_poll` called soon; from any thread."""
        # A full pipe already holds enough wakes.
        with self._writing, suppress(BlockingIOError):
            if self._wakes is not None:
                os.write(self._wakes[1], b"\0")

    def write(self, data: bytes) -> None:
        """Send at once as much as the port takes, and the rest later; from any thread, never blocks.

        Data is dropped while the port is not open, and when more than MOST_UNSENT bytes would wait.
        """
        with self._writing:
            if self._open_port is None or len(self._unsent) + len(data) > MOST_UNSENT:
                return
            self._unsent += data
            self._flush(self._open_port)
            has_rest = bool(self._unsent)
        if has_rest:
            self.wake()

    def reopen(self) -> None:
        """Close the port and open it again soon, without a callback; call this from `on_poll`."""
        self._is_reopening = True

    def discard(self) -> None:
        """Drop unsent bytes, here and in the kernel; from any thread."""
        with self._writing, suppress(OSError, termios.error):
            self._unsent = b""
            if self._open_port is not None:
                termios.tcflush(self._open_port, termios.TCOFLUSH)

    def _flush(self, port: int) -> None:
        """Write as much as the port takes; call it with `_writing` held."""
        try:
            self._unsent = self._unsent[os.write(port, self._unsent) :]
        except BlockingIOError:
            return
        except OSError:  # the port's thread gets the same error and reports it
            self._unsent = b""

    def _run(self) -> None:
        self._open_again_and_again()
        with self._writing:
            wakes, self._wakes = self._wakes, None
        for end in wakes or ():
            os.close(end)

    def _open_again_and_again(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                was_steady = self._serve()
            except Exception as error:  # noqa: BLE001 (the outermost loop: reading must go on)
                self._complaints.raised(f"port {self._path}: a handler failed", error)
                was_steady = False
                self._lost("its data could not be handled; see the log")
            if was_steady:
                self._complaints.over()
                pause_s = FIRST_PAUSE_S
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _serve(self) -> bool:
        """Read until the port fails, `stop` or `reopen`; return whether it worked for some time."""
        reads = 0
        self._is_reopening = False
        try:
            with Serial(self._path, self._baud, timeout=0, exclusive=True) as port:
                self._opened(port.fileno())
                watch_at = time.monotonic()
                while not (self._stopping.is_set() or self._is_reopening):
                    data = port.read(port.in_waiting or 1)
                    reads += 1
                    if time.monotonic() >= watch_at:
                        self._watch(port.fileno())
                        watch_at = time.monotonic() + WATCH_S
                    if data:
                        self._on_bytes(data)
                    self._wait(port.fileno(), min(READ_S, self._on_poll()))
        except (OSError, termios.error) as error:
            self._lost(_reason(error))
        finally:
            self._opened(None)
        return reads >= STEADY_READS

    def _opened(self, port: int | None) -> None:
        with self._writing:
            self._open_port = port
            self._unsent = b""
        self._errors = None

    def _wait(self, port: int, seconds: float) -> None:
        """Wait for something to read, room to write the rest, a wake, or the end of the time."""
        sending = [port] if self._unsent else []
        woken = self._wakes[0] if self._wakes is not None else port
        readable, writable, _ = select.select([port, woken], sending, [], max(0.0, seconds))
        if woken in readable and woken != port:
            os.read(woken, 4096)
        if writable:
            with self._writing:
                self._flush(port)

    def _watch(self, port: int) -> None:
        """Detect what reads do not show: another device under the port's name, and damaged bytes."""
        if os.stat(self._path).st_rdev != os.fstat(port).st_rdev:  # noqa: PTH116 (to match fstat)
            raise OSError(errno.ENXIO, "another device has its name now")
        before, self._errors = self._errors, self._count_errors(port)
        if before is not None and self._errors is not None and self._errors - before > MOST_ERRORS:
            self._lost(_GARBLED)
        else:
            self._found()

    def _found(self) -> None:
        if self._is_there is not True:
            self._is_there = True
            self._on_found()

    def _lost(self, reason: str) -> None:
        if self._is_there is not False or reason != self._last_reason:
            self._is_there, self._last_reason = False, reason
            self._on_lost(reason)


def _reason(error: OSError | termios.error) -> str:
    # pyserial raises OSError; termios.error, from a port that vanishes while it is opened, is not one.
    number = error.errno if isinstance(error, OSError) else None
    return _REASONS.get(number or 0, f"it cannot be read ({error}); plug the device in again")
