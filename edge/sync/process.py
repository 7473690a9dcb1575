"""The process that delivers the journal to the ledger and notes receipts.

It shares only the journal's file with the station, reads what the station measured last, and may be killed at
any instant: the only state outside that file is which batches are on their way, and those are sent again.
"""

from __future__ import annotations

import logging
import queue
import random
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from typing import Protocol

import msgspec

from cloud_sync.transport import resend
from cloud_sync.transport.mailbox import Mailbox, Message
from cloud_sync.transport.mqtt import MqttLink, Will
from cloud_sync.transport.resend import Delivery
from cloud_sync.wire import topics
from cloud_sync.wire.envelope import (
    MAX_BATCH_EPOCHS,
    MAX_EVENTS,
    MAX_RECEIPT_EPOCHS,
    Lost,
    key_id,
    seal_batch,
    take_batch,
)
from config.errors import InputError
from config.station import StationSettings
from edge.faults import FaultCode
from edge.journal.salvage import is_damage
from edge.ports import Clock
from edge.sync.keys import StationIdentity
from edge.sync.outbox import Outbox, OutboxRow, epoch_of
from edge.sync.receipting import Noted
from edge.sync.receipts import Receipts
from edge.sync.retention import Retention
from edge.sync.self_report import SelfReport

log = logging.getLogger(__name__)

LOOK_S = 0.2
"""How often the outbox is read while nothing comes in."""
STATE_S = 10.0
"""Shortest time between two reports of the station's state."""
DISK_PAUSE_S = 2.0
"""Pause after the journal could not be read or written."""
RECEIPTS = topics.kind_of(topics.receipts("", ""))
DOWNLINK_FAULTS = (FaultCode.ROSTER_OLD, FaultCode.PUBLICATION_REFUSED)
SUSPECT_S = 600.0
"""Shortest time between two requests that the station check a journal that looks damaged from here."""


class Stopping(Protocol):
    """Says when to stop."""

    def is_set(self) -> bool:
        """Return whether to stop now."""
        ...


class Sync:
    """One station's delivery. `turn` does one round; `run` repeats it until stopped."""

    def __init__(  # noqa: PLR0913 (each is another part of the station)
        self,
        sender: StationIdentity,
        outbox: Outbox,
        link: MqttLink,
        clock: Clock,
        jitter: random.Random,
        report: SelfReport | None = None,
        *,
        faults: Callable[[], frozenset[FaultCode]] = frozenset,
    ) -> None:
        """Deliver `outbox` through `link`, which the caller starts and stops, and publish `report`.

        `faults` are what the downlink finds; the station raises and clears them.
        """
        self._sender = sender
        self._outbox = outbox
        self._receipts = Receipts(sender, outbox)
        self._link = link
        self._clock = clock
        self._jitter = jitter
        self._report = report or SelfReport(clock)
        self._delivery = Delivery()
        self._unnoted: deque[Message] = deque()
        self._stated: frozenset[Lost] = frozenset()
        self._is_claimed = False
        self._connections = 0
        self._state_told_at = -inf
        self._retention = Retention(outbox, clock.now())
        self._disk_pause_until = -inf
        self._disk_refusal: str | None = None
        self._suspected_at = -inf
        self._faults = faults
        self._told_faults: frozenset[FaultCode] | None = None

    def run(self, stopping: Stopping) -> None:
        """Deliver until `stopping` is set; then say that the station goes offline."""
        try:
            while not stopping.is_set():
                self.turn(LOOK_S)
        finally:
            self._link.publish(self._state_topic, self._report.offline(self._link.attempts), retain=True)

    def turn(self, wait_s: float) -> None:
        """Take the messages that come within `wait_s`, send what may be sent, do what is due.

        A disk that refuses costs only time: messages wait and are noted later. InputError for a journal
        whose events were sent under another station's name.
        """
        self._receive(wait_s)
        now = self._clock.now()
        if now < self._disk_pause_until:
            return
        try:
            self._work(now)
        except (sqlite3.Error, OSError) as error:
            self._disk_pause_until = now + DISK_PAUSE_S
            self._outbox.close()
            if str(error) != self._disk_refusal:
                log.error("the journal cannot be used now: %s", error)  # noqa: TRY400 (needs no traceback)
            self._disk_refusal = str(error)
            self._suspect_damage(error, now)
        else:
            if self._disk_refusal is not None:
                log.info("the journal can be used again")
            self._disk_refusal = None

    def _suspect_damage(self, error: Exception, now: float) -> None:
        if is_damage(error) and now >= self._suspected_at + SUSPECT_S:
            self._suspected_at = now
            with suppress(OSError):
                self._outbox.suspect()

    def _receive(self, wait_s: float) -> None:
        try:
            if len(self._unnoted) < self._link.messages.maxsize:
                self._unnoted.append(self._link.messages.get(timeout=wait_s))
            while len(self._unnoted) < self._link.messages.maxsize:
                self._unnoted.append(self._link.messages.get_nowait())
        except queue.Empty:
            return

    def _work(self, now: float) -> None:
        self._claim()
        while self._unnoted:
            self._note(self._unnoted[0], now)
            self._unnoted.popleft().ack()
        self._noted(self._receipts.settle(now), now)
        self._notice_trouble(now)
        while self._may_send(now) and self._send_one(now):
            pass
        self._tell_state(now)
        self._tell_faults()
        self._retention.do(now)

    def _tell_faults(self) -> None:
        """Have the station raise and clear what the downlink finds; only changes touch the disk."""
        found = self._faults()
        if found != self._told_faults:
            for fault in DOWNLINK_FAULTS:
                self._outbox.tell(fault, is_so=fault in found)
            self._told_faults = found

    def _note(self, message: Message, now: float) -> None:
        """Note a receipt. Other topics have mailboxes; what still comes here is left over in the session."""
        if topics.kind_of(message.topic) == RECEIPTS:
            self._noted(self._receipts.note(message.payload, now), now)
        else:
            log.warning("a message on %s is left unread: nothing here reads that topic", message.topic)

    def _claim(self) -> None:
        """Refuse another station's journal: the ledger would count events sent under two names twice."""
        if self._outbox.follow() and self._is_claimed:
            return
        ours = (self._sender.community, self._sender.station)
        owner = self._outbox.claim(*ours)
        if owner != ours:
            raise InputError(
                f"the journal holds events of station {'/'.join(owner)}, and this is {'/'.join(ours)}",
                "give this station a state folder of its own",
            )
        self._is_claimed = True

    def _noted(self, noted: Noted, now: float) -> None:
        if noted.freed:
            self._delivery = resend.receipted(self._delivery, self._outbox.oldest(), now)
            self._state_told_at = min(self._state_told_at, now - STATE_S + 1)
        if noted.taken_back:
            self._delivery = resend.begun_again(self._delivery)

    def _notice_trouble(self, now: float) -> None:
        if self._link.connections != self._connections:
            # A new connection: what the old one carried may be lost, so it is sent again at once.
            self._connections = self._link.connections
            self._delivery = resend.begun_again(self._delivery)
            self._state_told_at = -inf
        if resend.overdue(self._delivery, now):
            self._delivery = resend.failed(self._delivery, now, self._jitter.random())
            key = key_id(self._sender.keys.signing.public_key())
            log.warning(
                "no receipt in time; sending again in %.0f s (does the ledger run, and know the key %s?)",
                *(self._delivery.quiet_until - now, key),
            )
        first = self._outbox.oldest()
        if first is not None and self._is_stuck(first):
            self._delivery = resend.begun_again(self._delivery)

    def _is_stuck(self, first: int) -> bool:
        """Return whether the first waiting row was sent and would now wait forever.

        Either no batch is on its way whose receipt could free it, or the ledger waits for lost events before
        it and has not been told of the loss.
        """
        if first > self._delivery.sent_through:
            return False
        return not self._delivery.on_the_way or not self._stated.issuperset(
            self._outbox.lost([epoch_of(first)]).values()
        )

    # --- sending --------------------------------------------------------------------------------

    def _may_send(self, now: float) -> bool:
        may_send = resend.may_send(self._delivery, now)
        return self._link.connected and may_send and not self._receipts.is_retired

    def _send_one(self, now: float) -> bool:
        """Publish the next batch; False if there is none or the broker has no room."""
        rows = self._within_epoch_bounds(self._outbox.waiting(self._delivery.sent_through, MAX_EVENTS))
        if not rows:
            return False
        lost = self._outbox.lost(dict.fromkeys(row.epoch for row in rows))
        events = take_batch((row.event for row in rows), lost=len(lost))
        taken = rows[: len(events)]
        stated = tuple(lost[number] for number in dict.fromkeys(row.epoch for row in taken) if number in lost)
        sender = self._sender
        message = seal_batch(sender.keys.signing, sender.community, sender.station, events, stated)
        if self._link.publish(topics.events(sender.community, sender.station), message) is None:
            return False
        self._stated |= set(stated)
        self._delivery = resend.sent(self._delivery, taken[-1].id, now)
        log.info("sent %s events", len(events))
        return True

    def _within_epoch_bounds(self, rows: Sequence[OutboxRow]) -> Sequence[OutboxRow]:
        """Cut the rows before the first epoch that would be too many.

        A batch has at most MAX_BATCH_EPOCHS. All batches on their way have at most MAX_RECEIPT_EPOCHS: the
        ledger may answer many batches with one receipt. This second bound is dropped while an answer is
        overdue, because one stuck epoch must not hold up the others.
        """
        numbers = list(dict.fromkeys(row.epoch for row in rows))[:MAX_BATCH_EPOCHS]
        first = self._outbox.oldest()
        if first is not None and not self._delivery.failures:
            numbers = [number for number in numbers if number < epoch_of(first) + MAX_RECEIPT_EPOCHS]
        return [row for row in rows if row.epoch in numbers]

    def _tell_state(self, now: float) -> None:
        if not self._link.connected or now - self._state_told_at < STATE_S:
            return
        since = self._delivery.unanswered_from
        state = msgspec.structs.replace(
            self._report.online(self._link.attempts),
            outbox=self._outbox.depth(),
            unanswered_s=None if since is None else round(now - since, 1),
            key_retired=self._receipts.is_retired,
        )
        if self._link.publish(self._state_topic, msgspec.json.encode(state), retain=True) is not None:
            self._state_told_at = now

    @property
    def _state_topic(self) -> str:
        return topics.state(self._sender.community, self._sender.station)


def link_for(settings: StationSettings, report: SelfReport, mailboxes: Sequence[Mailbox] = ()) -> MqttLink:
    """Make the station's MQTT session: it subscribes to receipts; its last will says that it is offline.

    `mailboxes` are for what else comes down; each is read on a thread of its own.
    """
    community, station = settings.station.community, settings.station.name
    return MqttLink(
        settings.cloud,
        f"tz-{community}-{station}",
        [topics.receipts(community, station)],
        mailboxes=mailboxes,
        will=Will(topics.state(community, station), report.offline),
    )
