"""The hot path's own SQL in two dialects: a batch of rows in one statement.

SQLite has `executemany`, PostgreSQL `unnest`. Everything that is not hot goes through Django's ORM.
Times are given as datetimes with a zone; each dialect stores them as Django would. Call within a transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from django.db import connection

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """A table's name and the columns that are written, each with its PostgreSQL type."""

    name: str
    columns: Mapping[str, str]
    conflict: str = ""
    """What to do with a row that is there: an ON CONFLICT clause."""

    @cached_property
    def sqlite(self) -> str:
        """The statement for one row of many."""
        marks = ", ".join("?" * len(self.columns))
        return f"INSERT INTO {self._into} VALUES ({marks}) {self.conflict}"  # noqa: S608 (constants)

    @cached_property
    def postgres(self) -> str:
        """The statement for all rows at once, a list for each column."""
        lists = ", ".join(f"%s::{kind}[]" for kind in self.columns.values())
        return f"INSERT INTO {self._into} SELECT * FROM unnest({lists}) {self.conflict}"  # noqa: S608 (constants)

    @cached_property
    def with_key(self) -> Table:
        """The same table, the primary key's column first."""
        return Table(self.name, {"id": "bigint", **self.columns}, self.conflict)

    @property
    def _into(self) -> str:
        return f"{self.name} ({', '.join(self.columns)})"


def on_postgres() -> bool:
    """Which of the two dialects the ledger's database speaks."""
    return connection.vendor == "postgresql"


def stored(at: datetime) -> datetime | str:
    """A moment as the database keeps it; SQLite's is the UTC text that Django writes."""
    return at if on_postgres() else str(at.astimezone(UTC).replace(tzinfo=None))


def stored_day(day: date) -> date | str:
    """A calendar day as the database keeps it."""
    return day if on_postgres() else day.isoformat()


def day_of(value: date | str) -> date:
    """The calendar day that a raw query gave."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def insert(table: Table, rows: Sequence[Row]) -> None:
    """Write rows, whose values stand in the order of the table's columns."""
    if not rows:
        return
    if on_postgres():
        execute(table.postgres, [list(column) for column in zip(*rows, strict=True)])
    else:
        _execute_many(table.sqlite, rows)


def insert_returning(table: Table, columns: str, rows: Sequence[Row]) -> list[Row]:
    """Write rows on PostgreSQL and read these columns of each, in any order."""
    values = [list(column) for column in zip(*rows, strict=True)]
    return execute(f"{table.postgres} RETURNING {columns}", values) if rows else []


def execute(statement: str, values: Sequence[Any]) -> list[Row]:
    """Run one statement whose marks are %s; its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def select(statement: str, among: Iterable[Any], values: Sequence[Any] = ()) -> list[Row]:
    """The rows of a query in which one column must be AMONG some values; nothing is asked without any.

    The word AMONG stands once in the statement, as in "WHERE id AMONG", after the marks of `values`.
    """
    wanted = list(among)
    if not wanted:
        return []
    if on_postgres():
        return execute(statement.replace("AMONG", "= ANY(%s)"), [*values, wanted])
    marks = ", ".join(["%s"] * len(wanted))
    return execute(statement.replace("AMONG", f"IN ({marks})"), [*values, *wanted])


def add(table: str, column: str, changes: Mapping[int, int]) -> None:
    """Add to a column of the rows with these primary keys, in their order."""
    ordered = sorted(changes.items())
    if on_postgres():
        statement = (
            f"UPDATE {table} AS t SET {column} = t.{column} + c.change "  # noqa: S608 (constants)
            "FROM unnest(%s::bigint[], %s::bigint[]) AS c(id, change) WHERE t.id = c.id"
        )
        execute(statement, [[key for key, _ in ordered], [change for _, change in ordered]])
    else:
        statement = f"UPDATE {table} SET {column} = {column} + ? WHERE id = ?"  # noqa: S608
        _execute_many(statement, [(change, key) for key, change in ordered])


def _execute_many(statement: str, rows: Sequence[Row]) -> None:
    # Django's own cursor would rewrite the marks of the statement at each call.
    with connection.wrap_database_errors:
        connection.connection.executemany(statement, rows)
