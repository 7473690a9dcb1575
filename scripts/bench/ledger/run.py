"""`tongzhan bench ledger`: events settled a second, against hand-written SQL that stores the same rows."""

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
from typing import TYPE_CHECKING, Any

import click

from scripts.bench.ledger.batches import BATCH, HOUSEHOLDS, lean_rows, message, people
from scripts.bench.ledger.databases import BenchDatabase, places
from scripts.bench.ledger.minimal_schema import MinimalPostgres, MinimalSchema, MinimalSqlite, Row
from scripts.bench.ledger.prefill import fill
from scripts.bench.ledger.raw_sql import Copied, RawPostgres, RawSql, RawSqlite
from scripts.bench.result import Result, show

if TYPE_CHECKING:
    from cloud_sync.ledger.intake.parse import Sent

SMALL = 100_000
ROUNDS = 10
"""Rounds of turns, so that a busy neighbour slows all of them."""
TOGETHER = 10
"""Messages in one transaction when several are applied together."""


@click.command()
@click.option(
    "--db", type=click.Choice(["sqlite", "postgres"]), default="sqlite", show_default=True, help="Database."
)
@click.option(
    "--events",
    type=click.IntRange(1000, 1_000_000),
    default=10_000,
    show_default=True,
    help="Events to settle.",
)
@click.option(
    "--stored",
    type=click.IntRange(0, 10_000_000),
    default=0,
    help="Also settle above so many stored transfers, against above 100,000 (or a tenth, if that is less).",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def ledger(*, db: str, events: int, stored: int, as_json: bool) -> None:
    """Settle signed batches of 100: signature, rules, double entry, chain, balances, receipt.

    `limit` is hand-written SQL that stores the very same rows (events, signatures, settlements, chained
    transfers, balances, epochs, sums of each station, records) in the same tables, and does nothing else.
    The peer `lean` is the same events in the leanest schema one can think of: an event, two ledger rows,
    balances. All three take a batch a transaction, and for the `together` figures ten of them.

    With --stored: `scale` is the time an event takes above many rows to the time above few.
    """
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="tongzhan-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL may run as another user
        stocks = (min(SMALL, stored // 10), stored) if stored else (0,)
        show(_measure(db, Path(folder), events, stocks), as_json=as_json)


@dataclass
class Lane:
    """One of the ledgers that take turns."""

    take: Callable[[Any], object]
    """Applies one transaction."""
    enter: Callable[[], None] = lambda: None
    rates: list[float] = field(default_factory=list)
    """Events a second of each round."""

    def run(self, transactions: Sequence[Any], events: int) -> None:
        """Apply this round's transactions, `events` in all."""
        self.enter()
        began = time.perf_counter()
        for one in transactions:
            self.take(one)
        self.rates.append(events / (time.perf_counter() - began))


@dataclass(frozen=True, slots=True)
class Rates:
    """Events a second in each round: ours in each database, the limit, the lean peer."""

    ours: list[list[float]]
    limit: list[float]
    lean: list[float]

    @property
    def ratio(self) -> float:
        """The ratio of ours to the limit."""
        pairs = zip(self.ours[0], self.limit, strict=True)
        return statistics.median(mine / limit for mine, limit in pairs)


@dataclass(frozen=True, slots=True)
class Course:
    """The databases: the ledger's, each with its messages, and those of the other two."""

    grounds: list[tuple[BenchDatabase, list[Sent]]]
    same: RawSql
    lean: MinimalSchema
    copied: Copied
    now: datetime

    def race(self, first: int, batches: int, at_once: int, grounds: int) -> Rates:
        """Have them apply these batches in turns, several in a transaction, ours in the first databases."""
        from cloud_sync.ledger.intake.apply import apply_messages  # noqa: PLC0415 (Django is set up now)

        used = self.grounds[:grounds]
        ours = [Lane(lambda sent: apply_messages(sent, self.now), place.enter) for place, _ in used]
        limit, lean = Lane(self.same.take), Lane(self.lean.take)
        size = max(at_once, batches // ROUNDS // at_once * at_once)
        for start in range(first, first + batches // size * size, size):
            cuts = [slice(at, at + at_once) for at in range(start, start + size, at_once)]
            for lane, (_, messages) in zip(ours, used, strict=True):
                lane.run([messages[cut] for cut in cuts], size * BATCH)
            used[0][0].enter()
            limit.run(self.same.prepare(self.copied.read(at_once * BATCH)), size * BATCH)
            lean.run([self._lean_rows(cut) for cut in cuts], size * BATCH)
        return Rates([lane.rates for lane in ours], limit.rates, lean.rates)

    def _lean_rows(self, cut: slice) -> list[Row]:
        return [row for number in range(cut.start, cut.stop) for row in lean_rows(number, self.now)]


def _measure(db: str, folder: Path, events: int, stocks: Sequence[int]) -> Result:
    now = datetime.now(UTC)
    batches = events // BATCH
    with places(db, folder, len(stocks) + 1) as made:
        grounds = [
            (place, _prepare(place, stock, 2 * batches, now))
            for place, stock in zip(made, stocks, strict=False)
        ]
        _prepare(made[-1], stocks[0], 0, now)
        course = Course(grounds, _same(db, made[-1]), _lean(db, folder, made[0]), Copied(stocks[0]), now)
        gc.freeze()  # as the worker does once it has started
        alone = course.race(0, batches, 1, len(stocks))
        stored = _stored(grounds, stocks, alone)
        together = course.race(batches, batches, TOGETHER, 1)
        course.same.close()
        course.lean.close()
        details: dict[str, float | int | str | bool] = {"database": db, "batch": BATCH, "events": events}
        return _result(alone, together, details | stored)


def _prepare(place: BenchDatabase, stock: int, batches: int, now: datetime) -> list[Sent]:
    """Fill a database with people and a stock of rows; return the messages to apply."""
    from cloud_sync.ledger.intake.parse import Sent  # noqa: PLC0415 (Django is set up now)

    place.enter()
    keys = people()
    if stock:
        fill(place.community(), stock)
    made = (message(keys, number, now) for number in range(batches))
    return [Sent(payload, "bench", station) for payload, station in made]


def _same(db: str, place: BenchDatabase) -> RawSql:
    from django.db import connection  # noqa: PLC0415 (Django is set up now)

    connection.close()
    if db == "postgres":
        return RawPostgres(place.address)
    return RawSqlite(place.address, connection.settings_dict["OPTIONS"]["init_command"])


def _lean(db: str, folder: Path, place: BenchDatabase) -> MinimalSchema:
    if db == "postgres":
        return MinimalPostgres(place.address, HOUSEHOLDS)
    return MinimalSqlite(str(folder / "lean.sqlite3"), HOUSEHOLDS)


def _stored(
    grounds: Sequence[tuple[BenchDatabase, list[Sent]]], stocks: Sequence[int], alone: Rates
) -> dict[str, float | int | str | bool]:
    """Return how many transfers each database got, how fast, and how much slower with many rows."""
    from cloud_sync.ledger.points.models import Transfer  # noqa: PLC0415 (Django is set up now)

    found: dict[str, float | int | str | bool] = {}
    for (place, _), stock, rates in zip(grounds, stocks, alone.ours, strict=True):
        place.enter()
        found[f"transfers_above_{stock}"] = Transfer.objects.count() - stock
        found[f"events_s_above_{stock}"] = statistics.median(rates)
    if len(stocks) > 1:
        pairs = zip(alone.ours[0], alone.ours[-1], strict=True)
        found["scale"] = statistics.median(few / many for few, many in pairs)
    return found


def _result(alone: Rates, together: Rates, details: dict[str, float | int | str | bool]) -> Result:
    return Result(
        name="ledger",
        ours=statistics.median(alone.ours[0]),
        limit=statistics.median(alone.limit),
        ratio=alone.ratio,
        peers={"lean": statistics.median(alone.lean)},
        unit="events/s",
        details=details
        | {
            "messages_together": TOGETHER,
            "events_s_together": statistics.median(together.ours[0]),
            "limit_together": statistics.median(together.limit),
            "lean_together": statistics.median(together.lean),
            "ratio_together": together.ratio,
        },
    )
