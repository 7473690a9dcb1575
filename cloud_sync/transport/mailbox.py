"""Bounded queues for received messages: a topic that is flooded holds up no other.

What must not be lost waits in the link's own queue; when that is full, the network thread waits too and TCP
slows the broker. A mailbox never makes it wait: it drops its oldest message. So it is for messages that are
repeated, or of which only the newest counts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Full, Queue

from config.process.threads import Complaints

log = logging.getLogger(__name__)

MAILBOX_SIZE = 64


@dataclass(frozen=True, slots=True)
class Message:
    """A received message; at QoS 1 the broker keeps it until `ack()`."""

    topic: str
    payload: bytes
    retained: bool
    _acknowledge: Callable[[], None]

    def ack(self) -> None:
        """Let the broker forget it. Does nothing if its connection has ended: the message comes again."""
        self._acknowledge()


class Mailbox:
    """The newest messages of one subscription at QoS 0; any thread may take them."""

    def __init__(self, topic: str, size: int = MAILBOX_SIZE) -> None:
        """Keep at most `size` messages of `topic`, which may have wildcards."""
        self.topic = topic
        self._messages: Queue[Message] = Queue(size)
        self._dropped = Complaints(log)
        self._is_granted = True

    def take(self, wait_s: float) -> Message | None:
        """Return the oldest message; None if none comes within `wait_s` seconds."""
        with suppress(Empty):
            return self._messages.get(timeout=wait_s) if wait_s > 0 else self._messages.get_nowait()
        self._dropped.over()
        return None

    def put(self, message: Message) -> None:
        """Add a message; if there is no room, drop the oldest. Called by the network thread alone."""
        while True:
            try:
                self._messages.put_nowait(message)
            except Full:
                with suppress(Empty):  # the reader may just have made room
                    self._messages.get_nowait()
                if self._dropped.is_new(self.topic):
                    log.warning("more messages come on %s than are read; the oldest are dropped", self.topic)
            else:
                return

    def note_grant(self, *, is_granted: bool) -> None:
        """Note whether the broker granted the subscription; log when that changes."""
        if is_granted != self._is_granted:
            self._is_granted = is_granted
            if is_granted:
                log.info("the broker grants %s now", self.topic)
            else:
                log.error(
                    "the broker denies %s, so nothing comes on it; run `tongzhan ledger broker` again",
                    self.topic,
                )
