"""Django's PostgreSQL engine, with references that are checked at once."""

from __future__ import annotations

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.postgresql import base, operations, schema


class DatabaseOperations(operations.DatabaseOperations):
    """Says that references are not deferrable."""

    def deferrable_sql(self) -> str:
        """Nothing."""
        return ""


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Does not set constraints IMMEDIATE first, which PostgreSQL refuses for those that always are."""

    sql_create_column_inline_fk = "CONSTRAINT %(name)s REFERENCES %(to_table)s(%(to_column)s)%(deferrable)s"
    sql_delete_fk = BaseDatabaseSchemaEditor.sql_delete_fk


class DatabaseWrapper(base.DatabaseWrapper):
    """What Django connects by."""

    SchemaEditorClass = DatabaseSchemaEditor
    ops_class = DatabaseOperations
