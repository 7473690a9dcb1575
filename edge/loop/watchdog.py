"""The station's inbox pets the watchdog at each turn of the loop; a hung loop stops petting."""

from __future__ import annotations

import threading

from cloud_sync.service.systemd import Notifier
from edge.loop.inbox import QueueInbox
from edge.messages import Event


class WatchedInbox(QueueInbox):
    """The station's inbox, whose `take` pets the watchdog: its loop comes here at every turn."""

    def __init__(self, notifier: Notifier) -> None:
        """Pet by `notifier`."""
        super().__init__()
        self._notifier = notifier

    def take(self, wait_s: float | None) -> tuple[Event | None, float] | None:
        """As the inbox's, but never longer than the watchdog's patience allows."""
        self._notifier.pet()
        if wait_s is None or wait_s > self._notifier.pet_s:
            wait_s = self._notifier.pet_s
        return super().take(wait_s if wait_s < threading.TIMEOUT_MAX else None)
