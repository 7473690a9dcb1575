"""Find values of the wrong type for their column, and text that is not UTF-8: SQLite accepts both.

Such values would end a loop over rows, or be read as something else.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import models
from django.db.migrations.recorder import MigrationRecorder

from cloud_sync.ledger.db import sql

APPS = ("stations", "points")
DATE, MOMENT = len("2026-11-20"), len("2026-11-20 04:00:00")


def problems() -> Iterator[str]:
    """Yield a line for each row with a value of the wrong type, or with a reference to a missing row."""
    if sql.on_postgres():  # it accepts no such value
        return
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            yield from _of_table(model)
    yield from _of_table(MigrationRecorder.Migration)
    yield from _without_a_parent()


def _of_table(model: type[models.Model]) -> Iterator[str]:
    meta = model._meta  # noqa: SLF001 (Django's documented name)
    table, key = meta.db_table, meta.pk.column
    bad = {field.column: _bad(field) for field in meta.concrete_fields}
    any_bad = " OR ".join(bad.values())
    which = " ".join(f"WHEN {condition} THEN '{column}'" for column, condition in bad.items())
    kind = " ".join(f"WHEN {condition} THEN {_found(str(column))}" for column, condition in bad.items())
    statement = (
        f'SELECT "{key}", CASE {which} END, CASE {kind} END '  # noqa: S608 (names of our own models)
        f'FROM "{table}" WHERE {any_bad}'
    )
    for row, column, found in sql.stream(statement):
        yield f"{table} {row!r}: its column {column} holds a value of the wrong type ({found})"


def _found(column: str) -> str:
    """Return SQL that describes a value which this column cannot hold."""
    return f"CASE WHEN {_broken(column)} THEN 'text that is not UTF-8' ELSE typeof(\"{column}\") END"


def _broken(column: str) -> str:
    return f'(typeof("{column}") = \'text\' AND NOT is_utf8(CAST("{column}" AS BLOB)))'


def _bad(field: models.Field[object, object]) -> str:
    """Return the SQL condition for a value that its column cannot hold."""
    column = f'"{field.column}"'
    wrong = f"typeof({column}) != '{_kind(field)}'"
    match field:
        case models.DateTimeField():
            wrong += f" OR datetime({column}) IS NULL OR length({column}) < {MOMENT}"
        case models.DateField():
            wrong += f" OR date({column}) IS NULL OR length({column}) != {DATE}"
        case models.BooleanField():
            wrong += f" OR {column} NOT IN (0, 1)"
        case models.CharField():
            wrong += f" OR length({column}) > {field.max_length} OR {_broken(str(field.column))}"
        case models.TextField():
            wrong += f" OR {_broken(str(field.column))}"
    return f"({column} IS NOT NULL AND ({wrong}))"


def _kind(field: models.Field[object, object]) -> str:
    if isinstance(field, models.BinaryField):
        return "blob"
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    return "text" if isinstance(target, models.CharField | models.TextField | models.DateField) else "integer"


def _without_a_parent() -> Iterator[str]:
    for table, row, parent, _ in sql.execute("PRAGMA foreign_key_check", []):
        yield f"{table} {row}: it refers to a row of {parent} that does not exist"
