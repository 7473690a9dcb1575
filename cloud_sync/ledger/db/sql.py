"""The hot path's own SQL in two dialects: a batch of rows in one statement.

SQLite has `executemany`, PostgreSQL `unnest`. Everything that is not hot goes through Django's ORM.
Times are given as datetimes with a zone; each dialect stores them as Django would. Call within a transaction.
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
"""Of one query's w on SQLite, which takes 32,766 values a statement (SQLITE_MAX_VARIABLE_NUMBER)."""

STREAMED = 500


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
    # The connection would say it too, but finding that takes twenty times as long.
    engine: str = connections.settings[DEFAULT_DB_ALIAS]["ENGINE"]
    return engine.endswith(".postgresql")


def keeper() -> Callable[[datetime], datetime | str]:
    """What turns a moment into what the database keeps; SQLite's is the text that Django writes."""
    return _as_it_is if on_postgres() else _as_text


def _as_it_is(at: datetime) -> datetime:
    return at


def _as_text(at: datetime) -> str:
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(" ")[: -len("+00:00")]


def day_of(value: date | str) -> date:
    """The calendar day that a raw query gave."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def moment_of(value: datetime | str) -> datetime:
    """The moment that a raw query gave; SQLite's has lost its zone, which is UTC."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at if at.tzinfo else at.replace(tzinfo=UTC)


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
    """Run one statement whose marks are %s and that has no other percent sign; its rows, if it has any.

    Past Django's cursors, which would rewrite the statement at each call, and on PostgreSQL put the
    values into its text; errors are Django's all the same.
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
    """The rows of a query in which one column must be AMONG some values; nothing is asked without any.

    The word AMONG stands once in the statement, as in "WHERE id AMONG", after the marks of `values`.
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
    """The rows of a query FROM w CROSS JOIN …, where w holds these rows; nothing is asked without any.

    `columns` are w's, each with its PostgreSQL type; `values` are for the marks of the statement. CROSS
    JOIN has SQLite take a row of w first and look the rest up.
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


# Texts with a mark for each value are long, and those of full batches are the same again and again.
@lru_cache(maxsize=128)
def _among(statement: str, count: int) -> str:
    return statement.replace("AMONG", f"IN ({', '.join('?' * count)})")


@lru_cache(maxsize=128)
def _among_rows(statement: str, columns: tuple[str, ...], count: int) -> str:
    mark = f"({', '.join('?' * len(columns))})"
    return f"WITH w({', '.join(columns)}) AS (VALUES {', '.join([mark] * count)}) {statement}"


def stream(statement: str, values: Sequence[Any] = ()) -> Iterator[Row]:
    """The rows of one query, STREAMED of them in memory at once; within a transaction."""
    with _connection().chunked_cursor() as cursor:
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(STREAMED):
            yield from rows


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


def _connection() -> BaseDatabaseWrapper:
    """This thread's, open."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.connection is None:
        connection.ensure_connection()
    return connection


def _execute_many(statement: str, rows: Sequence[Row]) -> None:
    connection = _connection()
    with connection.wrap_database_errors:
        connection.connection.executemany(statement, rows)


def _server_cursor(connection: Any) -> Any:  # noqa: ANN401 (psycopg's, which SQLite's users need not install)
    import psycopg  # noqa: PLC0415 (as above)

    return psycopg.Cursor(connection)
