"""Which steps of an upgrade a database has taken, read whatever bytes stand there.

Django's own reader ends at text that is no UTF-8 and at a moment that is none; an audit must begin all the
same.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from cloud_sync.ledger.db import sql

TABLE = MigrationRecorder.Migration._meta.db_table  # noqa: SLF001 (Django's documented name)


@dataclass(frozen=True, slots=True)
class Steps:
    """What is still to be done, and rows that do not say what was done."""

    waiting: frozenset[tuple[str, str]]
    unreadable: tuple[int, ...]
    """Primary keys; each may stand for a step that seems to wait."""

    @property
    def are_taken(self) -> bool:
        """Whether the database is of this version, as far as the rows tell."""
        return len(self.waiting) <= len(self.unreadable)


def read_steps() -> Steps:
    """Read them. DatabaseError where there is no such table."""
    known = frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.nodes)
    columns = "applied IS NOT NULL, app, name"
    if not sql.on_postgres():
        columns = "datetime(applied) IS NOT NULL, CAST(app AS BLOB), CAST(name AS BLOB)"
    taken, unreadable = set(), []
    for key, is_dated, *name in sql.execute(f"SELECT id, {columns} FROM {TABLE} ORDER BY id", []):  # noqa: S608 (constants)
        try:
            app, step = (part if isinstance(part, str) else bytes(part).decode() for part in name)
        except (TypeError, ValueError):
            unreadable.append(key)
            continue
        taken.add((app, step))
        if not is_dated:
            unreadable.append(key)
    return Steps(known - taken, tuple(unreadable))
