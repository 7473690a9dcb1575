"""Serial ports: bytes as they come, and a port that is opened again after it was unplugged.

The only file that imports pyserial.
"""

from __future__ import annotations

import errno
import logging
import termios
import threading
from typing import TYPE_CHECKING

from serial import Serial

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0
STEADY_READS = 40
"""A port that failed before so many reads is flapping: its pause goes on growing."""
_READ_S = 0.25
"""A read without a byte returns after this long, so that `stop` need not wait for the device."""
_JOIN_S = 1.0
_REASONS = {
    errno.ENOENT: "there is no such port; plug the device in, or mend the port's name",
    errno.EACCES: "this user may not open it; add the user to the group dialout",
    errno.EAGAIN: "another program uses it; stop that program",
    errno.EBUSY: "another program uses it; stop that program",
}


class SerialPort:
    """Reads one serial port on a thread of its own, exclusively, from `start` until `stop`.

    `on_bytes` gets what came, at least one byte at a time. `on_found` is called each time the port has
    been opened and answers a read; `on_lost` once each time it cannot be opened or read any more, with
    the reason and the mend in words. All three are called on the port's thread.
    """

    def __init__(
        self,
        path: str,
        baud: int,
        on_bytes: Callable[[bytes], None],
        on_lost: Callable[[str], None],
        on_found: Callable[[], None],
    ) -> None:
        self._path = path
        self._baud = baud
        self._on_bytes = on_bytes
        self._on_lost = on_lost
        self._on_found = on_found
        self._is_there: bool | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"port {path}", daemon=True)

    def start(self) -> None:
        """Begin to read; once."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port and end the thread, within a second. Without a start it does nothing."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                was_steady = self._serve()
            except Exception:  # the thread's outermost loop: a handler's mistake must not end the reading
                log.exception("port %s: a handler failed", self._path)
                was_steady = False
                self._lost("what it sent could not be handled; the log says why")
            if was_steady:
                pause_s = FIRST_PAUSE_S
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _serve(self) -> bool:
        """Read until the port fails or `stop` is called; say whether it worked for a good while."""
        reads = 0
        try:
            with Serial(self._path, self._baud, timeout=_READ_S, exclusive=True) as port:
                while not self._stopping.is_set():
                    data = port.read(port.in_waiting or 1)
                    reads += 1
                    self._found()
                    if data:
                        self._on_bytes(data)
        except (OSError, termios.error) as error:
            self._lost(_reason(error))
        return reads >= STEADY_READS

    def _found(self) -> None:
        if self._is_there is not True:
            self._is_there = True
            self._on_found()

    def _lost(self, reason: str) -> None:
        if self._is_there is not False:
            self._is_there = False
            self._on_lost(reason)


def _reason(error: OSError | termios.error) -> str:
    # pyserial's errors are OSErrors; termios's, from a port that vanishes while it is opened, are not.
    number = error.errno if isinstance(error, OSError) else None
    return _REASONS.get(number or 0, f"it cannot be read ({error}); plug the device in again")
