"""`tongzhan bench outbox`: durable records a second, against bare SQLite commits of an equal row."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

import click

from cloud_sync.rules.award_rules import AwardRules
from cloud_sync.wire.facts import (
    Credential,
    DepositFacts,
    OpeningFacts,
    Role,
    Stamp,
    VerdictFacts,
    VisitFacts,
)
from config.errors import InputError
from config.reading.load import load_toml
from config.sorting import Category
from config.words import SHIPPED_WORDS
from edge.journal.schema import connect
from edge.journal.store import SqliteJournal
from models.verdict import VerdictState
from scripts.bench.result import Result, percentile, show

ROUND = 20
"""Records of one kind before it is the next kind's turn."""
STAMP = Stamp(wall_s=1_780_000_000.0, trusted=True, boot="bench", monotonic_s=1.0)
DAY_S = 86_400.0
PAGE = 4096

Append = Callable[[int], None]


@click.command()
@click.option("--records", type=click.IntRange(ROUND), default=1000, show_default=True, help="Of each kind.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder on the disk to measure (default: that of temporary files).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def outbox(records: int, folder: Path | None, *, as_json: bool) -> None:
    """Record visits as a station does, beside bare SQLite and sqlite-utils, on the same disk in turns.

    How many a second says more of the disk than of the journal: `fsync_p50_ms` is what the disk takes to
    keep 4 KiB, `over_commit_p50_ms` what the journal takes beyond SQLite's own commit.
    """
    try:
        with (
            tempfile.TemporaryDirectory(prefix="tongzhan-bench-", dir=folder) as scratch,
            ExitStack() as undo,
        ):
            show(measure(Path(scratch), records, undo), as_json=as_json)
    except (OSError, sqlite3.Error) as error:
        raise InputError(f"the disk cannot be measured ({error})", "name a folder with --folder") from None


def measure(folder: Path, records: int, undo: ExitStack) -> Result:
    """Write `records` rows of each kind into `folder`, ROUND at a time; `undo` closes what was opened."""
    journal = SqliteJournal(folder, "b" * 16, _rules(), ZoneInfo("Asia/Shanghai"))
    undo.callback(journal.close)
    journal.record_visit(visit(0), STAMP)
    came = [_came(number) for number in range(records + ROUND)]
    kinds: dict[str, Append] = {
        "ours": lambda number: _record(journal, *came[number]),
        "bare": _bare(folder / "bare.sqlite3", _row_of(folder), undo),
        "sqlite_utils": _with_sqlite_utils(folder / "peer.sqlite3", _row_of(folder), undo),
        "fsync": _fsync(folder / "plain", undo),
    }
    took: dict[str, list[float]] = {name: [] for name in kinds}
    number = 0
    while number < records:
        for name, append in kinds.items():
            for one in range(number + 1, number + ROUND + 1):
                began = perf_counter()
                append(one)
                took[name].append(perf_counter() - began)
        number += ROUND
    return _result(took, len(_row_of(folder)[0]))


def _result(took: dict[str, list[float]], event_bytes: int) -> Result:
    rates = {name: len(times) / sum(times) for name, times in took.items()}
    median_ms = {name: 1000 * percentile(times, 0.5) for name, times in took.items()}
    return Result(
        name="outbox",
        ours=rates["ours"],
        limit=rates["bare"],
        ratio=rates["ours"] / rates["bare"],
        peers={"sqlite_utils": rates["sqlite_utils"]},
        unit="records/s",
        details={
            "records": len(took["ours"]),
            "event_bytes": event_bytes,
            "fsync_p50_ms": median_ms["fsync"],
            "over_commit_p50_ms": median_ms["ours"] - median_ms["bare"],
            "p50_ms": median_ms["ours"],
            "p99_ms": 1000 * percentile(took["ours"], 0.99),
            "bare_p50_ms": median_ms["bare"],
            "bare_p99_ms": 1000 * percentile(took["bare"], 0.99),
        },
    )


def visit(number: int, deposits: int = 2) -> VisitFacts:
    """Make a household's visit with deposits that the model has seen; forty cards take turns."""
    seen = VerdictFacts(VerdictState.OK, 0.93, "waste 1.0", Category.KITCHEN, "banana_peel")
    return VisitFacts(
        card=f"{number % 40:064x}",
        credential=Credential.EM4100,
        role=Role.RESIDENT,
        duration_s=9.0,
        openings=(OpeningFacts("kitchen", 1.5, 8.0),),
        deposits=(DepositFacts("kitchen", Category.KITCHEN, 3.0, seen, 420),) * deposits,
        rules=0,
        provisional=0,
    )


def _record(journal: SqliteJournal, facts: VisitFacts, stamp: Stamp) -> None:
    journal.record_visit(facts, stamp)


def _came(number: int) -> tuple[VisitFacts, Stamp]:
    """Make the visit of this number, and the time of its record."""
    # A hundred visits a day, so that caps cover as many rows as at a busy station.
    at = STAMP.wall_s + DAY_S * (number // 100)
    return visit(number), Stamp(at, trusted=True, boot=STAMP.boot, monotonic_s=number)


def _rules() -> AwardRules:
    return load_toml(SHIPPED_WORDS.with_name("award_rules.v1.toml"), AwardRules)


def _row_of(folder: Path) -> tuple[bytes, int, str, str, int, int, bytes]:
    """Return the values of the journal's first row, which every kind writes repeatedly."""
    connection = connect(folder / "journal.sqlite3")
    row: tuple[bytes, int, str, str, int, int, bytes] = connection.execute(
        "SELECT event, crc, card, day, points, counted, lines FROM records ORDER BY id LIMIT 1"
    ).fetchone()
    connection.close()
    return row


def _bare(file: Path, row: tuple[object, ...], undo: ExitStack) -> Append:
    """Make a prepared INSERT of an equal row into a table without an index; each is its own commit."""
    connection = sqlite3.connect(file, isolation_level=None)
    undo.callback(connection.close)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        "CREATE TABLE records (id INTEGER PRIMARY KEY, event, crc, card, day, points, counted, lines)"
    )

    def append(number: int) -> None:
        connection.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (number, *row))

    return append


def _fsync(file: Path, undo: ExitStack) -> Append:
    """Make a write of 4 KiB at the end of a file, with fsync."""
    plain = file.open("wb", buffering=0)
    undo.callback(plain.close)
    page = bytes(PAGE)

    def append(_number: int) -> None:
        plain.write(page)
        os.fsync(plain.fileno())

    return append


def _with_sqlite_utils(file: Path, row: tuple[object, ...], undo: ExitStack) -> Append:
    from sqlite_utils import Database  # noqa: PLC0415 (a peer, needed by nothing else)

    connection = sqlite3.connect(file)
    undo.callback(connection.close)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    table = Database(connection).table("records")
    names = ("event", "crc", "card", "day", "points", "counted", "lines")

    def append(number: int) -> None:
        table.insert({"id": number, **dict(zip(names, row, strict=True))}, pk="id")

    return append
