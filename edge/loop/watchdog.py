"""Feeds systemd's watchdog at each turn of the station's loop; a hung loop stops feeding it."""

from __future__ import annotations

import threading

from cloud_sync.service.systemd import Notifier
from edge.loop.inbox import QueueInbox
from edge.messages import Event


class WatchedInbox(QueueInbox):
    """The station's inbox; its `take`, called at every turn of the loop, feeds the watchdog."""

    def __init__(self, notifier: Notifier) -> None:
        """Feed the watchdog through `notifier`."""
        super().__init__()
        self._notifier = notifier

    def take(self, wait_s: float | None) -> tuple[Event | None, float] | None:
        """Take as from the inbox, but never wait longer than the watchdog allows."""
        self._notifier.pet()
        if wait_s is None or wait_s > self._notifier.pet_s:
            wait_s = self._notifier.pet_s
        return super().take(wait_s if wait_s < threading.TIMEOUT_MAX else None)
