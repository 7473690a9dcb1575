"""A ledger that was off and comes back behind, by less than it was off: several stations show it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.intake.apply import apply_messages
from cloud_sync.ledger.intake.parse import Sent
from cloud_sync.ledger.intake.periodic import end_waits
from cloud_sync.ledger.points.clock import find_doubt, look_at_clock
from cloud_sync.ledger.points.models import Household, Timed, VisitSettlement
from cloud_sync.ledger.settling.doubt import doubt_behind
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.ledger.stations.models import Alarm, Station
from cloud_sync.wire.facts import Stamp
from tests.engines import BOTH
from tests.ledger.settling.test_ledger_clock import DAY, HOUR, full, household, known
from tests.ledger.town import NOW, WRONG, Town, event, stamp, visit_facts

__all__ = ["household"]
pytestmark = BOTH
BACK = NOW + HOUR
"""What the clock of a machine without a battery says when it starts again: when it was switched off."""


def seen(town: Town, station: str, at: datetime, number: int = 1) -> Sent:
    """A visit of nobody's at another station."""
    body = event(number, visit_facts(9, WRONG, provisional=0), at=stamp(at), epoch=f"{len(station):016x}")
    return Sent(town.seal(body, station=station), town.community.slug, station)


def backlog(town: Town, first: int, last: int) -> list[Sent]:
    """A full day of the household's on each of these days, from the east gate, which restarts every night."""
    stamps = {
        day: Stamp((NOW + day * DAY).timestamp(), trusted=True, boot=f"boot {day}", monotonic_s=10.0)
        for day in range(first, last + 1)
    }
    return [
        Sent(town.seal(full(day + 1, at)), town.community.slug, "east-gate") for day, at in stamps.items()
    ]


@pytest.mark.parametrize("together", [True, False])
def test_a_week_that_came_by_a_clock_that_is_behind_is_paid_day_by_day_once_it_is_right(
    town: Town, household: Household, *, together: bool
) -> None:
    known(town)
    messages = [seen(town, "west-gate", NOW + 7 * DAY), *backlog(town, 1, 7)]
    for some in [messages] if together else [[one] for one in messages]:
        apply_messages(some, BACK)
    # A day and a half after what was known is sure; the rest waits, and counts to no day.
    assert (town.balance(household), town.suspense) == (30, 6 * 30 + 2)
    assert "hours behind what several stations say" in Alarm.objects.get(reason=Cause.CLOCK).detail
    assert look_at_clock(town.community, BACK + HOUR) is not None
    right = NOW + 7 * DAY + HOUR
    apply_messages([seen(town, "west-gate", right, number=2)], right)
    assert look_at_clock(town.community, right) is None
    end_waits(town.community, right)
    assert town.balance(household) == 7 * 30
    assert not VisitSettlement.objects.filter(timed=Timed.DOUBTED).exists()
    assert verify().ok, verify().problems


def test_one_station_that_is_ahead_of_all_others_makes_nobody_wait(town: Town, household: Household) -> None:
    known(town)
    town.station("west-gate")
    apply_messages([*backlog(town, 7, 7), seen(town, "west-gate", BACK)], BACK)
    assert find_doubt(town.community, BACK) is None
    assert VisitSettlement.objects.get(provisional=30).timed != Timed.DOUBTED
    assert town.balance(household) == 30
    assert not Alarm.objects.filter(reason=Cause.CLOCK).exists()


def test_two_stations_whose_clocks_were_wrong_are_right_again(town: Town, household: Household) -> None:
    known(town)
    wrong = [seen(town, name, NOW + 50 * DAY) for name in ("west-gate", "south-gate")]
    apply_messages(wrong, BACK)
    assert find_doubt(town.community, BACK) is not None
    apply_messages([seen(town, "west-gate", BACK, number=2)], BACK)
    assert find_doubt(town.community, BACK) is None
    assert [row.ahead_at for row in Station.objects.order_by("slug") if row.slug == "west-gate"] == [None]
    apply_messages(backlog(town, 0, 0), BACK)
    assert town.balance(household) == 30


def test_a_station_that_was_retired_says_nothing_more(town: Town) -> None:
    known(town)
    apply_messages([seen(town, name, NOW + 50 * DAY) for name in ("west-gate", "south-gate")], BACK)
    Station.objects.filter(slug="west-gate").update(active=False)
    assert find_doubt(town.community, BACK) is None


@pytest.mark.parametrize(
    ("ahead", "hours"), [((), None), ((90,), None), ((1, 90), None), ((2, 90), 2), ((2, 5, 90), 5)]
)
def test_the_second_furthest_counts(ahead: tuple[int, ...], hours: int | None) -> None:
    doubt = doubt_behind(NOW, NOW, [NOW + timedelta(hours=one) for one in ahead])
    assert (None if doubt is None else doubt.told) == (None if hours is None else NOW + hours * HOUR)
