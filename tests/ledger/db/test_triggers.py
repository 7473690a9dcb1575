"""What was settled stays as it was written: the database itself refuses, on both engines."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.db import triggers
from cloud_sync.ledger.db.database import check_version, prepare
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.points.corrections import correct
from cloud_sync.ledger.points.models import Decision, Rules, Transfer
from cloud_sync.ledger.stations.models import Event
from config.errors import InputError
from config.ledger import load_ledger
from tests.engines import BOTH
from tests.ledger.town import NOW, RIGHT, Town, card, event, visit_facts

pytestmark = BOTH
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def corrected(town: Town) -> Town:
    """A visit, its award, and a person's decision that took it back."""
    bind_card(add_household(town.community, "3-2-501"), card(1), NOW)
    town.deliver(
        event(1, visit_facts(1, RIGHT, provisional=2)), event(2, visit_facts(2, provisional=0, rules=7))
    )
    correct(Transfer.objects.get(), "Li", "counted twice", NOW)
    assert verify().ok
    return town


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


REFUSED = {
    "UPDATE points_transfer SET points = 200": "a transfer is never changed",
    "UPDATE points_transfer SET chain = body FROM stations_event": "a transfer is never changed",
    "DELETE FROM points_transfer WHERE position = 1": "a transfer is never changed or removed",
    "UPDATE points_decision SET reason = 'another'": "a decision is never changed",
    "DELETE FROM points_decision WHERE id NOT IN (SELECT 0)": "a decision is never changed or removed",
    "UPDATE points_rules SET version = 2": "rules are never changed",
    "DELETE FROM points_rules": "rules are never changed or removed",
    "UPDATE stations_event SET sequence = 77 WHERE sequence = 1": "an event stays as it came",
    "UPDATE stations_event SET epoch = 'another'": "an event stays as it came",
    "UPDATE stations_event SET body = (SELECT body FROM points_rules)": "an event stays as it came",
    "UPDATE stations_event SET digest = epoch": "an event stays as it came",
    "UPDATE stations_event SET received_at = '2020-01-01 00:00:00'": "an event stays as it came",
    "UPDATE stations_event SET state = 'refused', reason = 'x', digest = 'x'": "an event stays as it came",
    "DELETE FROM stations_event WHERE sequence = 2": "an event stays as it came",
    "UPDATE points_record SET kind = 'another'": "a record of the register is never changed",
    "DELETE FROM points_record WHERE position = 1": "a record of the register is never changed or removed",
    "UPDATE points_signedbatch SET signature = holds": "what a station signed stays as it came",
    "UPDATE points_signedbatch SET body = holds": "what a station signed stays as it came",
    "DELETE FROM points_signedbatch": "what a station signed stays as it came",
}


@pytest.mark.parametrize("statement", REFUSED)
@pytest.mark.usefixtures("corrected")
def test_the_database_refuses_to_change_or_remove_what_stands(statement: str) -> None:
    with pytest.raises(IntegrityError, match=REFUSED[statement]):
        run(statement)
    assert verify().ok


@pytest.mark.parametrize("table", [one.table for one in triggers.GUARDS])
@pytest.mark.usefixtures("corrected")
def test_a_whole_table_cannot_be_emptied_at_once(table: str) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(IntegrityError, match=r"never|stays"):
        run(f"TRUNCATE {table} CASCADE")
    assert verify().ok


@pytest.mark.usefixtures("corrected")
def test_what_became_of_an_event_may_change() -> None:
    run("UPDATE stations_event SET kind = 'unread', reason = 'malformed' WHERE sequence = 2")
    row = Event.objects.get(sequence=2)
    row.reason = "unknown_rules"
    row.save()
    assert Event.objects.get(sequence=2).reason == "unknown_rules"


@pytest.mark.usefixtures("corrected")
def test_djangos_own_models_are_refused_too_in_one_line() -> None:
    for row, field in ((Decision.objects.get(), "by"), (Rules.objects.get(), "version")):
        setattr(row, field, 9)
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            row.save()
        assert "never changed or removed" in str(refused.value).splitlines()[0]
        with pytest.raises(IntegrityError), transaction.atomic():
            type(row)._base_manager.filter(pk=row.pk)._raw_delete("default")  # noqa: SLF001 (past Django's collector)


WAYS = {
    "taken away": ("DROP TRIGGER points_transfer_not_changed", " ON points_transfer"),
    "replaced by one that does nothing": (
        """DROP TRIGGER points_transfer_not_changed;
        CREATE TRIGGER points_transfer_not_changed BEFORE UPDATE ON points_transfer
        BEGIN SELECT 1; END""",
        """; CREATE FUNCTION idle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE OR REPLACE TRIGGER points_transfer_not_changed BEFORE UPDATE OR DELETE ON points_transfer
        FOR EACH ROW EXECUTE FUNCTION idle()""",
    ),
    "made for a case that never comes, with other words": (
        """DROP TRIGGER points_transfer_not_changed;
        CREATE TRIGGER points_transfer_not_changed BEFORE UPDATE ON points_transfer WHEN NEW.points < 0
        BEGIN SELECT RAISE(ABORT, 'no'); END""",
        """; CREATE OR REPLACE TRIGGER points_transfer_not_changed BEFORE UPDATE OR DELETE ON points_transfer
        FOR EACH ROW WHEN (OLD.points < 0) EXECUTE FUNCTION stands('a transfer is never changed')""",
    ),
}


def tamper(how: str) -> None:
    """What somebody does who may alter the database's tables."""
    sqlite, postgres = WAYS[how]
    if connection.vendor == "postgresql":
        run(postgres.removeprefix(";") if postgres.startswith(";") else sqlite + postgres)
    else:
        for statement in sqlite.split(";\n"):
            run(statement)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.usefixtures("corrected")
def test_a_trigger_that_no_longer_guards_is_named_and_what_was_edited_meanwhile_too(
    how: str, config: Path
) -> None:
    tamper(how)
    assert verify().problems == tuple(triggers.problems())
    assert "the trigger points_transfer_not_changed is missing or was altered" in verify().problems[0]
    run("UPDATE points_transfer SET points = 200 WHERE position = 1")
    assert "breaks at transfer 1" in verify().problems[0]
    run("UPDATE points_transfer SET points = 2 WHERE position = 1")
    prepare(load_ledger(config))
    assert verify().ok, verify().problems
    with pytest.raises(IntegrityError):
        run("UPDATE points_transfer SET points = 200 WHERE position = 1")


@pytest.mark.usefixtures("corrected")
def test_one_that_is_switched_off_is_as_good_as_missing() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's triggers cannot be switched off in the file")
    run("ALTER TABLE stations_event DISABLE TRIGGER ALL")
    assert [trigger.name for trigger in triggers.missing()] == [
        "stations_event_not_changed",
        "stations_event_not_emptied",
    ]


@pytest.mark.usefixtures("corrected")
def test_the_command_says_it_in_one_line_and_fails(config: Path, tongzhan: Run) -> None:
    triggers.release()
    connections.close_all()
    done = tongzhan("ledger", "verify", "--json", "--config", config)
    assert done.returncode == 1
    problems = json.loads(done.stdout)["problems"]
    assert len(problems) == len(done.stderr.splitlines()) == 2 * len(triggers.GUARDS)


@pytest.mark.usefixtures("corrected")
def test_a_ledger_of_the_version_before_is_guarded_once_it_is_upgraded(config: Path) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate([("points", "0003_references_at_once")])
    here = connection.introspection.table_names()
    assert len(triggers.missing()) == 2 * sum(one.table in here for one in triggers.GUARDS)
    run("UPDATE points_decision SET reason = 'as nothing forbade it'")
    settings = load_ledger(config)
    with pytest.raises(InputError, match="is not prepared for this version"):
        check_version(settings)
    prepare(settings)
    assert triggers.missing() == []
    with pytest.raises(IntegrityError, match="a decision is never changed"):
        run("UPDATE points_decision SET reason = 'another'")


def insertion(table: str) -> object:
    """How the database inserts a row."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608 (constants)
        names = ", ".join(f'"{column[0]}"' for column in cursor.description)
        cursor.execute(f"EXPLAIN INSERT INTO {table} ({names}) SELECT {names} FROM {table}")  # noqa: S608
        # A transaction names the version of the schema, which a trigger changes.
        return [row[:-1] for row in cursor.fetchall() if row[1] != "Transaction"]


@pytest.mark.parametrize("table", [one.table for one in triggers.GUARDS])
@pytest.mark.usefixtures("corrected")
def test_rows_are_inserted_by_the_same_program_as_without_the_triggers(table: str) -> None:
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL explains no triggers that an insert does not fire")
    guarded = insertion(table)
    triggers.release()
    connection.close()
    assert insertion(table) == guarded
