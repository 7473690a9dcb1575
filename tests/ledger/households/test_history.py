"""A household's transfers: all of them, found without reading everybody's."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Q

from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.history import transfers_of, ways
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.points.corrections import correct
from cloud_sync.ledger.points.held import refuse, release
from cloud_sync.ledger.points.models import Account, Household, Transfer, VisitSettlement
from cloud_sync.ledger.points.posting import Purpose
from tests.engines import BOTH
from tests.ledger.town import HAZARDOUS, NOW, RIGHT, Town, card, event, visit_facts

pytestmark = BOTH


@pytest.fixture
def household(town: Town) -> Household:
    """One with transfers of every purpose, beside a neighbour with some."""
    ours, neighbour = (add_household(town.community, code) for code in ("3-2-501", "3-2-502"))
    bind_card(ours, card(1), NOW)
    bind_card(neighbour, card(2), NOW)
    town.deliver(*(event(number, visit_facts(number, HAZARDOUS, provisional=5)) for number in (1, 2, 3)))
    bind_card(ours, card(3), NOW)
    Account.objects.filter(household=ours).update(balance=2)  # gifts come later: past the ledger
    correct(Transfer.objects.get(event__sequence=1), "Li", "another's photo", NOW)
    town.community.stations.update(daily_mint_limit=0)
    town.deliver(*(event(number, visit_facts(1, RIGHT, provisional=2)) for number in (4, 5)), now=NOW)
    let_go, withheld = VisitSettlement.objects.filter(held_by="mint_limit").order_by("pk")
    release(let_go, "Li", "the sensor was checked", NOW)
    refuse(withheld, "Li", "a joke", NOW)
    return ours


def test_it_has_what_a_look_at_every_transfer_finds(household: Household) -> None:
    account = Account.objects.get(household=household).pk
    every = Transfer.objects.filter(Q(debit=account) | Q(credit=account)).order_by("position")
    assert transfers_of(household, account) == list(every)
    assert {row.purpose for row in every} == {
        *(Purpose.AWARD, Purpose.RELEASE, Purpose.CORRECTION, Purpose.OFFSET)
    }


def test_no_table_of_everybodys_visits_is_read_from_end_to_end(household: Household) -> None:
    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if postgres:  # it reads a table of a few rows whole, unless that is the only way
            cursor.execute("SET enable_seqscan = off")
    for rows in ways(household):
        plan = rows.explain()
        assert "transfer" in plan
        for table in ("points_transfer", "points_visitsettlement", "stations_event"):
            assert f"Seq Scan on {table}" not in plan
            assert f"SCAN {table}" not in plan
