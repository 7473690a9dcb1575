"""Django's PostgreSQL engine, with references checked at once."""

from __future__ import annotations

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.postgresql import base, operations, schema


class DatabaseOperations(operations.DatabaseOperations):
    """Makes references not deferrable."""

    def deferrable_sql(self) -> str:
        """Return no SQL."""
        return ""


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Never sets constraints IMMEDIATE: PostgreSQL refuses that for constraints that always are."""

    sql_create_column_inline_fk = "CONSTRAINT %(name)s REFERENCES %(to_table)s(%(to_column)s)%(deferrable)s"
    sql_delete_fk = BaseDatabaseSchemaEditor.sql_delete_fk


class DatabaseWrapper(base.DatabaseWrapper):
    """The connection class that Django uses."""

    SchemaEditorClass = DatabaseSchemaEditor
    ops_class = DatabaseOperations
