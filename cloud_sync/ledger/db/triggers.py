"""Triggers that make the database itself refuse to change or remove rows that must stay.

They stop mistakes in code and most attempts by SQL. Someone who may alter tables can drop a trigger, and
SQLite's REPLACE runs none (sqlite.org/lang_conflict.html): then the chain still finds the changed row, and
`verify` names the missing trigger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db import connection, transaction

from cloud_sync.ledger.db import sql


@dataclass(frozen=True, slots=True)
class Guard:
    """A table whose rows must stay as written."""

    table: str
    says: str
    """The database's error message for an attempt to change or remove a row."""
    may_change: tuple[str, ...] = ()
    may_empty: tuple[str, ...] = ()
    """Columns of bytes that an erasure empties; `verify` names a column emptied without an erasure."""


GUARDS = (
    Guard("points_transfer", "a transfer is never changed or removed: a correction is a transfer of its own"),
    Guard("points_decision", "a decision is never changed or removed: record a new one"),
    Guard("points_rules", "rules are never changed or removed: other rules are another version"),
    Guard(
        "stations_event",
        "an event stays as it came: only what became of it may change",
        may_change=("kind", "state", "reason"),
        may_empty=("body",),
    ),
    Guard("points_record", "a record of the register is never changed or removed: undo is another record"),
    Guard("stations_communitychange", "a change of a community stays as it was noted"),
    Guard(
        "officers_grant",
        "a role that was given stays as it was noted: it is only ended",
        may_change=("until", "ended_by", "ended_reason"),
    ),
    Guard(
        "audit_auditentry",
        "what a person did stays as it was noted",
        may_empty=("before", "after"),
    ),
    Guard("points_signedbatch", "what a station signed stays as it came", may_empty=("body",)),
)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger: the statement that creates it, and how the database then describes it."""

    name: str
    table: str
    made_by: str
    looks: object


# Arguments from the trigger: the error message, then the columns that may change; "~" marks one that may only
# be emptied.
FUNCTION = r"""
DECLARE
    may text[] := TG_ARGV[1:];
    one text;
BEGIN
    IF TG_OP = ''UPDATE'' THEN
        FOREACH one IN ARRAY TG_ARGV[1:] LOOP
            IF left(one, 1) = ''~'' AND to_jsonb(NEW) ->> substr(one, 2) = ''\x'' THEN
                may := may || substr(one, 2);
            END IF;
        END LOOP;
        IF to_jsonb(NEW) - may = to_jsonb(OLD) - may THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION ''%'', TG_ARGV[0] USING ERRCODE = ''integrity_constraint_violation'';
END
"""
MAKE_FUNCTION = f"CREATE OR REPLACE FUNCTION stands() RETURNS trigger LANGUAGE plpgsql AS '{FUNCTION}'"
ROW, BEFORE, DELETE, UPDATE, TRUNCATE = 1, 2, 8, 16, 32
"""Bits of pg_trigger.tgtype, as PostgreSQL's src/include/catalog/pg_trigger.h names them."""
FIND_POSTGRES = """
    SELECT t.tgname, c.relname, t.tgtype, encode(t.tgargs, 'escape'), p.prosrc
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE c.relnamespace = current_schema()::regnamespace
    AND t.tgenabled IN ('O', 'A') AND t.tgqual IS NULL AND t.tgattr::text = ''
"""
FIND_SQLITE = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"


def guard() -> None:
    """Create every trigger that is missing or was altered."""
    with transaction.atomic(), connection.cursor() as cursor:
        wrong = missing()
        if wrong and sql.on_postgres():
            cursor.execute(MAKE_FUNCTION)
        for trigger in wrong:
            cursor.execute(_dropping(trigger.name, trigger.table))
            cursor.execute(trigger.made_by)


def release() -> None:
    """Drop every trigger; an upgrade step that changes such rows needs this."""
    second = "not_emptied" if sql.on_postgres() else "not_removed"
    here = connection.introspection.table_names()
    with transaction.atomic(), connection.cursor() as cursor:
        for one in GUARDS:
            for name in ("not_changed", second) if one.table in here else ():
                cursor.execute(_dropping(f"{one.table}_{name}", one.table))


def missing() -> list[Trigger]:
    """Return the triggers that are missing, disabled or altered."""
    there = _there()
    return [trigger for trigger in _wanted() if there.get(trigger.name) != trigger.looks]


def problems() -> Iterator[str]:
    """Yield a line for each trigger that is missing or altered."""
    for trigger in missing():
        yield (
            f"the trigger {trigger.name} is missing or was altered: rows of {trigger.table} could be edited; "
            "find out who did it, then run: tongzhan ledger init --config F"
        )


def _wanted() -> list[Trigger]:
    triggers = _postgres if sql.on_postgres() else _sqlite
    here = connection.introspection.table_names()  # an older database lacks some until it is upgraded
    return [trigger for one in GUARDS if one.table in here for trigger in triggers(one)]


def _there() -> Mapping[str, object]:
    """Return how the database describes each of its triggers."""
    if sql.on_postgres():
        return {name: tuple(looks) for name, *looks in sql.execute(FIND_POSTGRES, [])}
    return dict(sql.execute(FIND_SQLITE, []))


def _dropping(name: str, table: str) -> str:
    return f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if sql.on_postgres() else "")


def _sqlite(one: Guard) -> Iterator[Trigger]:
    # Django's introspection parses the table's statement, which takes longer than a whole audit.
    described = sql.execute(f"PRAGMA table_info({one.table})", [])
    kept = [column for _, column, *_ in described if column not in one.may_change]
    differs = " OR ".join(_differs(column, may_empty=column in one.may_empty) for column in kept)
    for verb, name, when in (("UPDATE", "not_changed", f"WHEN {differs} "), ("DELETE", "not_removed", "")):
        made_by = (
            f"CREATE TRIGGER {one.table}_{name} BEFORE {verb} ON {one.table} "
            f"{when}BEGIN SELECT RAISE(ABORT, '{one.says}'); END"
        )
        yield Trigger(f"{one.table}_{name}", one.table, made_by, made_by)


def _differs(column: str, *, may_empty: bool) -> str:
    differs = f'NEW."{column}" IS NOT OLD."{column}"'
    return f'({differs} AND length(NEW."{column}") IS NOT 0)' if may_empty else differs


def _postgres(one: Guard) -> Iterator[Trigger]:
    arguments = (one.says, *one.may_change, *(f"~{column}" for column in one.may_empty))
    quoted = ", ".join(f"'{argument}'" for argument in arguments)
    told = "".join(f"{argument}\\000" for argument in arguments)
    for verbs, each, name, kind in (
        ("UPDATE OR DELETE", "ROW", "not_changed", ROW | BEFORE | UPDATE | DELETE),
        ("TRUNCATE", "STATEMENT", "not_emptied", BEFORE | TRUNCATE),
    ):
        made_by = (
            f"CREATE TRIGGER {one.table}_{name} BEFORE {verbs} ON {one.table} "
            f"FOR EACH {each} EXECUTE FUNCTION stands({quoted})"
        )
        looks = (one.table, kind, told, FUNCTION.replace("''", "'"))
        yield Trigger(f"{one.table}_{name}", one.table, made_by, looks)
