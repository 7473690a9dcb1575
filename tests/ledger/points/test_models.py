"""What the database itself forbids, so that no later code can do it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.points.accounts import open_accounts
from cloud_sync.ledger.points.models import (
    Account,
    AccountKind,
    ImmutableError,
    Transfer,
    VisitSettlement,
)
from cloud_sync.ledger.points.posting import Movement, Purpose, lock, origin_of, post
from cloud_sync.ledger.stations.models import Epoch, Event, EventState, Station
from tests.ledger.town import NOW, RIGHT, Town, event, visit_facts


@pytest.fixture
def held(town: Town) -> Town:
    """Deliver one visit of an unknown card: one event, one transfer of 2 points, one settlement."""
    add_household(town.community, "1-1-101")
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    return town


@pytest.mark.usefixtures("database")
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.usefixtures("database")
def test_the_database_is_durable_and_waits_for_other_writers() -> None:
    with connection.cursor() as cursor:
        pragmas = {}
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout"):
            cursor.execute(f"PRAGMA {name}")
            pragmas[name] = cursor.fetchone()[0]
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 20_000}


def settlement_with(**fields: object) -> Callable[[], object]:
    return lambda: VisitSettlement.objects.update(**fields)


FORBIDDEN: dict[str, Callable[[], object]] = {
    "a household below zero": lambda: Account.objects.filter(kind="household").update(balance=-1),
    "suspense below zero": lambda: Account.objects.filter(kind="suspense").update(balance=-1),
    "a household's account without a household": lambda: Account.objects.create(
        community=Account.objects.first().community,  # type: ignore[union-attr]
        kind=AccountKind.HOUSEHOLD,
    ),
    "a second issuing account": lambda: Account.objects.create(
        community=Account.objects.first().community,  # type: ignore[union-attr]
        kind=AccountKind.ISSUING,
    ),
    "a settlement that does not add up": settlement_with(provisional=3),
    "a negative part": settlement_with(held=3, lowered=-1, lowered_by="staff"),
    "lowered without a reason": settlement_with(held=0, held_by="", lowered=2),
    "a reason without lowering": settlement_with(lowered_by="staff"),
    "held without a reason": settlement_with(held_by=""),
    "settled to nobody": settlement_with(settled=2, held=0, held_by=""),
    "an event twice": lambda: again(Event.objects.get()),
    "an event before the first": lambda: again(Event.objects.get(), sequence=0),
    "a refusal without a reason": lambda: Event.objects.update(state=EventState.REFUSED),
    "an epoch twice": lambda: again(Epoch.objects.get()),
    "a transfer of nothing": lambda: move(points=0),
    "a transfer of less than nothing": lambda: move(points=-2),
    "a transfer to oneself": lambda: move(credit=Account.objects.get(kind="issuing").pk),
    "the same transfer twice": lambda: move(purpose=Purpose.HOLD),
}


def again(row: Event | Epoch, **others: int) -> None:
    row.pk = None
    for name, value in others.items():
        setattr(row, name, value)
    row.save(force_insert=True)


def move(*, points: int = 2, credit: int | None = None, purpose: Purpose = Purpose.AWARD) -> None:
    event = Event.objects.select_related("station__community").get()
    debit = Account.objects.get(kind="issuing").pk
    to = credit or Account.objects.get(kind="household").pk
    head = lock(event.station.community)
    post(head, [Movement(origin_of(event), purpose, debit, to, points)], NOW)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_database_forbids(held: Town, what: str) -> None:
    before = held.balances
    with pytest.raises(IntegrityError), transaction.atomic():
        FORBIDDEN[what]()
    assert held.balances == before


IMMUTABLE: dict[str, Callable[[Transfer], object]] = {
    "save": lambda row: row.save(),
    "save of one field": lambda row: row.save(update_fields=["points"]),
    "delete": lambda row: row.delete(),
    "update": lambda _: Transfer.objects.update(points=3),
    "update of some": lambda row: Transfer.objects.filter(pk=row.pk).update(points=3),
    "bulk update": lambda row: Transfer.objects.bulk_update([row], ["points"]),
    "delete of all": lambda _: Transfer.objects.all().delete(),
    "update by an account": lambda row: row.credit.credits.update(points=3),
}


@pytest.mark.parametrize("how", IMMUTABLE)
def test_a_transfer_cannot_be_changed_or_removed(held: Town, how: str) -> None:
    row = Transfer.objects.get()
    row.points = 3
    with pytest.raises(ImmutableError):
        IMMUTABLE[how](row)
    assert Transfer.objects.get().points == held.suspense == 2


def test_a_transfer_is_not_removed_with_the_rows_it_refers_to(held: Town) -> None:
    for row in (Event.objects.get(), Account.objects.get(kind="suspense"), Station.objects.get()):
        with pytest.raises(ProtectedError):
            row.delete()
    assert held.suspense == 2


def test_opening_a_communitys_accounts_twice_creates_them_once(held: Town) -> None:
    before = held.balances
    open_accounts(held.community)
    assert held.balances == before
