"""A ledger of the first version, brought up to date with what it holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps
from django.db.models import Model

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.db import triggers
from cloud_sync.ledger.points.models import Transfer, VisitSettlement
from tests.engines import BOTH
from tests.ledger.town import NOW, RIGHT, Town, card, event, rules, visit_facts

pytestmark = BOTH
FIRST = [("points", "0001_initial"), ("stations", "0001_initial")]
OURS = sorted(one.label for one in apps.get_app_configs() if one.name.startswith("cloud_sync.ledger."))


def latest() -> list[tuple[str, str]]:
    """The last step of each app of the ledger."""
    steps: list[tuple[str, str]] = MigrationExecutor(connection).loader.graph.leaf_nodes()
    return steps


def migrate(to: list[tuple[str, str]]) -> StateApps:
    executor = MigrationExecutor(connection)
    executor.migrate(to)
    state: StateApps = executor.loader.project_state(to).apps
    return state


@pytest.fixture
def first_version(town: Town) -> Iterator[StateApps]:
    """The models of the first version over an empty ledger."""
    assert town.community.pk
    triggers.release()
    connection.close()
    with connection.cursor() as cursor:
        for table in (
            "audit_auditentry",
            "ledger_downlink_published",
            "points_record",
            "points_chainhead",
            "points_account",
            "points_rules",
            "stations_community",
        ):
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 (constants)
        for table in connection.introspection.table_names():
            if table.startswith(tuple(f"{label}_" for label in OURS)):
                words = "CASCADE" if connection.vendor == "postgresql" else ""
                cursor.execute("PRAGMA foreign_keys=OFF" if not words else "SELECT 1")
                cursor.execute(f'DROP TABLE "{table}" {words}')
        names = ", ".join(f"'{label}'" for label in OURS)
        cursor.execute(f"DELETE FROM django_migrations WHERE app IN ({names})")  # noqa: S608 (constants)
    connection.close()
    yield migrate(FIRST)
    connection.close()


def manager(model: type[Model]) -> Any:  # noqa: ANN401 (of a historical model, whose fields no type knows)
    return model._default_manager  # noqa: SLF001 (Django's documented name)


def settled(apps: StateApps, count: int) -> None:
    """Visits as the first version stored them: half of them held."""
    models: dict[str, Any] = {model.__name__: manager(model) for model in apps.get_models()}
    community = models["Community"].create(slug="sunny-garden", name_zh="甲", name_en="Sunny", timezone="UTC")
    station = models["Station"].create(community=community, slug="old-gate")
    household = models["Household"].create(community=community, code="1")
    models["Card"].create(community=community, hash=card(0), household=household)
    models["Rules"].create(community=community, version=1, body=msgspec.json.encode(rules(1), order="sorted"))
    issuing = models["Account"].create(community=community, kind="issuing", balance=-2 * count)
    suspense = models["Account"].create(community=community, kind="suspense", balance=count)
    account = models["Account"].create(
        community=community, kind="household", household=household, balance=count
    )
    models["Epoch"].create(station=station, epoch="00000000000000aa", through=count, updated=NOW)
    for number in range(1, count + 1):
        held = number % 2
        body = event(number, visit_facts(held, RIGHT, provisional=2))
        sent = models["Event"].create(
            station=station,
            epoch="00000000000000aa",
            sequence=number,
            kind="visit",
            body=body,
            digest=hashlib.sha256(body).hexdigest(),
            received_at=NOW,
            state="applied",
        )
        models["VisitSettlement"].create(
            event=sent,
            community=community,
            card_hash=card(held),
            household=None if held else household,
            happened_at=NOW,
            local_day=NOW.date(),
            provisional=2,
            settled=0 if held else 2,
            held=2 if held else 0,
            lowered=0,
            held_by="unknown_card" if held else "",
            counted=1,
        )
        models["Transfer"].create(
            id=f"{number:064x}",
            debit=issuing,
            credit=suspense if held else account,
            points=2,
            event=sent,
            purpose="hold" if held else "award",
            created_at=NOW,
        )


def test_its_transfers_are_chained_in_their_order_and_what_waits_is_dated(first_version: StateApps) -> None:
    settled(first_version, 6)
    migrate(latest())
    triggers.guard()  # as an upgrade does
    audit = verify()
    assert audit.ok, audit.problems
    assert (audit.transfers, audit.settled, audit.held) == (6, 6, 6)
    rows = Transfer.objects.order_by("position").values_list("position", "event__sequence")
    assert list(rows) == [(number, number) for number in range(1, 7)]
    assert {row.held_since for row in VisitSettlement.objects.filter(held__gt=0)} == {NOW}


def test_a_migration_that_breaks_off_has_changed_nothing(
    first_version: StateApps, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(first_version, 4)
    with monkeypatch.context() as patched:
        patched.setattr("cloud_sync.ledger.chain.chain.link", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            migrate(latest())
    migrate(latest())
    triggers.guard()  # as an upgrade does
    assert verify().ok, verify().problems


def test_a_broken_reference_fails_at_its_own_statement(town: Town) -> None:
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    statement = "UPDATE points_visitsettlement SET household_id = 987654"
    with transaction.atomic(), connection.cursor() as cursor:
        with pytest.raises(IntegrityError), transaction.atomic():
            cursor.execute(statement)
        cursor.execute("SELECT 1")
    assert verify().ok
