"""Upgrade a database to this version: each step and the note that it is done are one transaction.

So an upgrade may be killed at any instant and run again. Django's executor may note a step after its
transaction; a kill in between leaves tables that the next run tries to create again.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor

from cloud_sync.ledger.db import triggers


class WholeSteps(MigrationExecutor):
    """Applies a migration and notes it within the same transaction."""

    def apply_migration(
        self,
        state: Any,  # noqa: ANN401 (as Django types it)
        migration: Migration,
        fake: bool = False,  # noqa: FBT001, FBT002 (Django's signature)
        fake_initial: bool = False,  # noqa: ARG002, FBT001, FBT002 (Django's signature)
    ) -> Any:  # noqa: ANN401 (as Django types it)
        """Run one step with its deferred statements, and note it."""
        with self.connection.schema_editor(atomic=True) as editor:
            if not fake:
                state = migration.apply(state, editor)
            for statement in editor.deferred_sql:
                editor.execute(statement, None)
            editor.deferred_sql.clear()
            self.record_migration(migration)  # type: ignore[call-arg, arg-type]  # stubs of another version
        return state


def upgrade() -> int:
    """Apply this version's migrations and return how many there were. Raises DatabaseError.

    Missing triggers are created again: SQLite rebuilds an altered table without them.
    """
    executor = WholeSteps(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    executor.migrate(executor.loader.graph.leaf_nodes(), plan)
    triggers.guard()
    return len(plan)
