"""Sends commands until they are answered, on a thread of its own in each worker's process.

Several workers may send the same command: a station acts on an id once. The first one that knows the
station's boot notes it in the row, with the uptime after which the command does nothing; all send that. A
command's age counts by this process's running time from when it is first seen, and by the calendar; whichever
is older ends it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from cloud_sync.ledger.commanding import orders, outcomes
from cloud_sync.ledger.commanding.models import Command
from cloud_sync.ledger.stations.models import Station, StationKey
from cloud_sync.transport.mailbox import Mailbox, Message
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire import sealed_commands, topics
from cloud_sync.wire.commands import AGAIN_S, LIFE_S, PULSE_S, Answer, Pulse, RemoteCommand, verb_of
from cloud_sync.wire.envelope import EnvelopeError
from config.process.threads import Complaints

log = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often the database is asked for commands."""
AWAY_S = 3 * PULSE_S
"""A station that sent no pulse for this long is away; nothing is sent to it."""
MOST_PULSES = 20_000
"""Stations whose last pulse is kept; the one heard longest ago is forgotten first."""
MAILBOX_SIZE = 4096
_PULSE = b'"kind":"pulse"'
Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class LastPulse:
    """A pulse as it came, unverified, and when, in monotonic seconds."""

    payload: bytes
    at: float


@dataclass(slots=True)
class Sending:
    """A command that this process looks after."""

    seen_at: float
    again_at: float


def mailbox() -> Mailbox:
    """Make the mailbox of all stations' answers and pulses."""
    return Mailbox(topics.answers("+", "+"), MAILBOX_SIZE)


class Dispatcher:
    """Looks after all open commands. `turn` does one round; `run` repeats it."""

    def __init__(
        self,
        link: MqttLink,
        heard: Mailbox,
        key: Ed25519PrivateKey,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = timezone.now,
    ) -> None:
        """Send by `link`, signed by `key`; `heard` has what stations say."""
        self._link, self._heard, self._key, self._clock, self._now = link, heard, key, clock, now
        self._pulses: OrderedDict[Name, LastPulse] = OrderedDict()
        self._sending: dict[int, Sending] = {}
        self._look_at = 0.0
        self._complaints = Complaints(log)

    def run(self, stopping: threading.Event) -> None:
        """Work until `stopping` is set; a busy database or a bug costs one round."""
        while not stopping.is_set():
            try:
                self.turn(LOOK_S)
                self._complaints.over()
            except (OperationalError, InterfaceError) as error:
                if self._complaints.is_new(str(error)):
                    log.warning("the database cannot tell what to command (%s)", error)
                connection.close_if_unusable_or_obsolete()
                stopping.wait(LOOK_S)
            except Exception as error:  # noqa: BLE001 (the outermost loop: other commands must still go)
                self._complaints.raised("a round of commands failed", error)
                stopping.wait(LOOK_S)
        connection.close()

    def turn(self, wait_s: float) -> None:
        """Take what stations said within `wait_s`, then send what is due."""
        message = self._heard.take(wait_s)
        while message is not None:
            self._take(message)
            message = self._heard.take(0)
        if self._clock() >= self._look_at:
            self._look_at = self._clock() + LOOK_S
            self._look_after(orders.open_commands())

    def _take(self, message: Message) -> None:
        """Keep a pulse for later; note an answer. A retained one is old, and ignored."""
        try:
            name = topics.station_of(message.topic)
        except ValueError:
            return
        if message.retained:
            return
        if _PULSE in message.payload:
            self._pulses[name] = LastPulse(message.payload, self._clock())
            self._pulses.move_to_end(name)
            while len(self._pulses) > MOST_PULSES:
                self._pulses.popitem(last=False)
        else:
            self._note(name, message.payload)

    def _note(self, name: Name, payload: bytes) -> None:
        station = Station.objects.filter(community__slug=name[0], slug=name[1]).first()
        answer = None if station is None else _opened(station, name, payload)
        if station is None or not isinstance(answer, Answer):
            return
        if outcomes.note_answer(station, answer, self._now()):
            log.info("%s/%s answers command %s: %s %s", *name, answer.id, answer.outcome, answer.why or "")

    def _look_after(self, found: list[Command]) -> None:
        now = self._clock()
        known = {command.pk for command in found}
        self._sending = {key: one for key, one in self._sending.items() if key in known}
        for command in found:
            sending = self._sending.setdefault(command.pk, Sending(now, now))
            age_s = max(now - sending.seen_at, abs((self._now() - command.made_at).total_seconds()))
            if age_s >= LIFE_S:
                outcomes.end_undelivered(command, self._now())
                log.warning("command %s to %s was not delivered", command, command.station)
            elif now >= sending.again_at and self._link.connected:
                self._send(command, sending, age_s)

    def _send(self, command: Command, sending: Sending, age_s: float) -> None:
        community = command.station.community
        if not orders.may_still(command.issuer, command.verb, community):
            outcomes.end_retired(command, self._now())
            return
        if not command.boot:
            pulse = self._pulse(command.station, (community.slug, command.station.slug))
            if pulse is None:
                return
            record, at = pulse
            # What a message took to come makes this too early, never too late.
            not_after = record.uptime + (self._clock() - at) + LIFE_S - age_s
            command = outcomes.send_to_boot(command, record.boot, round(not_after, 3))
            if not command.boot:
                return
        sealed = sealed_commands.seal(self._key, _on_the_wire(command))
        topic = topics.commands(community.slug, command.station.slug)
        if self._link.publish(topic, sealed, qos=0) is not None:
            sending.again_at = self._clock() + AGAIN_S

    def _pulse(self, station: Station, name: Name) -> tuple[Pulse, float] | None:
        """Return a station's last pulse and when it came; None if it is away or did not sign it."""
        heard = self._pulses.get(name)
        if heard is None or self._clock() - heard.at > AWAY_S:
            return None
        record = _opened(station, name, heard.payload)
        return (record, heard.at) if isinstance(record, Pulse) else None


def _opened(station: Station, name: Name, payload: bytes) -> Answer | Pulse | None:
    """Return what a station signed; None for anything else, which is logged."""
    keys = {
        row.key_id: Ed25519PublicKey.from_public_bytes(bytes(row.public))
        for row in StationKey.objects.filter(station=station, retired_at=None)
    }
    try:
        record = sealed_commands.open_answer(payload, keys)
    except EnvelopeError as error:
        log.warning("what %s/%s says of commands is not believed: %s", *name, error)
        return None
    if (record.community, record.station) != name:
        log.warning("what came of %s/%s is signed for %s/%s", *name, record.community, record.station)
        return None
    return record


def _on_the_wire(command: Command) -> RemoteCommand:
    station = command.station
    return RemoteCommand(
        command.order,
        station.community.slug,
        station.slug,
        command.boot,
        command.not_after or 0.0,
        verb_of(command.verb, command.about),
        command.issuer,
        command.reason,
    )
