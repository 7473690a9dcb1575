"""Django's SQLite engine, with references that are checked at once."""

from __future__ import annotations

from django.db.backends.sqlite3 import base, schema


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Writes references without DEFERRABLE."""

    sql_create_inline_fk = "REFERENCES %(to_table)s (%(to_column)s)"
    sql_create_column_inline_fk = sql_create_inline_fk


class DatabaseWrapper(base.DatabaseWrapper):
    """What Django connects by."""

    SchemaEditorClass = DatabaseSchemaEditor
