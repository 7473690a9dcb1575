"""The worker: takes batches from the broker, applies them, answers with receipts, acknowledges last.

An acknowledgement never runs ahead of the commit. Even so it guards little: the station's journal is
the truth, and what earns no receipt is sent again.

Several workers may run on one database and one broker, each under its own name. Every one gets every
batch; the database lets one apply it and the others find it known. So any of them may die at any
moment and nothing waits for it; what more workers do not bring is speed, for a community settles in
one transaction at a time. That transaction takes what waited of all stations together, little of each
and by turns (`turns`).
"""

from __future__ import annotations

import gc
import logging
import queue
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import InterfaceError, OperationalError, connection

from cloud_sync.ledger.db.database import check
from cloud_sync.ledger.intake.apply import Applied, Name, apply_messages, raise_for_too_much
from cloud_sync.ledger.intake.parse import Sent
from cloud_sync.ledger.intake.periodic import end_waits, standing_receipts
from cloud_sync.ledger.intake.receipts import overtaken
from cloud_sync.ledger.intake.turns import EPOCH, MESSAGE, REFUSED, REJECTED, Turns
from cloud_sync.ledger.keys import read_signing_key
from cloud_sync.ledger.points.clock import count_running, find_doubt, look_at_clock
from cloud_sync.ledger.settling.doubt import Doubt
from cloud_sync.ledger.stations.models import Community
from cloud_sync.ledger.stations.watch import Watch
from cloud_sync.service.systemd import WatchedStop, notifier_of
from cloud_sync.transport.mqtt import Message, MqttLink, pause_s
from cloud_sync.wire import topics
from cloud_sync.wire.envelope import Receipt, seal_receipt
from config.errors import InputError
from config.ledger import LedgerSettings
from config.process.threads import thread
from config.reading import typed

log = logging.getLogger(__name__)

LOOK_S = 0.2
"""How often the worker looks whether it is to stop."""
PERIODIC_S = 600.0
"""How often stations are told where they stand, and waits that are over end."""
AT_ONCE = 256
"""Messages that waited and are applied in one transaction."""
MOST_BYTES = 512 * 1024
"""Of them; beyond it the first one's receipt would wait long for the last one's events."""
JUMP_S = 60.0
"""A calendar that goes so far from the monotonic clock was set; periodic work is then due at once."""
TELL_S = 5.0
"""How often at most an alarm says that a station sent too much; it counts all that was let go."""
BUSY = (OperationalError, InterfaceError)
"""The database is busy, gave way to another writer, or is away: the same batch will go through later."""
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")

Apply = Callable[..., Mapping[Name, Applied]]
"""As `apply_messages`."""


class Worker:
    """Applies what comes in by one link until it is told to stop.

    With a `community` it also does that community's periodic work: at each new connection, because a broker
    may have forgotten what it retained, and every PERIODIC_S.
    """

    def __init__(
        self,
        link: MqttLink,
        key: Ed25519PrivateKey,
        stopping: threading.Event,
        apply: Apply = apply_messages,
        community: Community | None = None,
        watch: Callable[[], None] = lambda: None,
    ) -> None:
        self._link = link
        self._key = key
        self._stopping = stopping
        self._apply = apply
        self._community = community
        self._watch = watch
        self._jitter = random.Random()  # noqa: S311 (spreads retries, guards nothing)
        self._connected = False
        self._periodic_at = 0.0
        self._connections = 0
        self._doubt: Doubt | None = None
        """Why the calendar is not believed, as it was when that began."""
        self._is_clock_judged = False
        self._offset = time.time() - time.monotonic()
        self._counted_at = time.monotonic()
        self._turns = Turns(AT_ONCE, MOST_BYTES)
        self._tell_let_go_at = 0.0

    def run(self) -> None:
        """Take message after message; a stop lets the current ones finish."""
        while not self._stopping.is_set():
            self.turn()

    def turn(self) -> None:
        """Take what came, apply what is next of each station, let the broker forget what is done."""
        self._tell_connection()
        self._do_periodic()
        self._look_around()
        self._gather()
        if self._has_judged_clock() and (taken := self._turns.take()):
            done = self._take_safely([waiting.message for waiting in taken])
            for waiting in taken[:done]:
                waiting.done = True
            self._turns.give_back(taken[done:])
        self._tell_let_go()
        _acknowledge(self._turns.finished())

    def _look_around(self) -> None:
        """Watch what sends no message, whether or not the broker is there."""
        try:
            self._watch()
        except BUSY as error:
            log.warning("the database cannot tell which stations are silent (%s)", error)
            connection.close_if_unusable_or_obsolete()

    def _gather(self) -> None:
        """Take what the link has; if nothing waits yet, wait LOOK_S for the first."""
        with suppress(queue.Empty):
            if self._turns.is_empty:
                self._add(self._link.messages.get(timeout=LOOK_S))
            while self._turns.has_room:
                self._add(self._link.messages.get_nowait())

    def _add(self, message: Message) -> None:
        try:
            name = topics.station_of(message.topic)
        except ValueError as error:
            log.warning("a message is left unread: %s", error)
            self._turns.add_done(message)
        else:
            self._turns.add(message, name, time.monotonic())

    def _tell_let_go(self) -> None:
        """Say which stations sent too much, now and then."""
        if not self._turns.let_go or time.monotonic() < self._tell_let_go_at:
            return
        self._tell_let_go_at = time.monotonic() + TELL_S
        try:
            raise_for_too_much(self._turns.let_go, datetime.now(UTC))
        except BUSY as error:
            log.warning("the database cannot take alarms (%s)", error)
            connection.close_if_unusable_or_obsolete()
            return
        self._turns.let_go.clear()

    def _take_safely(self, messages: Sequence[Message]) -> int:
        """How many of them, from the first on, the broker may forget now."""
        try:
            return len(messages) if self.take(messages) else 0
        except Exception:
            # Outermost loop: one message that breaks the code must not keep all others waiting.
            if len(messages) == 1:
                log.exception("a message on %s failed; its station will send it again", messages[0].topic)
                return 1
        half = len(messages) // 2
        done = self._take_safely(messages[:half])
        return done + self._take_safely(messages[half:]) if done == half else done

    def take(self, messages: Sequence[Message]) -> bool:
        """Apply messages and answer their stations; whether the broker may now forget them."""
        began = time.monotonic()
        sent = [Sent(message.payload, *topics.station_of(message.topic)) for message in messages]
        applied = self._apply_when_free(sent)
        if applied is None:
            return False
        self._charge(sent, applied)
        self._look_for_the_doubts_end()
        self._answer([one.receipt for one in applied.values()])
        took_ms = (time.monotonic() - began) * 1000
        for (_, station), one in applied.items():
            log.info("%s: %s, %.0f ms", station, _in_words(one), took_ms)
        return True

    def _charge(self, sent: Sequence[Sent], applied: Mapping[Name, Applied]) -> None:
        """Count to each station the work that its messages were."""
        now = time.monotonic()
        for name, messages in Counter((one.community, one.station) for one in sent).items():
            one = applied.get(name)
            work = messages * REJECTED
            if one is not None:
                work = messages * MESSAGE + one.new + one.known + one.refused * REFUSED + one.begun * EPOCH
                work += one.left_out * REJECTED
                self._turns.let_go += Counter({name: one.left_out})  # none is no entry
            self._turns.charge(name, work, now)

    def _tell_connection(self) -> None:
        if self._link.contested:
            return  # the link says why it comes and goes
        if self._link.connected != self._connected:
            self._connected = not self._connected
            log.info("connected to the broker" if self._connected else "the broker is away")

    def _do_periodic(self) -> None:
        """Where they are due; a database that cannot take them now is asked again at the next turn."""
        if self._community is None or not self._link.connected or not self._is_periodic_due():
            return
        connections = self._link.connections
        try:
            self._look_after(self._community, datetime.now(UTC))
        except BUSY as error:
            log.warning("the database cannot tell where stations stand (%s)", error)
            connection.close_if_unusable_or_obsolete()
            return
        self._connections, self._periodic_at = connections, time.monotonic() + PERIODIC_S

    def _is_periodic_due(self) -> bool:
        offset = time.time() - time.monotonic()
        jumped = abs(offset - self._offset) > JUMP_S
        self._offset = offset
        if jumped:
            self._periodic_at, self._is_clock_judged = 0.0, False  # the calendar was set
        return self._link.connections != self._connections or time.monotonic() >= self._periodic_at

    def _look_after(self, community: Community, now: datetime) -> None:
        """Count the time that the worker ran, end waits that are over, tell stations where they stand."""
        self._look_at_clock(community, now)
        ran_s = int(time.monotonic() - self._counted_at)
        count_running(community, ran_s, now)
        self._counted_at += ran_s
        if self._doubt is None:
            end_waits(community, now)
        for receipts in standing_receipts(community, self._believed(now)):
            self._answer(receipts)

    def _look_at_clock(self, community: Community, now: datetime) -> None:
        doubt = look_at_clock(community, now)
        self._is_clock_judged = True
        if (doubt is None) != (self._doubt is None):
            self._doubt = doubt
            log.warning("ALARM: %s", doubt) if doubt else log.info("the ledger's clock is believed")

    def _has_judged_clock(self) -> bool:
        """Whether the clock was judged since it was last set: before that nothing may be dated by it."""
        if self._community is None or self._is_clock_judged:
            return True
        try:
            self._look_at_clock(self._community, datetime.now(UTC))
        except BUSY as error:
            log.warning("the database cannot tell what stations' clocks say (%s)", error)
            connection.close_if_unusable_or_obsolete()
        return self._is_clock_judged

    def _look_for_the_doubts_end(self) -> None:
        """Make periodic work due where what came has ended the doubt: visits wait for that."""
        if self._doubt is None or self._community is None:
            return
        with suppress(*BUSY):  # then the next message asks again
            if find_doubt(self._community, datetime.now(UTC)) is None:
                self._periodic_at = 0.0

    def _believed(self, now: datetime) -> datetime | None:
        return now if self._doubt is None else None

    def _apply_when_free(self, sent: Sequence[Sent]) -> Mapping[Name, Applied] | None:
        """What became of them; None if the worker was told to stop while the database was busy."""
        failures = 0
        while True:
            try:
                if self._doubt is None:
                    return self._apply(sent, datetime.now(UTC))
                return self._apply(sent, datetime.now(UTC), doubt=self._doubt)
            except BUSY as error:
                failures += 1
                connection.close_if_unusable_or_obsolete()
                wait_s = pause_s(failures, self._jitter)
                log.warning(
                    "the database cannot take %d messages (%s); again in %.1f s", len(sent), error, wait_s
                )
                if self._stopping.wait(wait_s):
                    return None

    def _answer(self, receipts: Sequence[Receipt]) -> None:
        """Publish receipts, and again newer ones where another worker overtook them.

        The last that is retained is then never an old one. One that a broken connection swallows is
        asked for by the same batch again.
        """
        while receipts:
            told = [receipt for receipt in receipts if self._publish(receipt)]
            receipts = overtaken(told, self._believed(datetime.now(UTC)))

    def _publish(self, receipt: Receipt) -> bool:
        topic, sealed = topics.receipts(receipt.community, receipt.station), seal_receipt(self._key, receipt)
        while self._link.publish(topic, sealed, retain=True) is None:
            if not self._link.connected or self._stopping.wait(0.01):
                return False
        return True


def _acknowledge(messages: Sequence[Message]) -> None:
    """Let the broker forget messages in the order they came.

    MQTT 3.1.1 demands that order (4.6), and iotcore ends the connection of whoever does not keep it.
    """
    for message in messages:
        message.ack()


def client_id(community: str, worker: str) -> str:
    """What the broker knows a worker by; InputError for a name that cannot be one.

    The broker keeps a session under it, so a worker that comes back finds what came meanwhile. A name
    that is given up leaves its session behind, for as long as the broker's configuration keeps it.
    """
    name = typed.slug(worker)
    if worker and not NAME.fullmatch(name):
        raise InputError(
            f"{worker!r} is no worker's name", "use lower-case letters, digits and hyphens, 32 at most"
        )
    return f"ledger-{community}-{name}" if worker else f"ledger-{community}"


def ingest(settings: LedgerSettings, worker: str = "") -> None:
    """Be the worker of that name until SIGTERM or SIGINT, which let the current batches finish."""
    community = check(settings)
    name = client_id(community.slug, worker)
    key = read_signing_key(settings.state_dir)
    link = MqttLink(settings.broker, name, [topics.events(community.slug, "+")], window=AT_ONCE)
    notifier = notifier_of()
    stopping = WatchedStop(notifier)
    _set_by_signal(stopping)
    gc.freeze()  # what is here now stays: no collection need look at all of Django again
    link.start()
    notifier.ready()
    log.info("taking batches of %s from %s:%d", community, settings.broker.host, settings.broker.port)
    try:
        Worker(link, key, stopping, community=community, watch=Watch(settings, community).turn).run()
    finally:
        link.stop()
        connection.close()


def _set_by_signal(stopping: threading.Event) -> None:
    """Let SIGTERM and SIGINT set it, from now on, in a thread of their own.

    A handler would run on the main thread, which may hold the event's lock at that moment, and wait for ever.
    """
    numbers = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)  # every thread begun later has them blocked, too

    def wait() -> None:
        signal.sigwait(numbers)
        stopping.set()

    thread(wait, "signals").start()


def _in_words(applied: Applied) -> str:
    """What became of them, in a line."""
    told = f"{applied.new} new"
    if applied.known:
        told += f", {applied.known} known"
    if applied.refused:
        told += f", {applied.refused} refused"
    if applied.receipt.epochs:
        newest = applied.receipt.epochs[0]
        told += f", through {newest.through} of {newest.epoch[:6]}"
    return told
