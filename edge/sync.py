"""The process that drains the journal to the cloud and brings receipts back.

It shares nothing with the station but the journal's file, and may be killed at any instant: what it
knows beyond that file is only which batches are on their way, and those are sent again.
"""

from __future__ import annotations

import logging
import queue
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import msgspec

from cloud_sync import delivery, topics
from cloud_sync.delivery import Delivery
from cloud_sync.envelope import (
    MAX_EVENTS,
    EnvelopeError,
    key_id,
    open_receipt,
    seal_batch,
    take_batch,
)
from cloud_sync.mqtt import MqttLink, Will

if TYPE_CHECKING:
    import random
    import threading

    from cloud_sync.mqtt import Message
    from config.station import StationSettings
    from edge.keys import StationKeys
    from edge.outbox import Outbox
    from edge.ports import Clock

log = logging.getLogger(__name__)

LOOK_S = 0.2
"""How often the outbox is looked at while nothing comes in."""
STATE_S = 10.0
"""How often the station's state is told, at most."""
PRUNE_S = 3600.0


class StationState(msgspec.Struct, frozen=True):
    """What the `state` topic says, retained; the last will says `online: false`."""

    online: bool
    outbox: int | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose events these are, and what they are signed with."""

    community: str
    station: str
    keys: StationKeys


class Sync:
    """One station's delivery. `turn` does one round; `run` repeats it until told to stop."""

    def __init__(
        self, sender: Sender, outbox: Outbox, link: MqttLink, clock: Clock, jitter: random.Random
    ) -> None:
        """Drain `outbox` through `link`, which the caller starts and stops."""
        self._sender = sender
        self._ledger_keys = {key_id(sender.keys.ledger): sender.keys.ledger}
        self._outbox = outbox
        self._link = link
        self._clock = clock
        self._jitter = jitter
        self._delivery = Delivery()
        self._connections = 0
        self._state_told_at = -inf
        self._pruned_at = -inf

    def run(self, stopping: threading.Event) -> None:
        """Deliver until `stopping` is set."""
        while not stopping.is_set():
            self.turn(LOOK_S)

    def turn(self, wait_s: float) -> None:
        """Take what came within `wait_s`, send what may be sent, keep house."""
        try:
            message = self._link.messages.get(timeout=wait_s)
        except queue.Empty:
            message = None
        now = self._clock.now()
        if message is not None:
            self._take(message, now)
        self._notice_trouble(now)
        while self._link.connected and delivery.may_send(self._delivery, now) and self._send_one(now):
            pass
        self._tell_state(now)
        self._prune(now)

    def _notice_trouble(self, now: float) -> None:
        if self._link.connections != self._connections:
            # A new connection: whatever the old one carried may be lost, so it is sent again at once.
            self._connections = self._link.connections
            self._delivery = Delivery()
            self._state_told_at = -inf
        if delivery.overdue(self._delivery, now):
            self._delivery = delivery.failed(self._delivery, now, self._jitter.random())
            log.warning("no receipt in time; sending again in %.0f s", self._delivery.quiet_until - now)

    def _send_one(self, now: float) -> bool:
        """Publish the next batch; False when there is none or the broker has no room."""
        rows = self._outbox.waiting(self._delivery.sent_through, MAX_EVENTS)
        if not rows:
            return False
        events = take_batch(row.event for row in rows)
        sender = self._sender
        message = seal_batch(sender.keys.signing, sender.community, sender.station, events)
        topic = topics.events(sender.community, sender.station)
        if self._link.publish(topic, message) is None:
            return False
        self._delivery = delivery.sent(self._delivery, rows[len(events) - 1].id, now)
        log.info("sent %s events", len(events))
        return True

    def _take(self, message: Message, now: float) -> None:
        try:
            receipt = open_receipt(message.payload, self._ledger_keys)
        except EnvelopeError as error:
            log.error("a receipt that cannot be believed: %s", error)  # noqa: TRY400 (one line says it all)
            message.ack()
            return
        if (receipt.community, receipt.station) != (self._sender.community, self._sender.station):
            log.error("a receipt for %s/%s came here", receipt.community, receipt.station)
            message.ack()
            return
        for epoch, sequence, reason in self._outbox.note_receipts(receipt.epochs, self._clock.wall().unix_s):
            log.error("the ledger set event %s/%s aside: %s", epoch, sequence, reason)
        message.ack()
        self._delivery = delivery.receipted(self._delivery, self._outbox.oldest(), now)
        self._state_told_at = min(self._state_told_at, now - STATE_S + 1)

    def _tell_state(self, now: float) -> None:
        if not self._link.connected or now - self._state_told_at < STATE_S:
            return
        state = StationState(online=True, outbox=self._outbox.depth())
        topic = topics.state(self._sender.community, self._sender.station)
        if self._link.publish(topic, msgspec.json.encode(state), retain=True) is not None:
            self._state_told_at = now

    def _prune(self, now: float) -> None:
        if now - self._pruned_at >= PRUNE_S:
            self._pruned_at = now
            if forgotten := self._outbox.prune(self._clock.wall().unix_s):
                log.info("forgot %s events receipted more than 30 days ago", forgotten)


def link_for(settings: StationSettings) -> MqttLink:
    """The station's MQTT session: its receipts come in, its last will says that it is gone."""
    community, station = settings.station.community, settings.station.name
    return MqttLink(
        settings.cloud,
        f"tz-{community}-{station}",
        [topics.receipts(community, station)],
        will=Will(topics.state(community, station), msgspec.json.encode(StationState(online=False))),
    )
