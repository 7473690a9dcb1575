"""The preview of other rules over past days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from cloud_sync.ledger.households.cards import bind_card, set_staff_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.settling.preview import HouseholdChange, preview
from cloud_sync.rules.award_rules import Outcome
from config.errors import InputError
from tests.engines import BOTH
from tests.ledger.town import (
    HAZARDOUS,
    NOW,
    RIGHT,
    UNSEEN,
    WRONG,
    Town,
    card,
    event,
    rules,
    stamp,
    visit_facts,
)

pytestmark = BOTH
TODAY, TOMORROW = date(2026, 11, 20), date(2026, 11, 21)


@pytest.fixture
def week(town: Town) -> Town:
    """Return a town with visits of two households, an unknown card and staff, today and a week ago."""
    for number in (1, 2):
        bind_card(add_household(town.community, f"1-1-10{number}"), card(number), NOW)
    set_staff_card(town.community, card(3))
    town.deliver(
        event(1, visit_facts(1, RIGHT, RIGHT, WRONG, provisional=4)),
        event(2, visit_facts(2, HAZARDOUS, UNSEEN, provisional=6)),
        event(3, visit_facts(3, RIGHT, provisional=2)),
        event(4, visit_facts(8, RIGHT, provisional=2)),
        event(5, visit_facts(1, *[RIGHT] * 9, provisional=18), at=stamp(NOW - timedelta(days=7))),
    )
    return town


def test_a_preview_says_what_each_outcome_and_the_most_changed_households_would_have_earned(
    week: Town,
) -> None:
    before = week.balances
    told = preview(week.community, rules(2, right=3), TODAY, TOMORROW)
    assert (told.visits, told.given, told.before, told.after) == (4, 12, 12, 13)
    by_outcome = {change.outcome: (change.times, change.before, change.after) for change in told.outcomes}
    assert by_outcome == {
        Outcome.RIGHT: (5, 11, 12),
        Outcome.WRONG: (1, 0, 0),
        Outcome.UNSURE: (0, 0, 0),
        Outcome.UNSEEN: (1, 1, 1),
        Outcome.NOTHING: (0, 0, 0),
    }
    assert told.most_gained == (HouseholdChange("1-1-101", 4, 6),)
    assert told.most_lost == (HouseholdChange("1-1-102", 6, 4),)
    assert week.balances == before


def test_daily_caps_of_the_new_rules_count_within_each_day(week: Town) -> None:
    told = preview(week.community, rules(2, points=5), date(2026, 11, 1), TOMORROW)
    assert told.most_lost[0] == HouseholdChange("1-1-101", 22, 9)


def test_a_preview_of_todays_rules_gives_what_was_earned(week: Town) -> None:
    told = preview(week.community, rules(2, points=30, deposits=12), TODAY, TOMORROW)
    assert told.before == told.given


@pytest.mark.parametrize("until", [TODAY, TODAY - timedelta(days=3)])
def test_a_range_without_days_is_refused(week: Town, until: date) -> None:
    with pytest.raises(InputError, match="no day"):
        preview(week.community, rules(2), TODAY, until)


def test_a_preview_without_visits_is_all_zero(week: Town) -> None:
    told = preview(week.community, rules(2), date(2020, 1, 1), date(2020, 2, 1))
    assert (told.visits, told.before, told.after, told.most_gained, told.most_lost) == (0, 0, 0, (), ())
