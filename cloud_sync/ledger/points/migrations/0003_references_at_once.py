"""References that an earlier version made deferrable are checked at once, where the engine can alter them."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

FIND = """
    SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint
    WHERE contype = 'f' AND condeferrable AND connamespace = current_schema()::regnamespace
"""


def check_at_once(_apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    """On PostgreSQL; SQLite can only make a table anew, and checks at the commit until then."""
    if editor.connection.vendor != 'postgresql':
        return
    with editor.connection.cursor() as cursor:
        cursor.execute(FIND)
        for table, name in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} ALTER CONSTRAINT {name} NOT DEFERRABLE')


class Migration(migrations.Migration):

    dependencies = [
        ('points', '0002_chain_and_what_waits'),
    ]

    operations = [
        migrations.RunPython(check_at_once, migrations.RunPython.noop),
    ]
