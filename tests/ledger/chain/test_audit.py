from __future__ import annotations

import pytest
from django.db import connection

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.db import triggers
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.points.models import Transfer
from tests.ledger.town import HAZARDOUS, NOW, RIGHT, Town, card, event, visit_facts


@pytest.fixture
def busy_town(town: Town) -> Town:
    """Settled, held, lowered and released points."""
    for number in (1, 2, 3):
        bind_card(add_household(town.community, f"1-1-10{number}"), card(number), NOW)
    town.deliver(
        event(1, visit_facts(1, RIGHT, HAZARDOUS, provisional=7)),
        event(2, visit_facts(2, RIGHT, provisional=5)),
        event(3, visit_facts(8, RIGHT, provisional=2)),
        event(4, visit_facts(9, HAZARDOUS, provisional=5)),
    )
    bind_card(add_household(town.community, "1-1-109"), card(9), NOW)
    return town


def raw(statement: str) -> None:
    """Change rows past our code and all constraints, as a person with SQL could."""
    triggers.release()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints=ON")
        cursor.execute("PRAGMA foreign_keys=OFF")
        cursor.execute(statement)


@pytest.mark.usefixtures("database")
def test_an_empty_ledger_is_in_order() -> None:
    assert verify().as_json() == {
        "ok": True,
        "transfers": 0,
        "sum": 0,
        "duplicates": 0,
        "settled": 0,
        "held": 0,
        "lowered": 0,
    }
    assert verify().as_json(heads=True)["heads"] == {"sunny-garden": ""}


def test_a_ledger_at_work_is_in_order(busy_town: Town) -> None:
    audit = verify()
    assert audit.ok, audit.problems
    assert (audit.transfers, audit.settled, audit.held, audit.lowered) == (5, 14, 2, 3)
    assert busy_town.suspense == 2


TAMPERED: dict[str, tuple[str, str]] = {
    "a balance that was raised": (
        "UPDATE points_account SET balance = balance + 5 WHERE household_id = 1",
        "(household 1-1-101) holds 12, its transfers come to 7",
    ),
    "two balances that were shifted against each other": (
        "UPDATE points_account SET balance = balance + household_id * 10 - 25 WHERE household_id IN (1, 4)",
        "(household 1-1-101) holds -8, its transfers come to 7",
    ),
    "a transfer that was deleted": (
        "DELETE FROM points_transfer WHERE purpose = 'award' AND points = 7",
        "its transfers say otherwise",
    ),
    "a transfer whose points were raised": (
        "UPDATE points_transfer SET points = 9 WHERE points = 7",
        "holds 7, its transfers come to 9",
    ),
    "a transfer that was led to a neighbour": (
        "UPDATE points_transfer SET credit_id = credit_id + 1 WHERE points = 7",
        "went to another household than its visit's",
    ),
    "a settlement that was raised": (
        "UPDATE points_visitsettlement SET settled = 9, provisional = 9 WHERE settled = 7",
        "settled 9 and holds 0, its transfers say otherwise",
    ),
    "a settlement that does not add up": (
        "UPDATE points_visitsettlement SET provisional = 100 WHERE settled = 7",
        "does not add up to 100",
    ),
    "a settlement that was deleted": (
        "DELETE FROM points_visitsettlement WHERE settled = 7",
        "was never settled",
    ),
    "an account below zero": (
        "UPDATE points_account SET balance = -1 WHERE household_id = 3",
        "is below zero: -1",
    ),
    "an account of an old backup": (
        "UPDATE points_account SET balance = 0 WHERE kind = 'issuing'",
        "all accounts together hold 16, not 0",
    ),
}


@pytest.mark.parametrize("how", TAMPERED)
@pytest.mark.usefixtures("busy_town")
def test_each_kind_of_tampering_is_named(how: str) -> None:
    statement, line = TAMPERED[how]
    raw(statement)
    audit = verify()
    assert not audit.ok
    assert any(line in problem for problem in audit.problems), audit.problems


@pytest.mark.usefixtures("busy_town")
def test_a_row_written_past_the_triggers_by_sqlites_replace_breaks_the_chain() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM points_transfer LIMIT 0")
        names = [column[0] for column in cursor.description]
        values = ", ".join("9" if name == "points" else name for name in names)
        cursor.execute(f"REPLACE INTO points_transfer SELECT {values} FROM points_transfer WHERE points = 7")  # noqa: S608 (constants)
    assert "breaks at transfer" in verify().problems[0]


def without(table: str, constraint: str) -> str:
    """Return the SQL definition of a table without one constraint."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [table])
        definition: str = cursor.fetchone()[0]
    begin = definition.index(f', CONSTRAINT "{constraint}"')
    end = definition.index(")", begin) + 1
    return definition[:begin] + definition[end:]


@pytest.mark.parametrize(
    ("table", "constraint", "changed"),
    [
        ("points_transfer", "transfer_once_for_a_purpose", {"id": "1000", "position": "1000"}),
        ("stations_event", "event_identity", {"id": "1000"}),
    ],
)
@pytest.mark.usefixtures("busy_town")
def test_a_duplicate_let_in_by_a_dropped_constraint_is_counted(
    table: str, constraint: str, changed: dict[str, str]
) -> None:
    definition = without(table, constraint)
    raw(f"ALTER TABLE {table} RENAME TO old")
    raw(definition)
    raw(f"INSERT INTO {table} SELECT * FROM old")  # noqa: S608 (the names are this test's own)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608
        columns = [column[0] for column in cursor.description]
    values = ", ".join(changed.get(name, name) for name in columns)
    raw(f"INSERT INTO {table} SELECT {values} FROM old LIMIT 1")  # noqa: S608
    audit = verify()
    assert audit.duplicates == 1
    assert any("twice" in problem for problem in audit.problems)


def test_only_the_first_of_many_similar_problems_are_named(town: Town) -> None:
    town.deliver(*(event(number, visit_facts(1, RIGHT, provisional=2)) for number in range(1, 9)))
    raw("DELETE FROM points_transfer")
    lines = [line for line in verify().problems if "say otherwise" in line]
    assert len(lines) == 3
    assert any("and 5 more of the same" in line for line in verify().problems)
    assert not Transfer.objects.exists()
