"""A thread that polls when it is woken, and when its last poll asked for the next one."""

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

    `turn` returns the seconds until the next call, or None to wait for `wake`. If it raises, the error is
    logged once, `failed` is called, and `turn` is called again a second later: a thread that holds a lid's
    lease must not die.
    """

    def __init__(self, name: str, turn: Callable[[], float | None], failed: Callable[[], None]) -> None:
        self._turn = turn
        self._failed = failed
        self._woken = threading.Event()
        self._is_stopping = False
        self.polled_at = time.monotonic()
        """When the last poll ended, or this object was made; an old value means that the thread hangs."""
        self._complaints = Complaints(log)
        self._thread = thread(self._run, name)

    def start(self) -> None:
        """Start the thread. Call it once."""
        self._thread.start()

    def wake(self) -> None:
        """Poll soon. Returns at once; call it from any thread, such as gpiozero's callbacks."""
        self._woken.set()

    def stop(self) -> None:
        """Stop polling; wait up to a second for the current poll. Does nothing if it was not started."""
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
