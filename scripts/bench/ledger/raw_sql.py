"""The limit: hand-written SQL that stores exactly the rows that the ledger has stored.

Its database is another of the ledger's own: the same tables, constraints and indexes. The rows are read
from the ledger's database after its turn, so they are the same in every column, in the same transactions;
tuples and columns are made before the clock starts. No signature is checked, nothing is parsed, priced,
hashed or read, and there is no receipt.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import psycopg

from cloud_sync.ledger.db.sql import Row, Table

ADD_SQLITE = "UPDATE points_account SET balance = balance + ? WHERE id = ?"
ADD_POSTGRES = (
    "UPDATE points_account AS t SET balance = t.balance + c.change "
    "FROM unnest(%s::bigint[], %s::bigint[]) AS c(change, id) WHERE t.id = c.id"
)
HEAD = (
    "UPDATE points_chainhead SET position = %s, chain = %s, records = %s, records_chain = %s "
    "WHERE community_id = %s"
)


@dataclass(frozen=True, slots=True)
class Written:
    """The writes of one transaction of the ledger."""

    inserts: list[tuple[Table, list[Row]]]
    moved: list[tuple[int, int]]
    """The change of each account's balance, and the account's key."""
    head: tuple[int, bytes, int, bytes, int]
    """The end of the chain and of the register: position, link, position, link, community."""


@dataclass
class Copied:
    """Reads what the ledger stored since the last read; each database has its own reader."""

    last: int
    """The key of the newest event read."""
    minted: Counter[tuple[int, Any]] = field(default_factory=Counter)
    batches: int = 0
    """The key of the newest signed batch read."""
    records: int = 0
    """The position of the newest record read."""

    def read(self, events: int) -> list[Written]:
        """Return the writes of the transactions, of `events` events each, in Django's present database."""
        from cloud_sync.ledger.chain.evidence import BATCHES  # noqa: PLC0415
        from cloud_sync.ledger.chain.records import RECORDS  # noqa: PLC0415
        from cloud_sync.ledger.db import sql  # noqa: PLC0415 (Django is set up now)
        from cloud_sync.ledger.intake.store import EVENTS  # noqa: PLC0415
        from cloud_sync.ledger.points.posting import TRANSFERS  # noqa: PLC0415
        from cloud_sync.ledger.settling.settlement import SETTLEMENTS  # noqa: PLC0415

        def rows(table: Table, key: str, order: str, last: int | None = None) -> list[Row]:
            names = ", ".join(table.columns)
            statement = f"SELECT {names} FROM {table.name} WHERE {key} > %s ORDER BY {order}"  # noqa: S608
            return sql.execute(statement, [self.last if last is None else last])

        stored = rows(EVENTS.with_key, "id", "id")
        settled = {row[0]: row for row in rows(SETTLEMENTS, "event_id", "event_id")}
        moved = {row[5]: row for row in rows(TRANSFERS, "event_id", "position")}
        records = [row for row in rows(RECORDS, "position", "position", self.records) if row[2] == "settled"]
        signed = rows(BATCHES.with_key, "id", "id", self.batches)
        self.last, self.batches, self.records = stored[-1][0], signed[-1][0], records[-1][1]
        parts = [stored[start : start + events] for start in range(0, len(stored), events)]
        of_part = len(signed) // len(parts)
        return [
            self._written(
                part,
                [settled[row[0]] for row in part],
                [moved[row[0]] for row in part],
                [(BATCHES.with_key, signed[number * of_part : (number + 1) * of_part]), (RECORDS, [record])],
            )
            for number, (part, record) in enumerate(zip(parts, records, strict=True))
        ]

    def _written(
        self, stored: list[Row], settled: list[Row], moved: list[Row], evidence: list[tuple[Table, list[Row]]]
    ) -> Written:
        from cloud_sync.ledger.intake.store import EPOCHS, EVENTS  # noqa: PLC0415
        from cloud_sync.ledger.points.posting import TRANSFERS  # noqa: PLC0415 (Django is set up now)
        from cloud_sync.ledger.settling.settlement import MINTED, SETTLEMENTS  # noqa: PLC0415

        through = {(row[1], row[2]): (row[3], row[7]) for row in stored}
        touched = {(event[1], row[5]) for event, row in zip(stored, settled, strict=True)}
        for event, row in zip(stored, settled, strict=True):
            self.minted[event[1], row[5]] += row[7] + row[8]
        balances: Counter[int] = Counter()
        for row in moved:
            balances[row[2]] -= row[4]
            balances[row[3]] += row[4]
        end, record = moved[-1], evidence[-1][1][0]
        return Written(
            inserts=[
                (EVENTS.with_key, stored),
                (SETTLEMENTS, settled),
                (TRANSFERS, moved),
                (MINTED, [(*name, self.minted[name]) for name in sorted(touched)]),
                (EPOCHS, [_epoch(name, *reached) for name, reached in sorted(through.items())]),
                *evidence,
            ],
            moved=[(change, key) for key, change in sorted(balances.items())],
            head=(end[1], bytes(end[8]), record[1], bytes(record[5]), end[0]),
        )


def _epoch(name: tuple[int, str], through: int, at: object) -> Row:
    """Make an epoch's row: its `through`, and the time and boot of its last event."""
    return *name, through, at, "boot", at, at, False


class RawSql(Protocol):
    """One engine's way to store the rows."""

    def prepare(self, written: Sequence[Written]) -> list[Any]:
        """Convert transactions for `take`, before the clock starts."""

    def take(self, written: Any) -> None:  # noqa: ANN401 (what prepare made)
        """Store one prepared transaction, durably."""

    def close(self) -> None:
        """Close the database."""


class RawSqlite:
    """`executemany`, over a connection with the ledger's own settings."""

    def __init__(self, file: str, settings: str) -> None:
        self._database = sqlite3.connect(file, isolation_level=None, timeout=20)
        self._database.executescript(settings)

    def prepare(self, written: Sequence[Written]) -> list[Written]:
        """As `RawSql` says."""
        return list(written)

    def take(self, written: Written) -> None:
        """As `RawSql` says."""
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        for table, rows in written.inserts:
            database.executemany(table.sqlite, rows)
        database.executemany(ADD_SQLITE, written.moved)
        database.execute(HEAD.replace("%s", "?"), written.head)
        database.execute("COMMIT")

    def close(self) -> None:
        """As `RawSql` says."""
        self._database.close()


class RawPostgres:
    """`unnest`."""

    def __init__(self, url: str) -> None:
        self._database = psycopg.connect(url)

    def prepare(self, written: Sequence[Written]) -> list[list[tuple[str, list[Any]]]]:
        """As `RawSql` says: statements with their columns."""
        return [
            [
                *((table.postgres, _columns(rows)) for table, rows in one.inserts),
                (ADD_POSTGRES, _columns(one.moved)),
                (HEAD, list(one.head)),
            ]
            for one in written
        ]

    def take(self, written: Sequence[tuple[str, list[Any]]]) -> None:
        """As `RawSql` says."""
        for statement, values in written:
            self._database.execute(statement.encode(), values)
        self._database.commit()

    def close(self) -> None:
        """As `RawSql` says."""
        self._database.close()


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    return [list(column) for column in zip(*rows, strict=True)]
