"""The hot path's SQL in two dialects: a batch of rows in one statement.

SQLite has `executemany`, PostgreSQL `unnest`. Everything else goes through Django's ORM. Times are datetimes
with a zone; each dialect stores them as Django does. Call these functions within a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

Row = tuple[Any, ...]
MOST_ROWS = 5000
"""Rows of w in one query on SQLite, which takes 32,766 values a statement (SQLITE_MAX_VARIABLE_NUMBER)."""

STREAMED = 500


@dataclass(frozen=True)
class Table:
    """A table's name and the columns to write, each with its PostgreSQL type."""

    name: str
    columns: Mapping[str, str]
    conflict: str = ""
    """What to do if the row exists: an ON CONFLICT clause."""

    @cached_property
    def sqlite(self) -> str:
        """The statement that inserts one row."""
        marks = ", ".join("?" * len(self.columns))
        return f"INSERT INTO {self._into} VALUES ({marks}) {self.conflict}"  # noqa: S608 (constants)

    @cached_property
    def postgres(self) -> str:
        """The statement that inserts all rows, given a list for each column."""
        lists = ", ".join(f"%s::{kind}[]" for kind in self.columns.values())
        return f"INSERT INTO {self._into} SELECT * FROM unnest({lists}) {self.conflict}"  # noqa: S608 (constants)

    @cached_property
    def with_key(self) -> Table:
        """The same table with the primary key's column first."""
        return Table(self.name, {"id": "bigint", **self.columns}, self.conflict)

    @property
    def _into(self) -> str:
        return f"{self.name} ({', '.join(self.columns)})"


def on_postgres() -> bool:
    """Return whether the ledger's database is PostgreSQL."""
    # Asking the connection gives the same answer but takes twenty times as long.
    engine: str = connections.settings[DEFAULT_DB_ALIAS]["ENGINE"]
    return engine.endswith(".postgresql")


def keeper() -> Callable[[datetime], datetime | str]:
    """Return the function that converts a moment to what the database stores; on SQLite, Django's text."""
    return _as_it_is if on_postgres() else _as_text


def _as_it_is(at: datetime) -> datetime:
    return at


def _as_text(at: datetime) -> str:
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(" ")[: -len("+00:00")]


def day_of(value: date | str) -> date:
    """Return the date that a raw query gave."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def moment_of(value: datetime | str) -> datetime:
    """Return the moment that a raw query gave; SQLite stores it without its zone, UTC."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def insert(table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; their values are in the order of the table's columns."""
    if not rows:
        return
    if on_postgres():
        execute(table.postgres, [list(column) for column in zip(*rows, strict=True)])
    else:
        _execute_many(table.sqlite, rows)


def insert_returning(table: Table, columns: str, rows: Sequence[Row]) -> list[Row]:
    """Insert rows on PostgreSQL and return these columns of each, in any order."""
    values = [list(column) for column in zip(*rows, strict=True)]
    return execute(f"{table.postgres} RETURNING {columns}", values) if rows else []


def execute(statement: str, values: Sequence[Any]) -> list[Row]:
    """Run one statement and return its rows, if any; its marks are %s, and it has no other percent sign.

    This bypasses Django's cursors, which rewrite the statement at each call and on PostgreSQL put the
    values into its text. Errors are still Django's.
    """
    connection = _connection()
    with connection.wrap_database_errors:
        if connection.vendor == "postgresql":
            cursor = _server_cursor(connection.connection)
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
        rows: list[Row] = connection.connection.execute(statement.replace("%s", "?"), values).fetchall()
        return rows


def select(statement: str, among: Iterable[Any], values: Sequence[Any] = ()) -> list[Row]:
    """Return the rows of a query in which one column is AMONG some values; no values, no query.

    The word AMONG occurs once in the statement, as in "WHERE id AMONG", after the marks of `values`.
    """
    wanted = list(among)
    if not wanted:
        return []
    if on_postgres():
        return execute(statement.replace("AMONG", "= ANY(%s)"), [*values, wanted])
    return execute(_among(statement, len(wanted)), [*values, *wanted])


def matching(
    statement: str, columns: Mapping[str, str], rows: Sequence[Row], values: Sequence[Any] = ()
) -> list[Row]:
    """Return the rows of a query FROM w CROSS JOIN …, where w holds `rows`; no rows, no query.

    `columns` are w's, each with its PostgreSQL type; `values` are for the statement's marks. CROSS JOIN
    makes SQLite loop over w first and look the rest up.
    """
    if on_postgres():
        names = ", ".join(columns)
        lists = ", ".join(f"%s::{kind}[]" for kind in columns.values())
        wanted = f"WITH w({names}) AS (SELECT * FROM unnest({lists})) {statement}"  # noqa: S608 (constants)
        turned = [list(column) for column in zip(*rows, strict=True)]
        return execute(wanted, [*turned, *values]) if rows else []
    found: list[Row] = []
    for part in range(0, len(rows), MOST_ROWS):
        some = rows[part : part + MOST_ROWS]
        found += execute(
            _among_rows(statement, tuple(columns), len(some)), [*chain.from_iterable(some), *values]
        )
    return found


# A statement with a mark for each value is long, and full batches use the same ones again and again.
@lru_cache(maxsize=128)
def _among(statement: str, count: int) -> str:
    return statement.replace("AMONG", f"IN ({', '.join('?' * count)})")


@lru_cache(maxsize=128)
def _among_rows(statement: str, columns: tuple[str, ...], count: int) -> str:
    mark = f"({', '.join('?' * len(columns))})"
    return f"WITH w({', '.join(columns)}) AS (VALUES {', '.join([mark] * count)}) {statement}"


def stream(statement: str, values: Sequence[Any] = ()) -> Iterator[Row]:
    """Yield the rows of one query, at most STREAMED in memory at a time; call it within a transaction."""
    with _connection().chunked_cursor() as cursor:
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(STREAMED):
            yield from rows


def add(table: str, column: str, changes: Mapping[int, int]) -> None:
    """Add to a column of the rows with these primary keys, in the keys' order."""
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


def _connection() -> BaseDatabaseWrapper:
    """Return this thread's connection, open."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.connection is None:
        connection.ensure_connection()
    return connection


def _execute_many(statement: str, rows: Sequence[Row]) -> None:
    connection = _connection()
    with connection.wrap_database_errors:
        connection.connection.executemany(statement, rows)


def _server_cursor(connection: Any) -> Any:  # noqa: ANN401 (psycopg's; SQLite needs no psycopg)
    import psycopg  # noqa: PLC0415 (as above)

    return psycopg.Cursor(connection)
