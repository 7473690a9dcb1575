"""The worker: takes batches from the broker, applies them, answers with receipts, acknowledges last.

A batch is acknowledged only after the commit. Nothing depends on that alone: the station's journal is the
truth, and the station sends again what earns no receipt.

Several workers may run on one database and one broker, each under its own name. Every worker gets every
batch; the database lets one apply it, and the others find it known. So any of them may die at any moment
without delay for stations. More workers are not faster, because a community settles in one transaction at
a time. A transaction takes a few waiting messages of each station of one community; the next one is for
another community (`turns`).
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
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from cloud_sync.ledger.commanding.dispatcher import Dispatcher, mailbox
from cloud_sync.ledger.communities.register import all_communities, served_communities
from cloud_sync.ledger.db.database import check
from cloud_sync.ledger.downlink.notices import Notices
from cloud_sync.ledger.fleet.lookout import Lookout
from cloud_sync.ledger.fleet.readings import Thinning
from cloud_sync.ledger.fleet.states import BOX, States
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
from cloud_sync.transport.mailbox import Mailbox, Message
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire import topics
from cloud_sync.wire.envelope import Receipt, seal_receipt
from config.errors import InputError
from config.ledger import LedgerSettings
from config.process.threads import thread
from config.reading import typed

log = logging.getLogger(__name__)

LOOK_S = 0.2
"""How often the worker checks whether it must stop."""
PERIODIC_S = 600.0
"""Interval of chores: receipts for every station, and the end of waits."""
HELD = 1024
"""Messages that wait in a worker at most. Those beyond wait at the broker, first come, first served, so this
is more than the stations of two large communities have in flight."""
AT_ONCE = 256
"""Messages that one transaction applies at most."""
MOST_BYTES = 512 * 1024
"""Payload of one transaction; with more, the first receipt would wait too long for the last events."""
SHARED_BYTES = 16 * 1024
"""Payload of one transaction while other communities are about: a full batch, which they wait for at most."""
JUMP_S = 60.0
"""A calendar that jumps this far against the monotonic clock was set; chores are then due at once."""
AGAIN_S = 10.0
"""Wait after chores that failed."""
KNOW_S = 10.0
"""How often the worker reads the list of communities."""
LET_GO_S = 5.0
"""Messages of a community that was busy this long are let go if they block the others."""
LOCK_WAIT = "300ms"
"""How long a statement waits for locked rows; after it another community has its turn."""
TELL_S = 5.0
"""Shortest interval of alarms that a station sent too much; they count every message let go."""
BUSY = (OperationalError, InterfaceError)
"""The database is busy, away, or aborted this for another writer: the same batch will succeed later."""
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")

Apply = Callable[..., Mapping[Name, Applied]]
"""The signature of `apply_messages`."""


class Worker:
    """Applies messages from one link until it is told to stop.

    With `communities`, a function that finds them, it also does their chores: every PERIODIC_S, and at each
    new connection, because the broker may have lost its retained messages. Each community's messages and
    chores are transactions of their own; a community that fails or is busy rests, and the others go on.
    """

    def __init__(
        self,
        link: MqttLink,
        key: Ed25519PrivateKey,
        stopping: threading.Event,
        apply: Apply = apply_messages,
        communities: Callable[[], Sequence[Community]] = lambda: (),
        tasks: Mapping[str, Callable[[], None]] = MappingProxyType({}),
    ) -> None:
        """`tasks` are called each turn, each by what it does, as the log says when it cannot."""
        self._link = link
        self._key = key
        self._stopping = stopping
        self._apply = apply
        self._find_communities = communities
        self._tasks = tasks
        self._jitter = random.Random()  # noqa: S311 (spreads retries, guards nothing)
        self._connected = False
        self._chores: dict[str, Chores] = {}
        """By community."""
        self._known_at = -KNOW_S
        self._rests = Rests(self._jitter)
        self._offset = time.time() - time.monotonic()
        self._turns = Turns(HELD, AT_ONCE, MOST_BYTES, SHARED_BYTES)
        self._tell_let_go_at = 0.0

    def run(self) -> None:
        """Process messages until told to stop; the current ones finish first."""
        while not self._stopping.is_set():
            self.turn()

    def turn(self) -> None:
        """Gather messages, apply the next ones of one community, acknowledge those that are done."""
        self._tell_connection()
        self._know_communities(KNOW_S)
        self._do_periodic()
        self._look_around()
        self._gather()
        self._apply_next()
        self._tell_let_go()
        _acknowledge(self._turns.finished())

    def _know_communities(self, age_s: float) -> None:
        """Read the list of communities, unless the last one is younger than `age_s`."""
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
        """Do what concerns no batch, even without the broker."""
        for what, task in self._tasks.items():
            try:
                task()
            except BUSY as error:
                self._tell_busy(what, error)

    def _gather(self) -> None:
        """Take the link's messages; if there is nothing else to do, wait LOOK_S for the first."""
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
        """Apply the next messages of the community whose turn it is; skip those that rest."""
        now = time.monotonic()
        taken = self._turns.take(now, self._rests.resting(now))
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
        """Wait while only resting communities have messages; let go of those that keep others out."""
        wait_s = min(LOOK_S, self._rests.shortest_s(time.monotonic()))
        if self._turns.has_room:
            with suppress(queue.Empty):
                self._add(self._link.messages.get(timeout=wait_s))
            return
        if len(self._chores) > 1:
            self._make_room()
        self._stopping.wait(wait_s)

    def _make_room(self) -> None:
        """Let go of messages of communities that have been busy for LET_GO_S; stations send them again.

        MQTT requires acknowledgements in order, so these would keep all later messages at the broker.
        """
        for community in self._rests.busy_for(LET_GO_S, time.monotonic()):
            if count := self._turns.drop(community):
                log.warning("%s is busy: %d messages are let go, and come again", community, count)

    def _tell_let_go(self) -> None:
        """Raise alarms for stations that sent too much, at most every TELL_S."""
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
        """Apply messages; return how many, from the first on, may be acknowledged."""
        try:
            return len(messages) if self.take(messages) else 0
        except Exception:
            # Catch everything: one message that triggers a bug must not block all others.
            if len(messages) == 1:
                log.exception("a message on %s failed; its station will send it again", messages[0].topic)
                return 1
        half = len(messages) // 2
        done = self._take_safely(messages[:half])
        return done + self._take_safely(messages[half:]) if done == half else done

    def take(self, messages: Sequence[Message]) -> bool:
        """Apply messages of one community and answer its stations; say whether they may be acknowledged."""
        began = time.monotonic()
        sent = [Sent(message.payload, *topics.station_of(message.topic)) for message in messages]
        community = sent[0].community
        chores = self._chores.get(community)
        applied = self._apply_if_free(sent, None if chores is None else chores.doubt)
        if applied is None:
            return False
        self._charge(sent, applied)
        if chores is not None:
            with suppress(*BUSY):  # the next message repeats the check
                chores.look_for_the_doubts_end(datetime.now(UTC))
        self._answer([one.receipt for one in applied.values()])
        took_ms = (time.monotonic() - began) * 1000
        for (_, station), one in applied.items():
            name = f"{community}/{station}" if len(self._chores) > 1 else station
            log.info("%s: %s, %.0f ms", name, _in_words(one), took_ms)
        return True

    def _charge(self, sent: Sequence[Sent], applied: Mapping[Name, Applied]) -> None:
        """Charge each station for the work that its messages caused."""
        now = time.monotonic()
        for name, messages in Counter((one.community, one.station) for one in sent).items():
            one = applied.get(name)
            work = messages * REJECTED
            if one is not None:
                work = messages * MESSAGE + one.new + one.known + one.refused * REFUSED + one.begun * EPOCH
                work += one.left_out * REJECTED
                self._turns.let_go += Counter({name: one.left_out})  # += keeps only positive counts
            self._turns.charge(name, work, now)

    def _tell_connection(self) -> None:
        if self._link.contested:
            return  # the link logs why it comes and goes
        if self._link.connected != self._connected:
            self._connected = not self._connected
            log.info("connected to the broker" if self._connected else "the broker is away")

    @property
    def _has_due_chores(self) -> bool:
        return self._link.connected and self._next_chores() is not None

    def _next_chores(self) -> Chores | None:
        """Return the chores that have been due longest; None if none are due."""
        now, connections = time.monotonic(), self._link.connections
        due = [one for one in self._chores.values() if one.are_due(connections, now)]
        return min(due, key=lambda one: one.due_s, default=None)

    def _do_periodic(self) -> None:
        """Do the chores of one community if due; try failed ones again after AGAIN_S."""
        self._notice_a_calendar_that_was_set()
        if not self._link.connected or (chores := self._next_chores()) is None:
            return
        connections, spread = self._link.connections, self._jitter.uniform(0.9, 1.1)
        try:
            chores.look_after(datetime.now(UTC), time.monotonic(), self._answer)
        except Exception as error:
            # One community's failure must not stop the chores of all others.
            if isinstance(error, BUSY):
                self._tell_busy(f"tell where stations of {chores.community} stand", error)
            elif isinstance(error, InputError):
                log.info("%s", error)  # it has just moved out, and is not in the next list
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
        """Say whether the clock was judged since it was set; until then it must not date anything."""
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
        """Apply messages and return the outcome; None if the database is busy: the community then rests."""
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
        """Publish receipts of one community, then newer ones for those that another worker overtook.

        So the broker never retains an outdated receipt at the end. If a broken connection loses a receipt,
        the station sends the batch again and gets it.
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
    """Acknowledge messages in order of arrival.

    MQTT 3.1.1 requires that order (4.6), and iotcore ends the connection of a client that breaks it.
    """
    for message in messages:
        message.ack()


def client_id(ledger: str, worker: str) -> str:
    """Return a worker's MQTT client id; InputError for an invalid name.

    The broker keeps a session under it, so a worker that returns gets the messages that came meanwhile. The
    session of a name no longer used stays for as long as the broker's configuration keeps it.
    """
    name = typed.slug(worker)
    if worker and not NAME.fullmatch(name):
        raise InputError(
            f"{worker!r} is no worker's name", "use lower-case letters, digits and hyphens, 32 at most"
        )
    return f"ledger-{ledger}-{name}" if worker else f"ledger-{ledger}"


def ingest(settings: LedgerSettings, worker: str = "") -> None:
    """Run the worker of that name until SIGTERM or SIGINT; the current batches finish first."""
    check(settings)
    name = client_id(settings.broker_name, worker)
    key = read_signing_key(settings.state_dir)
    # A session of an older version has subscribed to its one community, and would get everything twice.
    left = [topics.events(community.slug, "+") for community in all_communities()]
    said, answered = Mailbox(topics.state("+", "+"), BOX), mailbox()
    link = MqttLink(
        settings.broker,
        name,
        [topics.events("+", "+")],
        mailboxes=[said, answered],
        leaves=left,
        window=HELD,
    )
    connection_created.connect(bound_lock_waits, dispatch_uid="bound_lock_waits")
    connection.close()  # so that the next connection has the bound
    notifier = notifier_of()
    stopping = WatchedStop(notifier)
    _set_by_signal(stopping)
    gc.freeze()  # these objects stay: no collection need scan all of Django again
    link.start()
    dispatcher = Dispatcher(link, answered, key)
    ending = threading.Event()  # not `stopping`: to look at that pings the watchdog for the main loop
    sending = thread(lambda: dispatcher.run(ending), "commands")
    sending.start()
    notifier.ready()
    log.info("taking batches from %s:%d", settings.broker.host, settings.broker.port)
    try:
        tasks = {
            "tell which stations are silent": Watch(settings, served_communities).turn,
            "note what stations say of themselves": States(said, _now, time.monotonic).turn,
            "tell what is published": Notices(link, time.monotonic).turn,
            "look out for silent stations": Lookout(lambda: link.connected, _now, time.monotonic).turn,
            "remove old readings": Thinning(_now, time.monotonic).turn,
        }
        Worker(link, key, stopping, communities=served_communities, tasks=tasks).run()
    finally:
        ending.set()
        sending.join()
        link.stop()
        connection.close()


def _now() -> datetime:
    return datetime.now(UTC)


def bound_lock_waits(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Limit how long a new PostgreSQL connection waits for locks to LOCK_WAIT."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_WAIT}'")


def _set_by_signal(stopping: threading.Event) -> None:
    """Make SIGTERM and SIGINT set `stopping`, from a thread of their own.

    A handler runs on the main thread, which may hold the event's lock at that moment: a deadlock.
    """
    numbers = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)  # threads started later inherit the mask

    def wait() -> None:
        signal.sigwait(numbers)
        stopping.set()

    thread(wait, "signals").start()


def _in_words(applied: Applied) -> str:
    """Return the outcome as one line for the log."""
    told = f"{applied.new} new"
    if applied.known:
        told += f", {applied.known} known"
    if applied.refused:
        told += f", {applied.refused} refused"
    if applied.receipt.epochs:
        newest = applied.receipt.epochs[0]
        told += f", through {newest.through} of {newest.epoch[:6]}"
    return told
