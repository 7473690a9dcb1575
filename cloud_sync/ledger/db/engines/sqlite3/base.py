"""Django's SQLite engine, with references checked at once and a function to find invalid UTF-8."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.db.backends.sqlite3 import base, schema


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Writes references without DEFERRABLE."""

    sql_create_inline_fk = "REFERENCES %(to_table)s (%(to_column)s)"
    sql_create_column_inline_fk = sql_create_inline_fk


class DatabaseWrapper(base.DatabaseWrapper):
    """The connection class that Django uses."""

    SchemaEditorClass = DatabaseSchemaEditor

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        """Add the SQL function `is_utf8` for a BLOB: SQLite stores any bytes as TEXT."""
        made: sqlite3.Connection = super().get_new_connection(conn_params)
        made.create_function("is_utf8", 1, _is_utf8, deterministic=True)
        return made


def _is_utf8(value: bytes | None) -> bool:
    try:
        (value or b"").decode()
    except UnicodeDecodeError:
        return False
    return True
