"""The worker: takes batches from the broker, applies them, answers with receipts, acknowledges last.

An acknowledgement never runs ahead of the commit. Even so it guards little: the station's journal is
the truth, and what earns no receipt is sent again.

Several workers may run on one database and one broker, each under its own name. Every one gets every
batch; the database lets one apply it and the others find it known. So any of them may die at any
moment and nothing waits for it; what more workers do not bring is speed, for a community settles in
one transaction at a time. That transaction takes what waited of one community's stations together, little
of each and by turns; the next one is another community's (`turns`).
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
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from cloud_sync.ledger.communities.register import all_communities
from cloud_sync.ledger.db.database import check
from cloud_sync.ledger.intake.apply import Applied, Name, apply_messages, raise_for_too_much
from cloud_sync.ledger.intake.chores import Chores
from cloud_sync.ledger.intake.parse import Sent
from cloud_sync.ledger.intake.receipts import overtaken
from cloud_sync.ledger.intake.rests import Rests
from cloud_sync.ledger.intake.turns import EPOCH, MESSAGE, REFUSED, REJECTED, Turns
from cloud_sync.ledger.keys import read_signing_key
from cloud_sync.ledger.settling.doubt import Doubt
from cloud_sync.ledger.stations.models import Community
from cloud_sync.ledger.stations.watch import Watch
from cloud_sync.service.systemd import WatchedStop, notifier_of
from cloud_sync.transport.mqtt import Message, MqttLink
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
"""A calendar that goes so far from the monotonic clock was set; chores are then due at once."""
AGAIN_S = 10.0
"""After chores that failed."""
KNOW_S = 10.0
"""How often it is asked which communities there are."""
LET_GO_S = 5.0
"""A community that the database could not take for so long keeps no others' messages waiting."""
LOCK_WAIT = "300ms"
"""How long a statement waits for rows that somebody else holds; then it is another community's turn."""
TELL_S = 5.0
"""How often at most an alarm says that a station sent too much; it counts all that was let go."""
BUSY = (OperationalError, InterfaceError)
"""The database is busy, gave way to another writer, or is away: the same batch will go through later."""
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")

Apply = Callable[..., Mapping[Name, Applied]]
"""As `apply_messages`."""


class Worker:
    """Applies what comes in by one link until it is told to stop.

    With `communities`, a function that finds them, it also does their chores: at each new connection,
    because a broker may have forgotten what it retained, and every PERIODIC_S. Each community's messages and
    chores are transactions of their own; one that fails or is busy rests a while, and the others go on.
    """

    def __init__(
        self,
        link: MqttLink,
        key: Ed25519PrivateKey,
        stopping: threading.Event,
        apply: Apply = apply_messages,
        communities: Callable[[], Sequence[Community]] = lambda: (),
        watch: Callable[[], None] = lambda: None,
    ) -> None:
        self._link = link
        self._key = key
        self._stopping = stopping
        self._apply = apply
        self._find_communities = communities
        self._watch = watch
        self._jitter = random.Random()  # noqa: S311 (spreads retries, guards nothing)
        self._connected = False
        self._chores: dict[str, Chores] = {}
        """By community."""
        self._known_at = -KNOW_S
        self._rests = Rests(self._jitter)
        self._offset = time.time() - time.monotonic()
        self._turns = Turns(AT_ONCE, MOST_BYTES)
        self._tell_let_go_at = 0.0

    def run(self) -> None:
        """Take message after message; a stop lets the current ones finish."""
        while not self._stopping.is_set():
            self.turn()

    def turn(self) -> None:
        """Take what came, apply what is next of one community, let the broker forget what is done."""
        self._tell_connection()
        self._know_communities(KNOW_S)
        self._do_periodic()
        self._look_around()
        self._gather()
        self._apply_next()
        self._tell_let_go()
        _acknowledge(self._turns.finished())

    def _know_communities(self, age_s: float) -> None:
        """Learn which communities there are, unless that was asked less than so long ago."""
        if time.monotonic() - self._known_at < age_s:
            return
        try:
            found = {community.slug: community for community in self._find_communities()}
        except BUSY as error:
            self._tell_busy("tell which communities there are", error)
            return
        self._known_at = time.monotonic()
        for slug, community in found.items():
            if (known := self._chores.get(slug)) is None:
                self._chores[slug] = Chores(community, time.monotonic())
            else:
                known.community = community
        for slug in set(self._chores) - set(found):
            del self._chores[slug]

    def _look_around(self) -> None:
        """Watch what sends no message, whether or not the broker is there."""
        try:
            self._watch()
        except BUSY as error:
            self._tell_busy("tell which stations are silent", error)

    def _gather(self) -> None:
        """Take what the link has; if there is nothing else to do, wait LOOK_S for the first."""
        with suppress(queue.Empty):
            if self._turns.is_empty and not self._has_due_chores:
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

    def _apply_next(self) -> None:
        """Apply what is next of the community whose turn it is, passing by those that rest."""
        resting = self._rests.resting(time.monotonic())
        taken = self._turns.take(resting)
        if not taken:
            if not self._turns.is_empty:
                self._wait_for_rest()
            return
        community = taken[0].station[0]
        done = 0
        if self._has_judged_clock(community):
            done = self._take_safely([waiting.message for waiting in taken])
        for waiting in taken[:done]:
            waiting.done = True
        self._turns.give_back(taken[done:])
        if done == len(taken):
            self._rests.is_well(community)

    def _wait_for_rest(self) -> None:
        """Nothing but what rests is here: wait a moment, or let go of it where it keeps others out."""
        wait_s = min(LOOK_S, self._rests.shortest_s(time.monotonic()))
        if self._turns.has_room:
            with suppress(queue.Empty):
                self._add(self._link.messages.get(timeout=wait_s))
            return
        if len(self._chores) > 1:
            self._make_room()
        self._stopping.wait(wait_s)

    def _make_room(self) -> None:
        """Let go of messages that wait for a community which has been busy for long; stations send again.

        MQTT wants acknowledgements in order, so what stays would keep all others' messages at the broker.
        """
        for community in self._rests.busy_for(LET_GO_S, time.monotonic()):
            if count := self._turns.drop(community):
                log.warning("%s is busy: %d messages are let go, and come again", community, count)

    def _tell_let_go(self) -> None:
        """Say which stations sent too much, now and then."""
        if not self._turns.let_go or time.monotonic() < self._tell_let_go_at:
            return
        self._tell_let_go_at = time.monotonic() + TELL_S
        try:
            raise_for_too_much(self._turns.let_go, datetime.now(UTC))
        except BUSY as error:
            self._tell_busy("take alarms", error)
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
        """Apply messages of one community and answer its stations; whether the broker may forget them."""
        began = time.monotonic()
        sent = [Sent(message.payload, *topics.station_of(message.topic)) for message in messages]
        community = sent[0].community
        chores = self._chores.get(community)
        applied = self._apply_if_free(sent, None if chores is None else chores.doubt)
        if applied is None:
            return False
        self._charge(sent, applied)
        if chores is not None:
            with suppress(*BUSY):  # then the next message asks again
                chores.look_for_the_doubts_end(datetime.now(UTC))
        self._answer([one.receipt for one in applied.values()])
        took_ms = (time.monotonic() - began) * 1000
        for (_, station), one in applied.items():
            name = f"{community}/{station}" if len(self._chores) > 1 else station
            log.info("%s: %s, %.0f ms", name, _in_words(one), took_ms)
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

    @property
    def _has_due_chores(self) -> bool:
        return self._link.connected and self._next_chores() is not None

    def _next_chores(self) -> Chores | None:
        """The chores that are due longest."""
        now, connections = time.monotonic(), self._link.connections
        due = [one for one in self._chores.values() if one.are_due(connections, now)]
        return min(due, key=lambda one: one.due_s, default=None)

    def _do_periodic(self) -> None:
        """One community's, where they are due; those that fail are done again a little later."""
        self._notice_a_calendar_that_was_set()
        if not self._link.connected or (chores := self._next_chores()) is None:
            return
        connections, spread = self._link.connections, self._jitter.uniform(0.9, 1.1)
        try:
            chores.look_after(datetime.now(UTC), time.monotonic(), self._answer)
        except Exception as error:
            # One community's rows must not keep all others from their chores.
            if isinstance(error, BUSY):
                self._tell_busy(f"tell where stations of {chores.community} stand", error)
            else:
                log.exception("the chores of %s failed; again in %.0f s", chores.community, AGAIN_S)
            connection.close_if_unusable_or_obsolete()
            spread = AGAIN_S / PERIODIC_S
        chores.connections, chores.due_s = connections, time.monotonic() + spread * PERIODIC_S

    def _notice_a_calendar_that_was_set(self) -> None:
        offset = time.time() - time.monotonic()
        jumped = abs(offset - self._offset) > JUMP_S
        self._offset = offset
        for chores in self._chores.values() if jumped else ():
            chores.calendar_was_set()

    def _has_judged_clock(self, community: str) -> bool:
        """Whether a community's clock was judged since it was set; before, nothing may be dated by it."""
        if community not in self._chores:
            self._know_communities(LOOK_S)
        chores = self._chores.get(community)
        if chores is None or chores.is_clock_judged:
            return True
        try:
            chores.look_at_clock(datetime.now(UTC))
        except BUSY as error:
            self._rest(community, error)
        return chores.is_clock_judged

    def _apply_if_free(self, sent: Sequence[Sent], doubt: Doubt | None) -> Mapping[Name, Applied] | None:
        """What became of them; None if the database is busy with their community, which then rests."""
        try:
            if doubt is None:
                return self._apply(sent, datetime.now(UTC))
            return self._apply(sent, datetime.now(UTC), doubt=doubt)
        except BUSY as error:
            self._rest(sent[0].community, error)
            return None

    def _rest(self, community: str, error: Exception) -> None:
        wait_s = self._rests.rest(community, time.monotonic())
        self._tell_busy(f"take what came of {community}, again in {wait_s:.1f} s", error)

    def _tell_busy(self, what: str, error: Exception) -> None:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        log.warning("the database cannot %s (%s)", what, said)
        connection.close_if_unusable_or_obsolete()

    def _answer(self, receipts: Sequence[Receipt]) -> None:
        """Publish receipts of one community, and again newer ones where another worker overtook them.

        The last that is retained is then never an old one. One that a broken connection swallows is
        asked for by the same batch again.
        """
        while receipts:
            chores = self._chores.get(receipts[0].community)
            told = [receipt for receipt in receipts if self._publish(receipt)]
            now = datetime.now(UTC)
            receipts = overtaken(told, now if chores is None else chores.believed(now))

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


def client_id(ledger: str, worker: str) -> str:
    """What the broker knows a worker by; InputError for a name that cannot be one.

    The broker keeps a session under it, so a worker that comes back finds what came meanwhile. A name
    that is given up leaves its session behind, for as long as the broker's configuration keeps it.
    """
    name = typed.slug(worker)
    if worker and not NAME.fullmatch(name):
        raise InputError(
            f"{worker!r} is no worker's name", "use lower-case letters, digits and hyphens, 32 at most"
        )
    return f"ledger-{ledger}-{name}" if worker else f"ledger-{ledger}"


def ingest(settings: LedgerSettings, worker: str = "") -> None:
    """Be the worker of that name until SIGTERM or SIGINT, which let the current batches finish."""
    check(settings)
    name = client_id(settings.broker_name, worker)
    key = read_signing_key(settings.state_dir)
    # A session from before has subscribed to its one community, and would be sent everything twice.
    left = [topics.events(community.slug, "+") for community in all_communities()]
    link = MqttLink(settings.broker, name, [topics.events("+", "+")], leaves=left, window=AT_ONCE)
    connection_created.connect(bound_lock_waits, dispatch_uid="bound_lock_waits")
    connection.close()  # the next one knows its bound
    notifier = notifier_of()
    stopping = WatchedStop(notifier)
    _set_by_signal(stopping)
    gc.freeze()  # what is here now stays: no collection need look at all of Django again
    link.start()
    notifier.ready()
    log.info("taking batches from %s:%d", settings.broker.host, settings.broker.port)
    try:
        watch = Watch(settings, all_communities)
        Worker(link, key, stopping, communities=all_communities, watch=watch.turn).run()
    finally:
        link.stop()
        connection.close()


def bound_lock_waits(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Let a new connection to PostgreSQL wait for others' locks no longer than LOCK_WAIT."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_WAIT}'")


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
