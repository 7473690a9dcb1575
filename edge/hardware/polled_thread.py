"""A thread that takes turns: when it is woken, when its last turn said so, and never in between."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from config.process.threads import Complaints, thread

log = logging.getLogger(__name__)

_JOIN_S = 1.0
_AFTER_FAILURE_S = 1.0


class PolledThread:
    """Calls `turn` on its own thread from `start` until `stop`.

    A turn returns after how many seconds the next is due, or None for not before it is woken. One that
    raises is logged, the same mistake once, followed by `failed`, and tried again a second later: a loop
    that holds a lid's lease must not die.
    """

    def __init__(self, name: str, turn: Callable[[], float | None], failed: Callable[[], None]) -> None:
        self._turn = turn
        self._failed = failed
        self._woken = threading.Event()
        self._is_stopping = False
        self.polled_at = time.monotonic()
        """When the last turn ended, or the loop was made: what does not turn hangs."""
        self._complaints = Complaints(log)
        self._thread = thread(self._run, name)

    def start(self) -> None:
        """Take the first turn; once."""
        self._thread.start()

    def wake(self) -> None:
        """Have a turn taken soon; from any thread, at once, as gpiozero's callbacks need it."""
        self._woken.set()

    def stop(self) -> None:
        """Take no further turn; wait up to a second for the one at hand. Without a start it does nothing."""
        self._is_stopping = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def _run(self) -> None:
        while not self._is_stopping:
            wait_s = self._poll_once()
            self.polled_at = time.monotonic()
            self._woken.wait(wait_s)
            self._woken.clear()

    def _poll_once(self) -> float | None:
        try:
            wait_s = self._turn()
        except Exception as error:  # noqa: BLE001 (the thread's outermost loop, see above)
            self._complaints.raised(f"{self._thread.name}: a turn failed", error)
            self._failed()
            return _AFTER_FAILURE_S
        self._complaints.over()
        return wait_s
