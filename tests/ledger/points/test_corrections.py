"""Corrections: what they take, what becomes a debt, and how a debt ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import translation

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.points.corrections import correct, forgive
from cloud_sync.ledger.points.models import Account, Debt, DebtPart, Household, Transfer
from cloud_sync.ledger.points.posting import Purpose
from cloud_sync.ledger.statement.page import Statement, make_statement
from config.errors import InputError
from tests.engines import BOTH
from tests.ledger.town import HAZARDOUS, NOW, RIGHT, Town, card, event, visit_facts

pytestmark = BOTH
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def household(town: Town) -> Household:
    """A household with 5 points from one visit."""
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    town.deliver(event(1, visit_facts(1, HAZARDOUS, provisional=5)))
    return household


def spend(household: Household, points: int) -> None:
    """Spend points by editing the balance: the ledger has no gifts yet."""
    Account.objects.filter(household=household).update(balance=5 - points)
    Account.objects.filter(kind="suspense").update(balance=points)


def english(household: Household) -> Statement:
    with translation.override("en"):
        return make_statement(household, LATER)


def the_award() -> Transfer:
    return Transfer.objects.get(purpose=Purpose.AWARD)


def test_a_correction_takes_unspent_points_back_by_a_new_transfer(town: Town, household: Household) -> None:
    corrected = correct(the_award(), "officer Li", "the photo was another's", LATER)
    assert (corrected.taken, corrected.debt) == (5, None)
    assert (town.balance(household), town.balances["issuing sunny-garden"]) == (0, 0)
    reversal = Transfer.objects.get(purpose=Purpose.CORRECTION)
    assert reversal.reverses == the_award()
    assert str(reversal.decision) == "officer Li: the photo was another's"
    assert verify().ok, verify().problems


def test_spent_points_become_a_debt_that_the_next_points_pay(town: Town, household: Household) -> None:
    spend(household, 4)
    corrected = correct(the_award(), "officer Li", "the photo was another's", LATER)
    assert corrected.taken == 1
    assert corrected.debt is not None
    assert (corrected.debt.points, corrected.debt.left) == (4, 4)
    town.deliver(
        event(2, visit_facts(1, RIGHT, provisional=2)), event(3, visit_facts(1, RIGHT, provisional=2))
    )
    assert town.balance(household) == 0
    assert Debt.objects.get().left == 0
    assert [part.points for part in DebtPart.objects.order_by("pk")] == [2, 2]
    town.deliver(event(4, visit_facts(1, RIGHT, provisional=2)))
    assert town.balance(household) == 2
    assert [row.points for row in Transfer.objects.filter(purpose=Purpose.OFFSET)] == [2, 2]


def test_one_award_pays_several_debts_oldest_first(town: Town, household: Household) -> None:
    town.deliver(event(2, visit_facts(1, RIGHT, provisional=2)))
    spend(household, 5)
    for award in Transfer.objects.filter(purpose=Purpose.AWARD).order_by("position"):
        assert correct(award, "officer Li", "a copied card", LATER).taken == 0
    town.deliver(event(3, visit_facts(1, HAZARDOUS, RIGHT, provisional=7)))
    assert [(debt.points, debt.left) for debt in Debt.objects.order_by("pk")] == [(5, 0), (2, 0)]
    assert Transfer.objects.get(purpose=Purpose.OFFSET).points == 7
    assert town.balance(household) == 0


def test_released_points_pay_a_debt_too(town: Town, household: Household) -> None:
    town.deliver(event(2, visit_facts(2, RIGHT, provisional=2)))
    Account.objects.filter(household=household).update(balance=0)
    Account.objects.filter(kind="issuing").update(balance=-2)
    correct(the_award(), "officer Li", "a copied card", LATER)
    assert bind_card(household, card(2), LATER) == 2
    assert (Debt.objects.get().left, town.balance(household)) == (3, 0)


def test_a_debt_may_be_forgiven_once(town: Town, household: Household) -> None:
    spend(household, 4)
    debt = correct(the_award(), "officer Li", "the photo was another's", LATER).debt
    assert debt is not None
    assert forgive(debt, "officer Wang", "our mistake", LATER) == 4
    with pytest.raises(InputError, match="is settled"):
        forgive(debt, "officer Wang", "again", LATER)
    town.deliver(event(2, visit_facts(1, RIGHT, provisional=2)))
    assert town.balance(household) == 2
    assert not Transfer.objects.filter(purpose=Purpose.OFFSET).exists()


def test_a_transfer_is_corrected_only_once(household: Household) -> None:
    spend(household, 5)
    correct(the_award(), "officer Li", "a copied card", LATER)
    with pytest.raises(InputError, match="was corrected before"):
        correct(the_award(), "officer Li", "a copied card", LATER)
    assert household.debts.count() == 1


@pytest.mark.usefixtures("household")
def test_a_transfer_that_gave_no_household_points_cannot_be_corrected(town: Town) -> None:
    town.deliver(event(2, visit_facts(9, RIGHT, provisional=2)))
    with pytest.raises(InputError, match="gave no household any points"):
        correct(Transfer.objects.get(purpose=Purpose.HOLD), "officer Li", "why not", LATER)


@pytest.mark.parametrize(("by", "reason"), [("", "why"), ("who", " "), ("who", "x" * 201), ("a\nb", "why")])
@pytest.mark.usefixtures("household")
def test_a_decision_says_who_and_why_in_a_line(by: str, reason: str) -> None:
    with pytest.raises(InputError, match="cannot be used"):
        correct(the_award(), by, reason, LATER)
    assert Transfer.objects.count() == 1


def test_the_statement_explains_each_line_and_the_lines_add_up_to_the_balance(
    town: Town, household: Household
) -> None:
    Account.objects.filter(household=household).update(balance=1)
    correct(the_award(), "officer Li", "the photo was another's", LATER)
    Account.objects.filter(household=household).update(balance=0)
    statement = english(household)
    assert "still owes 4 points" in statement.owed
    town.deliver(event(2, visit_facts(1, RIGHT, provisional=2)), now=LATER)
    forgive(Debt.objects.get(), "officer Wang", "our mistake", LATER)
    statement = english(household)
    (day,) = statement.days
    told = {line.words: line.points for line in day.movements}
    assert told == {
        "The office took back points: the photo was another's": -1,
        "Used for points your home owed": -2,
        "The office waived points your home owed: our mistake": 0,
    }
    assert [visit.points for visit in day.visits] == [2, 5]
    spent = 4
    assert sum(told.values()) + sum(visit.points for visit in day.visits) - spent == statement.balance
    assert statement.owed == ""
