"""`tongzhan bench flood`: what the others wait while one community's stations bring a large backlog."""

from __future__ import annotations

import gc
import logging
import tempfile
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from queue import Full
from typing import TYPE_CHECKING

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cloud_sync.transport.mailbox import Message
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.transport.resend import WINDOW
from cloud_sync.wire import envelope, topics
from config.station import CloudSection
from scripts.bench.ledger.batches import BATCH, STATIONS, message, people, visit_of_first
from scripts.bench.ledger.databases import places
from scripts.bench.result import Result, show
from scripts.testbed.ports import free_port

if TYPE_CHECKING:
    from cloud_sync.ledger.intake.worker import Worker

QUIET = 20
"""Communities that are served meanwhile."""
RATE = 20.0
"""Batches a second of all of them together, one visit each."""
GATE = "gate-0"
WARM = 40
"""Turns before the clock starts: each community's first chores, and every statement once."""


@click.command()
@click.option(
    "--db", type=click.Choice(["sqlite", "postgres"]), default="sqlite", show_default=True, help="Database."
)
@click.option(
    "--events",
    type=click.IntRange(1000, 1_000_000),
    default=100_000,
    show_default=True,
    help="Events that wait at the busy community's stations.",
)
@click.option(
    "--stations",
    type=click.IntRange(1, STATIONS),
    default=STATIONS,
    show_default=True,
    help="Stations that bring them.",
)
@click.option(
    "--seconds",
    type=click.IntRange(1, 600),
    default=15,
    show_default=True,
    help="How long the others are measured at most, with the backlog and without it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def flood(*, db: str, events: int, stations: int, seconds: int, as_json: bool) -> None:
    """Serve 20 communities with one worker, alone and while another community brings a backlog.

    `ours` is their p99 from a batch's arrival to its receipt with the backlog, `limit` the same without it,
    both in one run; `ratio` is limit / ours. Each busy station keeps as many batches in flight as a station
    does; the broker between is a line in memory, first come, first served.
    """
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="tongzhan-bench-") as folder, places(db, Path(folder), 1):
        show(_measure(db, events, stations, seconds), as_json=as_json)


class LineLink(MqttLink):
    """A broker in memory: what arrives waits in a line, and receipts are noted with their time."""

    connected = True

    def __init__(self) -> None:
        super().__init__(CloudSection(port=free_port()), "bench", [])
        self.connections = 1
        self.line: deque[Message] = deque()
        self.answered: list[tuple[bytes, float]] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> int:
        """Note a receipt."""
        del topic, retain, qos
        self.answered.append((payload, time.monotonic()))
        return 1

    def pass_on(self) -> None:
        """Hand over what the worker's queue has room for."""
        with suppress(Full):
            while self.line:
                self.messages.put_nowait(self.line[0])
                self.line.popleft()


def _measure(db: str, events: int, stations: int, seconds: int) -> Result:
    from cloud_sync.ledger.communities.register import all_communities  # noqa: PLC0415 (Django is set up now)
    from cloud_sync.ledger.intake.worker import Worker  # noqa: PLC0415

    now = datetime.now(UTC)
    backlog = _backlog(events // BATCH, stations, now)
    link = LineLink()
    key = Ed25519PrivateKey.generate()
    worker = Worker(link, key, threading.Event(), communities=all_communities)
    quiet = _Quiet(link, _add_quiet(), key.public_key(), now)
    for _ in range(WARM):
        worker.turn()
    gc.freeze()  # as the worker does once it has started
    alone = quiet.run(worker, seconds, _Backlog(link, {}))
    busy = _Backlog(link, backlog)
    beside = quiet.run(worker, seconds, busy)
    ours, limit = _p99(beside), _p99(alone)
    return Result(
        name="flood",
        ours=ours,
        limit=limit,
        ratio=limit / ours,
        peers={},
        unit="ms",
        details={
            "database": db,
            "events_waiting": events,
            "busy_stations": stations,
            "events_brought": busy.answered * BATCH,
            "times_slower_at_p99": ours / limit,
            "median_ms": _median(beside),
            "median_alone_ms": _median(alone),
            "batches": len(beside),
            "batches_alone": len(alone),
        },
    )


def _backlog(batches: int, stations: int, now: datetime) -> dict[str, deque[bytes]]:
    """Sign what waits at the busy community's stations."""
    keys = people()
    found: defaultdict[str, deque[bytes]] = defaultdict(deque)
    numbers = (number for number in count() if number % STATIONS < stations)
    for number, _ in zip(numbers, range(batches), strict=False):
        payload, station = message(keys, number, now)
        found[station].append(payload)
    return dict(found)


def _add_quiet() -> dict[str, Ed25519PrivateKey]:
    """Add the other communities, each with one station; return the stations' keys by community."""
    from cloud_sync.ledger.communities.facts import Facts  # noqa: PLC0415 (Django is set up now)
    from cloud_sync.ledger.communities.register import add_community  # noqa: PLC0415
    from cloud_sync.ledger.settling.rules import known_rules  # noqa: PLC0415
    from cloud_sync.ledger.stations.models import Community  # noqa: PLC0415
    from cloud_sync.ledger.stations.registry import add_station  # noqa: PLC0415

    rules = list(known_rules(Community.objects.get(), [1]).values())
    keys = {}
    for number in range(QUIET):
        facts = Facts(name_zh="安静", name_en=f"Quiet {number}", timezone="Asia/Shanghai")
        community = add_community(f"quiet-{number}", facts, rules)
        key = keys[community.slug] = Ed25519PrivateKey.generate()
        add_station(community, GATE, key.public_key().public_bytes_raw().hex())
    return keys


class _Backlog:
    """What waits at the busy stations, and comes as their windows allow."""

    def __init__(self, link: LineLink, waiting: dict[str, deque[bytes]]) -> None:
        self._link, self._waiting = link, waiting
        self.answered = 0
        self._all = sum(map(len, waiting.values()))
        for station in waiting:
            for _ in range(WINDOW):
                self._send(station)

    @property
    def is_here(self) -> bool:
        """Whether any of it has no receipt."""
        return self.answered < self._all

    @property
    def is_over(self) -> bool:
        """Whether there was a backlog, and all of it has its receipt."""
        return self.answered == self._all > 0

    def _send(self, station: str) -> None:
        if self._waiting[station]:
            payload = self._waiting[station].popleft()
            self._link.line.append(
                Message(topics.events("bench", station), payload, False, lambda: self._done(station))  # noqa: FBT003
            )

    def _done(self, station: str) -> None:
        """Send the next batch: the ledger is done with one."""
        self.answered += 1
        self._send(station)


class _Quiet:
    """The other communities: a batch of one visit each, at a steady rate, by turns."""

    def __init__(
        self, link: LineLink, keys: dict[str, Ed25519PrivateKey], ledger: Ed25519PublicKey, now: datetime
    ) -> None:
        self._link, self._keys, self._now = link, keys, now
        self._ledger = {envelope.key_id(ledger): ledger}
        self._plan = self._messages()
        self._through = dict.fromkeys(keys, 0)
        """Events of each community that have their receipt."""
        self._sent: dict[str, deque[float]] = {slug: deque() for slug in keys}
        """When those came that have none."""

    def run(self, worker: Worker, seconds: float, backlog: _Backlog) -> Sequence[float]:
        """Return the time from arrival to receipt of each batch, in ms; end early with the backlog."""
        due = time.monotonic()
        end = due + seconds
        took: list[float] = []
        while due < end and not backlog.is_over:
            while due <= min(time.monotonic(), end):
                slug, arrived = next(self._plan)
                self._sent[slug].append(due)
                self._link.line.append(arrived)
                due += 1 / RATE
            if any(self._sent.values()) or self._link.line or backlog.is_here:
                took += self._turn(worker)
            else:
                time.sleep(max(0.0, due - time.monotonic()))
        while any(self._sent.values()):
            took += self._turn(worker)
        return took

    def _turn(self, worker: Worker) -> Iterator[float]:
        """Let the worker take a turn; yield what those waited that were answered in it."""
        self._link.pass_on()
        worker.turn()
        answered, self._link.answered = self._link.answered, []
        for payload, at in answered:
            receipt = envelope.open_receipt(payload, self._ledger)
            if (waiting := self._sent.get(receipt.community)) is None:
                continue
            through = sum(epoch.through for epoch in receipt.epochs)
            for _ in range(through - self._through[receipt.community]):
                yield (at - waiting.popleft()) * 1000
            self._through[receipt.community] = through

    def _messages(self) -> Iterator[tuple[str, Message]]:
        for number in count():
            for slug, key in self._keys.items():
                payload = envelope.seal_batch(key, slug, GATE, [visit_of_first(number, self._now)])
                yield slug, Message(topics.events(slug, GATE), payload, False, lambda: None)  # noqa: FBT003


def _p99(took: Sequence[float]) -> float:
    return sorted(took)[max(0, round(len(took) * 0.99) - 1)]


def _median(took: Sequence[float]) -> float:
    return sorted(took)[len(took) // 2]
