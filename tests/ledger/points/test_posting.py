"""Transactions that give way to others, and a database that is away for a while."""

from __future__ import annotations

from contextlib import nullcontext
from threading import Barrier, Thread

import pytest
from django.db import OperationalError, connection

from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.intake.apply import apply_batch
from cloud_sync.ledger.points.models import Household
from cloud_sync.ledger.points.posting import TRIES, atomically
from tests.engines import BOTH, ON_POSTGRES
from tests.ledger.town import NOW, RIGHT, Town, event, visit_facts
from tests.postgres import Postgres
from tests.waiting import WITHIN_S


class GaveWayError(Exception):
    """An error as PostgreSQL's driver raises it."""

    sqlstate = "40001"


def failing(times: int, cause: Exception) -> list[int]:
    """Run a change that fails `times` times first; return how often it was begun."""
    begun: list[int] = []

    @atomically
    def change() -> None:
        begun.append(len(begun))
        if len(begun) <= times:
            raise OperationalError("could not serialize access") from cause

    with pytest.raises(OperationalError) if times >= TRIES else nullcontext():
        change()
    return begun


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("times", "begun"), [(0, 1), (2, 3), (TRIES, TRIES), (99, TRIES)])
def test_a_transaction_that_gave_way_is_retried_a_few_times(times: int, begun: int) -> None:
    assert len(failing(times, GaveWayError())) == begun


@pytest.mark.usefixtures("database")
def test_other_failures_are_not_retried() -> None:
    with pytest.raises(OperationalError):
        failing(1, OSError("disk full"))


class TestOnPostgres:
    pytestmark = ON_POSTGRES

    def test_two_deadlocked_transactions_both_succeed(self, town: Town) -> None:
        names = [add_household(town.community, code).code for code in ("1", "2")]
        meet = Barrier(2)
        begun: list[str] = []

        @atomically
        def rename(first: str, second: str) -> None:
            begun.append(first)
            Household.objects.filter(code=first).update(name=first)
            if begun.count(first) == 1:
                meet.wait(timeout=WITHIN_S)
            Household.objects.filter(code=second).update(name=first)

        def work(*codes: str) -> None:
            try:
                rename(*codes)
            finally:
                connection.close()

        workers = [Thread(target=work, args=order) for order in (names, names[::-1])]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        # The one that gave way may be back before the other has woken, and then they meet once more.
        assert len(begun) >= 3
        assert len(set(Household.objects.values_list("name", flat=True))) == 1

    def test_a_server_that_was_restarted_is_found_again(self, town: Town, postgres: Postgres) -> None:
        sent = [town.seal(event(number, visit_facts(1, RIGHT, provisional=2))) for number in (1, 2)]
        assert apply_batch(sent[0], "sunny-garden", "east-gate", NOW)
        postgres.stop()
        postgres.start()
        with pytest.raises(OperationalError):
            apply_batch(sent[1], "sunny-garden", "east-gate", NOW)
        connection.close_if_unusable_or_obsolete()
        applied = apply_batch(sent[1], "sunny-garden", "east-gate", NOW)
        assert applied is not None
        assert applied.receipt.epochs[0].through == 2


class TestOnBoth:
    pytestmark = BOTH

    def test_references_are_checked_at_once_on_either_engine(self, town: Town) -> None:
        assert town.community.pk
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND condeferrable")
            else:
                cursor.execute("SELECT count(*) FROM sqlite_master WHERE sql LIKE '%DEFERRABLE%'")
            assert cursor.fetchone()[0] == 0
