"""Slips of one line that no other test would notice: orders of locks, reasons, transfers and days."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import bind_card, suspect_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.intake.apply import reapply
from cloud_sync.ledger.points import corrections
from cloud_sync.ledger.points.accounts import accounts_of
from cloud_sync.ledger.points.corrections import correct
from cloud_sync.ledger.points.held import Expired, expire
from cloud_sync.ledger.points.models import Account, Card, ChainHead, Household, Transfer, VisitSettlement
from cloud_sync.ledger.points.posting import ChainEnd, Movement, Purpose, atomically, lock, origin_of, post
from cloud_sync.ledger.settling.rules import add_rules
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.ledger.stations.models import Alarm, Community, Event
from cloud_sync.rules.award_rules import Award, HeldBy, Line, Outcome, settle
from cloud_sync.wire.facts import Stamp
from tests.engines import BOTH
from tests.ledger.town import HAZARDOUS, NOW, RIGHT, Town, card, event, rules, stamp, visit_facts

pytestmark = BOTH
DAY = timedelta(days=1)


@pytest.fixture
def household(town: Town) -> Household:
    """A household with one card."""
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    return household


def test_a_visit_beyond_the_limit_waits_for_that_even_if_its_card_is_suspected() -> None:
    """A suspicion ends by itself after a week; what a stolen key minted must not be given by that."""
    earned = Award((Line(Outcome.RIGHT, 5, 5),))
    held = settle(5, earned, bound=True, suspected=True, mintable=4)
    assert (held.held, held.held_by) == (5, HeldBy.MINT_LIMIT)
    assert settle(5, earned, bound=True, suspected=True, mintable=5).held_by == HeldBy.CHEATING


def test_what_is_posted_twice_under_one_lock_is_one_chain(town: Town, household: Household) -> None:
    town.deliver(event(1, visit_facts(1, HAZARDOUS, provisional=5)))
    (award,) = Transfer.objects.all()
    accounts = accounts_of(town.community, {household.pk})

    @atomically
    def twice() -> None:
        end = lock(town.community)
        for purpose, debit, credit in (
            (Purpose.HOLD, accounts.issuing, accounts.suspense),
            (Purpose.RETURN, accounts.suspense, accounts.issuing),
        ):
            post(end, [Movement(origin_of(award.event), purpose, debit, credit, 1)], NOW)
        head = ChainHead.objects.get(community=town.community)
        assert (end.position, end.chain) == (head.position, bytes(head.chain))

    twice()
    assert list(Transfer.objects.order_by("pk").values_list("position", flat=True)) == [1, 2, 3]


def test_waits_of_both_kinds_that_end_at_once_end_in_one_chain(town: Town, household: Household) -> None:
    suspect_card(Card.objects.get(hash=card(1)), "officer Li", "two places at once", NOW)
    town.deliver(
        event(1, visit_facts(1, RIGHT, provisional=2)), event(2, visit_facts(9, RIGHT, provisional=2))
    )
    assert expire(town.community, town.wait(91 * DAY)) == Expired(given=2, returned=2)
    assert town.balance(household) == 2
    assert verify().ok, verify().problems


def test_a_correction_takes_what_is_there_once_it_has_the_lock(
    town: Town, household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever had the lock before may have moved the household's points."""
    town.deliver(event(1, visit_facts(1, HAZARDOUS, provisional=5)))
    award = Transfer.objects.get(purpose=Purpose.AWARD)
    account = Account.objects.get(household=household)

    def lock_after_another(community: Community) -> ChainEnd:
        end = lock(community)
        issuing = accounts_of(community).issuing
        post(end, [Movement(origin_of(award.event), Purpose.OFFSET, account.pk, issuing, 4)], NOW)
        return lock(community)

    monkeypatch.setattr(corrections, "lock", lock_after_another)
    corrected = correct(award, "officer Li", "the photo was another's", NOW)
    assert corrected.taken == 1
    assert corrected.debt is not None
    assert corrected.debt.points == 4
    assert town.balance(household) == 0


def test_points_that_are_applied_later_count_against_the_limit_and_raise_its_alarm(
    town: Town, household: Household
) -> None:
    town.station("east-gate")
    town.limit(4)
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=5, rules=2)))
    Alarm.objects.all().delete()
    add_rules(town.community, rules(2, right=5))
    assert reapply(Event.objects.get(), NOW + DAY)
    assert VisitSettlement.objects.get().held_by == HeldBy.MINT_LIMIT
    assert [alarm.reason for alarm in Alarm.objects.all()] == [Cause.MINT_LIMIT]
    assert town.balance(household) == 0


def test_a_visit_whose_day_is_only_guessed_narrows_no_later_ones_days(
    town: Town, household: Household
) -> None:
    """Each of the two may have been on any day since the last sure one, so each gets the day that pays it."""

    def unsure(boot: str) -> Stamp:
        return structs.replace(stamp(trusted=False), boot=boot)

    full_day = [RIGHT] * 12
    town.deliver(event(1, visit_facts(5, RIGHT, provisional=2), at=stamp(NOW - 3 * DAY)), now=NOW - 3 * DAY)
    for sequence in (2, 3, 4):
        facts = visit_facts(1, *full_day, provisional=24)
        town.deliver(event(sequence, facts, at=unsure(f"boot {sequence}")), now=NOW)
    rows = VisitSettlement.objects.filter(timed="bounded").order_by("event__sequence")
    assert [row.settled for row in rows] == [24, 24, 24]
    assert len({row.local_day for row in rows}) == 3
    assert town.balance(household) == 72
