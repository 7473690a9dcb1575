"""A fleet as a process: records at a steady average rate, at random stations, each sent at once.

A station has at most `delivery.WINDOW` batches on their way, as a real one has; what is recorded
meanwhile waits and goes together. Times are from a record's planned moment to its receipt, so a fleet
that falls behind does not flatter anyone.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import sys
import time
from collections import deque
from dataclasses import dataclass

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cloud_sync.transport.resend import WINDOW
from cloud_sync.wire import topics
from cloud_sync.wire.cards import card_hash
from cloud_sync.wire.envelope import MAX_EVENTS, encode_event, key_id, open_receipt, seal_batch, take_batch
from cloud_sync.wire.facts import Credential, DepositFacts, Event, OpeningFacts, Role, Stamp, VisitFacts
from config.sorting import Category
from scripts.bench.fleet.connection import Connection
from scripts.bench.fleet.echo import COMMUNITY as ECHO
from scripts.bench.result import percentile

DAY_S = 86_400.0
DAYS = 25
"""Visits are spread over this many days: otherwise the households' daily caps would end all awards."""
HOUSEHOLDS = 200
TOGETHER = 50
"""Connections opened at the same time."""
LOOK_S = 0.05
POINTS = 2


class FleetLoad(msgspec.Struct, frozen=True):
    """The load of one phase. `ledger_key` is empty if the echo answers."""

    community: str
    stations: int
    rate: float
    seconds: float
    port: int
    seed: int
    ledger_key: str = ""
    last_s: float = 15.0
    """Timeout of the last receipts after the last record."""


class Measured(msgspec.Struct, frozen=True):
    """The result of one phase. Times are in seconds; a rate is events a second within the phase.

    A record without a receipt counts with its waiting time at the end of the phase.
    """

    made: int
    receipted: int
    receipted_per_s: float
    p50_s: float
    p99_s: float
    batches: int
    lost_connections: int


def station_key(number: int) -> Ed25519PrivateKey:
    """Return the key of the station of this number: the same in every process."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"fleet {number}".encode()).digest())


def station_name(number: int) -> str:
    """Return the name of the station of this number."""
    return f"s{number:05}"


def card(number: int) -> str:
    """Return the card of the household of this number."""
    return card_hash(b"fleet".ljust(32), Credential.EM4100, f"{number:010x}")


@dataclass(slots=True)
class _Batch:
    last: int
    made_at: list[float]


class _Station:
    """One simulated station: its records, its window, and how long each record took."""

    def __init__(self, load: FleetLoad, number: int, times: list[tuple[float, float]]) -> None:
        self.batches = 0
        self._load, self._name, self._times = load, station_name(number), times
        self._key, self._epoch = station_key(number), os.urandom(8).hex()
        self._sequence = 0
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._in_flight: deque[_Batch] = deque()
        self._ledger_keys = _ledger_keys(load.ledger_key)
        topic = topics.receipts(load.community, self._name)
        self.connection = Connection(f"tz-{load.community}-{self._name}", topic, self._heard)

    def record(self, at: float, rng: random.Random) -> None:
        """Write the event of a visit, and send what may be sent."""
        self._sequence += 1
        event = Event(self._epoch, self._sequence, _stamp(rng), _visit(rng))
        self._waiting.append((at, encode_event(event)))
        self._send()

    def unanswered(self) -> list[float]:
        """Return the time of each record that has no receipt yet."""
        in_flight = [at for batch in self._in_flight for at in batch.made_at]
        return in_flight + [at for at, _ in self._waiting]

    def _send(self) -> None:
        while self._waiting and len(self._in_flight) < WINDOW and not self.connection.is_lost:
            events = take_batch((event for _, event in self._waiting), MAX_EVENTS)
            made = [self._waiting.popleft()[0] for _ in events]
            first = self._sequence - len(self._waiting) - len(events)
            self._in_flight.append(_Batch(first + len(events), made))
            message = seal_batch(self._key, self._load.community, self._name, events)
            self.connection.publish(topics.events(self._load.community, self._name), message)
            self.batches += 1

    def _heard(self, _topic: str, payload: bytes) -> None:
        now = time.monotonic()
        through = self._through(payload)
        while self._in_flight and self._in_flight[0].last <= through:
            self._times.extend((now, now - at) for at in self._in_flight.popleft().made_at)
        self._send()

    def _through(self, payload: bytes) -> int:
        if self._load.community == ECHO:  # each answer frees one batch, in order; one retained frees none
            return self._in_flight[0].last if self._in_flight else 0
        receipt = open_receipt(payload, self._ledger_keys)
        return next((epoch.through for epoch in receipt.epochs if epoch.epoch == self._epoch), 0)


async def play(load: FleetLoad) -> Measured:
    """Connect the whole fleet, record at the load's rate, and wait for the last receipts."""
    times: list[tuple[float, float]] = []
    stations = [_Station(load, number, times) for number in range(load.stations)]
    for at in range(0, len(stations), TOGETHER):
        await asyncio.gather(*(one.connection.open(load.port) for one in stations[at : at + TOGETHER]))
    began = time.monotonic()
    made = await _record(load, stations, began)
    await _last_receipts(times, made, load.last_s)
    now = time.monotonic()
    took = [seconds for _, seconds in times] + [now - at for one in stations for at in one.unanswered()]
    lost = sum(station.connection.is_lost for station in stations)
    for station in stations:
        station.connection.close()
    within = sum(at <= began + load.seconds for at, _ in times)
    return Measured(
        made=made,
        receipted=len(times),
        receipted_per_s=within / load.seconds,
        p50_s=percentile(took, 0.5) if took else 0.0,
        p99_s=percentile(took, 0.99) if took else 0.0,
        batches=sum(station.batches for station in stations),
        lost_connections=lost,
    )


async def _last_receipts(times: list[tuple[float, float]], made: int, within_s: float) -> None:
    for _ in range(int(within_s / LOOK_S)):
        if len(times) >= made:
            return
        await asyncio.sleep(LOOK_S)


async def _record(load: FleetLoad, stations: list[_Station], began: float) -> int:
    """Make records at random moments, on average at the rate; return how many."""
    rng = random.Random(load.seed)  # noqa: S311 (plays residents, guards nothing)
    at, made = began + rng.expovariate(load.rate), 0
    while at < began + load.seconds:
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        rng.choice(stations).record(at, rng)
        made += 1
        at += rng.expovariate(load.rate)
    return made


def _visit(rng: random.Random) -> VisitFacts:
    deposits = tuple(DepositFacts(bin="kitchen", bin_category=Category.KITCHEN, at_s=at) for at in (4.2, 5.7))
    return VisitFacts(
        card=card(rng.randrange(HOUSEHOLDS)),
        credential=Credential.EM4100,
        role=Role.RESIDENT,
        duration_s=14.5,
        openings=(OpeningFacts("kitchen", 1.9, 12.8),),
        deposits=deposits,
        rules=1,
        provisional=POINTS,
    )


def _stamp(rng: random.Random) -> Stamp:
    wall_s = time.time() - rng.randrange(DAYS) * DAY_S
    return Stamp(wall_s, trusted=True, boot="fleet", monotonic_s=time.monotonic())


def _ledger_keys(ledger_key: str) -> dict[str, Ed25519PublicKey]:
    if not ledger_key:
        return {}
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(ledger_key))
    return {key_id(key): key}


if __name__ == "__main__":
    measured = asyncio.run(play(msgspec.json.decode(sys.argv[1], type=FleetLoad)))
    sys.stdout.write(msgspec.json.encode(measured).decode())
