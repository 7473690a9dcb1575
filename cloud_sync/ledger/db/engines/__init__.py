"""Django's two database engines without deferrable constraints, which not every PostgreSQL relative has.

A broken reference then fails at its statement, not at the commit. Tables that an earlier version made
on SQLite keep theirs until a migration makes them anew; on PostgreSQL a migration alters them.
"""
