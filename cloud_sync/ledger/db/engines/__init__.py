"""Django's two database engines without deferrable constraints: some PostgreSQL relatives lack them.

A broken reference then fails at its statement, not at the commit. SQLite tables of an earlier version keep
deferrable constraints until a migration rebuilds them; on PostgreSQL a migration alters them.
"""
