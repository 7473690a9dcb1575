"""Held points: what they wait for, how long, and how the wait ends."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import translation

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import bind_card, clear_card, suspect_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.points.corrections import correct
from cloud_sync.ledger.points.held import Expired, expire, refuse, release
from cloud_sync.ledger.points.models import Card, Household, Minted, Transfer, VisitSettlement, Withdrawn
from cloud_sync.ledger.points.posting import Purpose
from cloud_sync.ledger.statement.page import make_statement
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.ledger.stations.models import Alarm
from cloud_sync.rules.award_rules import HeldBy
from config.errors import InputError
from tests.engines import BOTH
from tests.ledger.town import HAZARDOUS, NOW, RIGHT, Town, card, epoch_of, event, stamp, visit_facts

pytestmark = BOTH
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def household(town: Town) -> Household:
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    return household


def suspected(number: int = 1) -> Card:
    found = Card.objects.select_related("community").get(hash=card(number))
    suspect_card(found, "officer Li", "two places at once", NOW)
    return found


def the_visit() -> VisitSettlement:
    return VisitSettlement.objects.get()


def test_an_unknown_cards_points_return_to_issuing_after_90_days(town: Town) -> None:
    town.deliver(event(1, visit_facts(8, RIGHT, provisional=2)))
    late = town.wait(90 * DAY - SECOND)
    assert not expire(town.community, late)
    assert expire(town.community, town.wait(SECOND, late)) == Expired(returned=2)
    row = the_visit()
    assert (row.settled, row.held, row.lowered, row.withdrawn, row.withdrawn_by) == (0, 0, 2, 2, "expired")
    assert (town.suspense, town.balances["issuing sunny-garden"]) == (0, 0)
    assert not expire(town.community, town.wait(900 * DAY))
    assert verify().ok, verify().problems


def returned(town: Town) -> datetime:
    """Let the points of card 8 expire because nobody bound it; return when that was."""
    town.deliver(event(1, visit_facts(8, RIGHT, provisional=2)))
    late = town.wait(91 * DAY)
    assert expire(town.community, late) == Expired(returned=2)
    return late


def test_a_card_bound_after_its_points_expired_still_gets_them(town: Town) -> None:
    late = returned(town)
    household = add_household(town.community, "3-2-501", "", late)
    assert bind_card(household, card(8), late) == 2
    assert (town.balance(household), town.suspense) == (2, 0)
    back, again = Transfer.objects.order_by("position")[1:]
    assert (again.purpose, again.reverses, back.purpose) == (Purpose.RESTORE, back, Purpose.RETURN)
    row = the_visit()
    assert (row.settled, row.lowered, row.withdrawn, row.withdrawn_by) == (2, 0, 0, "")
    with translation.override("en"):
        later, earlier = make_statement(household, late).days
    assert [(line.points, line.words) for line in later.movements] == [
        (2, "Points that had gone back are yours now, with your card")
    ]
    assert (earlier.visits[0].points, len(earlier.visits[0].notes)) == (0, 1)
    assert bind_card(household, card(8), late) == 0
    assert verify().ok, verify().problems


def test_restored_points_can_be_corrected_like_any_others(town: Town) -> None:
    late = returned(town)
    household = add_household(town.community, "3-2-501", "", late)
    bind_card(household, card(8), late)
    again = Transfer.objects.get(purpose=Purpose.RESTORE)
    assert correct(again, "officer Li", "the wrong home", late).taken == 2
    assert town.balance(household) == 0
    assert verify().ok, verify().problems


def test_a_suspected_card_gets_back_what_expired_once_it_is_cleared(town: Town) -> None:
    late = returned(town)
    household = add_household(town.community, "3-2-501", "", late)
    found = suspected(8)
    assert bind_card(household, card(8), late) == 0
    found.refresh_from_db()
    clear_card(found, "officer Li", "it was the twin sister", late)
    assert town.balance(household) == 2
    assert verify().ok, verify().problems


def test_no_calendar_ends_a_wait_before_the_ledger_has_run_that_long(town: Town) -> None:
    town.deliver(event(1, visit_facts(8, RIGHT, provisional=2)))
    assert not expire(town.community, NOW + 100 * DAY)
    town.wait(90 * DAY)
    assert not expire(town.community, NOW - 100 * DAY)
    assert expire(town.community, NOW + 90 * DAY) == Expired(returned=2)


def test_a_suspected_cards_points_wait_a_week_and_then_go_to_the_resident(
    town: Town, household: Household
) -> None:
    suspected()
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    assert (the_visit().held_by, town.balance(household)) == (HeldBy.CHEATING, 0)
    late = town.wait(7 * DAY - SECOND)
    assert not expire(town.community, late)
    assert expire(town.community, town.wait(SECOND, late)) == Expired(given=2)
    assert town.balance(household) == 2


def test_a_person_may_decide_sooner(town: Town, household: Household) -> None:
    suspected()
    town.deliver(*(event(number, visit_facts(1, RIGHT, provisional=2)) for number in (1, 2)))
    first, second = VisitSettlement.objects.order_by("event_id")
    assert release(first, "officer Li", "it was the twin sister", NOW + DAY) == 2
    assert refuse(second, "officer Li", "it was a copy", NOW + DAY) == 2
    assert (town.balance(household), town.suspense) == (2, 0)
    second.refresh_from_db()
    assert (second.lowered, second.withdrawn_by) == (2, Withdrawn.REFUSED)
    for row in (first, second):
        with pytest.raises(InputError, match="holds no points"):
            release(row, "officer Li", "again", NOW)
    decided = Transfer.objects.filter(decision__isnull=False).order_by("position")
    assert [(row.purpose, row.decision.reason) for row in decided if row.decision] == [
        (Purpose.RELEASE, "it was the twin sister"),
        (Purpose.RETURN, "it was a copy"),
    ]
    assert verify().ok, verify().problems


def test_a_card_that_was_cleared_earns_at_once_again(town: Town, household: Household) -> None:
    clear_card(suspected(), "officer Li", "it was the twin sister", NOW)
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    assert town.balance(household) == 2


def test_a_suspected_card_without_a_household_waits_for_both(town: Town, household: Household) -> None:
    town.deliver(event(1, visit_facts(8, RIGHT, provisional=2)))
    suspected(8)
    assert bind_card(household, card(8), NOW) == 0
    assert the_visit().held_by == HeldBy.CHEATING
    assert expire(town.community, town.wait(7 * DAY)) == Expired(given=2)
    assert town.balance(household) == 2


def test_a_visit_no_longer_suspected_waits_for_its_card_as_long_as_any_other_with_any_clock(
    town: Town,
) -> None:
    town.deliver(event(1, visit_facts(8, RIGHT, provisional=2)))
    suspected(8)
    town.deliver(event(2, visit_facts(8, RIGHT, provisional=2)))
    a_week = town.wait(7 * DAY)
    assert not expire(town.community, a_week)
    late = town.wait(83 * DAY, a_week)
    assert expire(town.community, late + 100 * DAY) == Expired(returned=2), (
        "the one that waited from the start"
    )
    assert expire(town.community, town.wait(7 * DAY, late)) == Expired(returned=2)


def test_a_cleared_visit_of_an_unknown_card_waits_for_the_card(town: Town) -> None:
    town.deliver(event(1, visit_facts(8, RIGHT, provisional=2)))
    with pytest.raises(InputError, match="has no household"):
        release(the_visit(), "officer Li", "looks fine", NOW)
    suspected(8)
    town.deliver(event(2, visit_facts(8, RIGHT, provisional=2)))
    later = VisitSettlement.objects.latest("event_id")
    assert release(later, "officer Li", "looks fine", NOW) == 0
    later.refresh_from_db()
    assert later.held_by == HeldBy.UNKNOWN_CARD


def test_points_beyond_a_stations_daily_limit_wait_for_a_person(town: Town, household: Household) -> None:
    town.limit(7)
    visits = (visit_facts(1, thing, provisional=points) for thing, points in ((HAZARDOUS, 5), (HAZARDOUS, 5)))
    town.deliver(*(event(number, facts) for number, facts in enumerate(visits, 1)))
    town.deliver(event(3, visit_facts(1, RIGHT, provisional=2)))
    assert [row.held_by for row in VisitSettlement.objects.order_by("event_id")] == ["", "mint_limit", ""]
    assert town.balance(household) == 7
    assert Minted.objects.get().points == 7
    assert Alarm.objects.get().reason == Cause.MINT_LIMIT
    assert not expire(town.community, town.wait(1000 * DAY))
    held = VisitSettlement.objects.get(held__gt=0)
    assert release(held, "officer Li", "a feast", NOW) == 5
    assert verify().ok, verify().problems


def test_the_limit_is_per_station_and_day_and_a_station_may_have_its_own(
    town: Town, household: Household
) -> None:
    town.limit(2)
    town.station("west-gate")
    town.station("east-gate")
    town.limit(4, "west-gate")
    yesterday = stamp(NOW - DAY)
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    town.deliver(event(2, visit_facts(1, RIGHT, provisional=2), at=yesterday))
    west = epoch_of("west-gate")
    visits = (event(n, visit_facts(1, RIGHT, provisional=2), epoch=west) for n in (1, 2))
    town.deliver(*visits, station="west-gate")
    assert town.balance(household) == 8
    town.deliver(event(3, visit_facts(1, RIGHT, provisional=2)))
    assert VisitSettlement.objects.latest("event_id").held_by == HeldBy.MINT_LIMIT


def test_the_statement_shows_when_waiting_points_were_given(town: Town, household: Household) -> None:
    suspected()
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    with translation.override("en"):
        assert "2 points are on hold" in make_statement(household, NOW).days[0].visits[0].notes[0]
        expire(town.community, town.wait(8 * DAY))
        later, earlier = make_statement(household, NOW + 8 * DAY).days
    assert [(line.points, line.words) for line in later.movements] == [(2, "Points on hold are yours now")]
    assert earlier.visits[0].points == 0
    assert "2 points were on hold at first and arrived on" in earlier.visits[0].notes[0]
