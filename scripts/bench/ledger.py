"""`tongzhan bench ledger`: events settled a second, against bare SQL and against a small ledger."""

from __future__ import annotations

import gc
import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_sync import envelope
from cloud_sync.facts import (
    Credential,
    DepositFacts,
    Event,
    OpeningFacts,
    Role,
    Stamp,
    VerdictFacts,
    VisitFacts,
)
from config.sorting import Category
from models.verdict import VerdictState
from scripts.bench.result import Result, show
from scripts.bench.settling.bare import BarePostgres, BareSqlite, Row
from scripts.bench.settling.places import Place, places
from scripts.bench.settling.stock import fill

_T = TypeVar("_T")

BATCH = 100
HOUSEHOLDS = 4400
STATIONS = 30
SMALL = 100_000
ROUNDS = 10
"""Ours and the limit take turns this often, so that a busy neighbour slows both."""


@click.command()
@click.option("--db", type=click.Choice(["sqlite", "postgres"]), default="sqlite", show_default=True)
@click.option("--events", type=click.IntRange(1000, 1_000_000), default=10_000, show_default=True)
@click.option(
    "--stored",
    type=click.IntRange(0, 10_000_000),
    default=0,
    help="Also settle above so many stored transfers, against above 100,000 (or a tenth, if that is less).",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def ledger(*, db: str, events: int, stored: int, as_json: bool) -> None:
    """Settle signed batches of 100: signature, rules, double entry, chain, balances, receipt.

    `limit` is hand-written SQL that only inserts the same events, two rows each, and moves balances.
    With --stored: `scale` is the time an event takes above many rows to the time above few.
    """
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="tongzhan-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL may run as another user
        stocks = (min(SMALL, stored // 10), stored) if stored else (0,)
        show(_measure(db, Path(folder), events, stocks), as_json=as_json)


@dataclass
class Feed:
    """Batches that go into one place, as the broker would bring them."""

    place: Place
    settle: Callable[[bytes, str], None]
    messages: list[tuple[bytes, str]]
    """Each with its station."""
    rates: list[float] = field(default_factory=list)
    """Events a second of each round."""

    def run(self, number: int) -> None:
        """Take this round's share of the batches."""
        self.place.enter()
        share = _share(self.messages, number)
        began = time.perf_counter()
        for message, station in share:
            self.settle(message, station)
        self.rates.append(len(share) * BATCH / (time.perf_counter() - began))


@dataclass
class Limit:
    """The same events by bare SQL."""

    take: Callable[[Sequence[Row]], None]
    batches: list[list[Row]]
    rates: list[float] = field(default_factory=list)

    def run(self, number: int) -> None:
        """Take this round's share."""
        share = _share(self.batches, number)
        began = time.perf_counter()
        for batch in share:
            self.take(batch)
        self.rates.append(len(share) * BATCH / (time.perf_counter() - began))


def _share(batches: Sequence[_T], number: int) -> Sequence[_T]:
    """This round's batches, in their order."""
    size = len(batches) // ROUNDS
    return batches[number * size : (number + 1) * size]


def _measure(db: str, folder: Path, events: int, stocks: Sequence[int]) -> Result:
    with places(db, folder, len(stocks)) as made:
        feeds = [_feed(place, stock, events) for place, stock in zip(made, stocks, strict=True)]
        bare = (
            BareSqlite(str(folder / "bare.sqlite3"), HOUSEHOLDS)
            if db == "sqlite"
            else BarePostgres(made[0].address, HOUSEHOLDS)
        )
        limit = Limit(bare.take, _bare_batches(events))
        gc.freeze()  # as the worker does once it has started
        for number in range(ROUNDS):
            limit.run(number)
            for feed in feeds:
                feed.run(number)
        bare.close()
        return _result(db, events, stocks, feeds, limit)


def _result(db: str, events: int, stocks: Sequence[int], feeds: Sequence[Feed], limit: Limit) -> Result:
    from cloud_sync.ledger.points.models import Transfer  # noqa: PLC0415 (Django is set up now)

    ours = [statistics.median(feed.rates) for feed in feeds]
    fastest = statistics.median(limit.rates)
    details: dict[str, float | int | str | bool] = {"database": db, "batch": BATCH, "events": events}
    for stock, feed, rate in zip(stocks, feeds, ours, strict=True):
        feed.place.enter()
        details[f"transfers_above_{stock}"] = Transfer.objects.count() - stock
        details[f"events_s_above_{stock}"] = rate
    if len(feeds) > 1:
        details["scale"] = statistics.median(
            few / many for few, many in zip(feeds[0].rates, feeds[-1].rates, strict=True)
        )
    return Result(
        name="ledger",
        ours=ours[0],
        limit=fastest,
        ratio=statistics.median(mine / bare for mine, bare in zip(feeds[0].rates, limit.rates, strict=True)),
        peers={},
        unit="events/s",
        details=details,
    )


def _feed(place: Place, stock: int, events: int) -> Feed:
    """A place with its people and its stock of rows, and the signed batches that are to come."""
    from cloud_sync.ledger.batches import apply_batch  # noqa: PLC0415 (Django is set up now)

    place.enter()
    keys = _people()
    if stock:
        fill(place.community(), stock)
    now = datetime.now(UTC)

    def settle(message: bytes, station: str) -> None:
        if apply_batch(message, "bench", station, now) is None:
            raise RuntimeError("a batch earned no receipt")

    messages = []
    for number in range(events // BATCH):
        station = f"gate-{number % STATIONS}"
        bodies = [_body(number * BATCH + place_, now) for place_ in range(BATCH)]
        messages.append((envelope.seal_batch(keys[station], "bench", station, bodies), station))
    return Feed(place, settle, messages)


def _people() -> dict[str, Ed25519PrivateKey]:
    """Households, each with an account and a card, and stations; the stations' keys."""
    from cloud_sync.ledger.points.models import Account, Card, Household  # noqa: PLC0415 (as above)
    from cloud_sync.ledger.stations.models import Community  # noqa: PLC0415
    from cloud_sync.ledger.stations.registry import add_station  # noqa: PLC0415

    community = Community.objects.get()
    households = Household.objects.bulk_create(
        Household(community=community, code=str(number)) for number in range(HOUSEHOLDS)
    )
    Account.objects.bulk_create(
        Account(community=community, kind="household", household=household) for household in households
    )
    Card.objects.bulk_create(
        Card(community=community, hash=_card(number), household=household)
        for number, household in enumerate(households)
    )
    keys = {f"gate-{number}": Ed25519PrivateKey.generate() for number in range(STATIONS)}
    for slug, key in keys.items():
        add_station(community, slug, key.public_key().public_bytes_raw().hex())
    return keys


def _card(number: int) -> str:
    return f"{number:064x}"


def _body(number: int, now: datetime) -> bytes:
    """One visit with one thing in the right bin, of a household that a hash of its number chooses."""
    verdict = VerdictFacts(VerdictState.OK, 0.97, "waste-1", Category.KITCHEN, "banana")
    facts = VisitFacts(
        _card(_household(number)),
        Credential.EM4100,
        Role.RESIDENT,
        12.0,
        (OpeningFacts("kitchen", 1.0, 9.0),),
        (DepositFacts("kitchen", Category.KITCHEN, 3.0, verdict),),
        1,
        2,
    )
    sequence = number // (BATCH * STATIONS) * BATCH + number % BATCH + 1
    stamp = Stamp(now.timestamp(), trusted=True, boot="boot", monotonic_s=float(number))
    return envelope.encode_event(Event("00000000000000aa", sequence, stamp, facts))


def _household(number: int) -> int:
    return (
        number * 2_654_435_761 % 2**32 % HOUSEHOLDS
    )  # Knuth's multiplicative hash: spread, and the same again


def _bare_batches(events: int) -> list[list[Row]]:
    now = datetime.now(UTC)
    return [
        [
            (batch % STATIONS, "00000000000000aa", number, _body(number, now), 1 + _household(number))
            for number in range(batch * BATCH, (batch + 1) * BATCH)
        ]
        for batch in range(events // BATCH)
    ]
