"""A wrong ledger clock dates no visit: visits that need it wait, and get their day later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.erasure import erase_household
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.intake.apply import apply_messages
from cloud_sync.ledger.intake.parse import Sent
from cloud_sync.ledger.intake.periodic import end_waits
from cloud_sync.ledger.points.clock import find_doubt, look_at_clock
from cloud_sync.ledger.points.held import refuse, release
from cloud_sync.ledger.points.models import Household, Timed, VisitSettlement
from cloud_sync.ledger.settling.redating import AT_ONCE, date_all
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.ledger.stations.models import Alarm, Community, Station
from cloud_sync.rules.award_rules import HeldBy
from cloud_sync.wire.facts import Stamp
from tests.engines import BOTH
from tests.ledger.town import HAZARDOUS, NOW, RIGHT, WRONG, Town, card, event, stamp, visit_facts

pytestmark = BOTH

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WRONG_BY = (-100 * DAY, 100 * DAY)
"""How far the ledger's clock is ahead in these tests."""


@pytest.fixture
def household(town: Town) -> Household:
    household = add_household(town.community, "3-2-501", "", NOW - 400 * DAY)
    bind_card(household, card(1), NOW)
    return household


def full(number: int, at: datetime | Stamp, epoch: str = "a" * 16) -> bytes:
    """Return a visit that earns a household the whole daily cap: 30 points."""
    when = at if isinstance(at, Stamp) else stamp(at)
    return event(number, visit_facts(1, *[HAZARDOUS] * 6, provisional=30), at=when, epoch=epoch)


def unsure(number: int, boot: str = "no clock") -> Stamp:
    return Stamp(0.0, trusted=False, boot=boot, monotonic_s=float(number))


def known(town: Town, at: datetime = NOW) -> None:
    """Deliver another household's visit which confirms the ledger's clock at that time."""
    town.deliver(event(1, visit_facts(7, RIGHT, provisional=2), at=stamp(at), epoch="f" * 16), now=at)
    assert look_at_clock(town.community, at) is None


def bring(town: Town, *bodies: bytes, now: datetime) -> None:
    """Deliver as a worker whose clock says `now` does."""
    doubt = find_doubt(town.community, now)
    apply_messages([Sent(town.seal(*bodies), "sunny-garden", "east-gate")], now, doubt=doubt)


def agree(town: Town, number: int, at: datetime) -> None:
    """Set the clock right: a station's visit confirms it, and the worker's periodic work runs."""
    bring(town, event(number, visit_facts(7, WRONG, provisional=0), at=stamp(at), epoch="e" * 16), now=at)
    assert look_at_clock(town.community, at) is None
    end_waits(town.community, at)


@pytest.mark.parametrize("wrong_by", WRONG_BY)
def test_a_month_of_visits_by_a_wrong_clock_is_paid_in_full_once_it_is_right(
    town: Town, household: Household, wrong_by: timedelta
) -> None:
    known(town)
    for day in range(1, 26):
        bring(town, full(day, NOW + day * DAY), now=NOW + day * DAY + wrong_by)
    assert town.balance(household) == 30  # within a day and a half of the last known time
    assert town.suspense == 24 * 30 + 2
    waiting = VisitSettlement.objects.filter(household=household, held__gt=0)
    assert set(waiting.values_list("held_by", "timed")) == {(HeldBy.LEDGER_CLOCK, Timed.DOUBTED)}
    assert verify().ok, verify().problems
    agree(town, 1, NOW + 25 * DAY + HOUR)
    assert town.balance(household) == 750
    days = VisitSettlement.objects.filter(household=household).values_list("local_day", flat=True)
    assert len(set(days)) == 25
    assert town.suspense == 2
    assert verify().ok, verify().problems


@pytest.mark.parametrize("wrong_by", WRONG_BY)
def test_visits_without_a_trusted_time_wait_too_and_are_dated_between_their_neighbours(
    town: Town, household: Household, wrong_by: timedelta
) -> None:
    known(town)
    now = NOW + 3 * DAY
    bring(town, full(1, unsure(1)), full(2, unsure(2)), now=now + wrong_by)
    assert (town.balance(household), town.suspense) == (0, 62)
    bring(town, full(3, stamp(now)), now=now)  # the clock was set: the next visit follows them
    assert find_doubt(town.community, now) is None
    end_waits(town.community, now)
    rows = VisitSettlement.objects.filter(household=household).order_by("event__sequence")
    assert all(now - 7 * DAY <= row.happened_at <= now for row in rows)
    assert town.balance(household) == 90  # each on a day whose cap is not reached
    assert verify().ok, verify().problems


def test_a_visit_dated_by_a_later_one_of_its_boot_counts_to_that_day(
    town: Town, household: Household
) -> None:
    known(town)
    bring(town, full(1, unsure(100, "b")), now=NOW - 100 * DAY)
    later = Stamp((NOW + 5 * DAY).timestamp(), trusted=True, boot="b", monotonic_s=100.0 + 2 * 86_400)
    bring(town, full(2, later), now=NOW + 5 * DAY)
    end_waits(town.community, NOW + 5 * DAY)
    first, second = VisitSettlement.objects.filter(household=household).order_by("event__sequence")
    assert (first.happened_at, first.timed) == (NOW + 3 * DAY, Timed.MENDED)
    assert second.happened_at == NOW + 5 * DAY
    assert town.balance(household) == 60


def test_a_stolen_key_that_dates_visits_ahead_gets_no_more_than_two_days(
    town: Town, household: Household
) -> None:
    known(town)
    for wrong_by in WRONG_BY:
        ahead = [full(n, NOW + n * DAY, epoch=f"{n + (wrong_by > DAY) * 500:016x}") for n in range(1, 90)]
        for body in ahead:
            bring(town, body, now=NOW + wrong_by)
    assert town.balance(household) <= 60
    assert verify().ok, verify().problems


def test_a_waiting_visit_counts_to_no_day(town: Town, household: Household) -> None:
    known(town)
    bring(town, full(1, unsure(1)), now=NOW - 100 * DAY)  # shown on the last known day
    assert VisitSettlement.objects.get(household=household).local_day == NOW.date()
    town.deliver(full(2, NOW))
    assert town.balance(household) == 30
    assert verify().ok, verify().problems


def test_caps_and_the_stations_limit_apply_to_visits_dated_later(town: Town, household: Household) -> None:
    known(town)
    day = NOW + 10 * DAY
    bring(town, full(1, day), full(2, day + HOUR), now=NOW - 100 * DAY)
    agree(town, 1, day + 2 * HOUR)
    assert town.balance(household) == 30
    rows = VisitSettlement.objects.filter(household=household).order_by("event__sequence")
    assert [(row.settled, row.lowered, row.lowered_by) for row in rows] == [
        (30, 0, ""),
        (0, 30, "daily_points"),
    ]
    town.limit(40)
    bring(town, full(3, day + 3 * DAY), full(4, day + 4 * DAY), now=NOW - 100 * DAY)
    assert verify().ok, verify().problems


def test_nothing_is_released_while_the_clock_is_doubted(town: Town, household: Household) -> None:
    known(town)
    bring(town, full(1, NOW + 10 * DAY), now=NOW - 100 * DAY)
    assert look_at_clock(town.community, NOW - 100 * DAY) is not None
    assert town.balance(household) == 0
    assert Alarm.objects.get(closed_at=None).reason == Cause.CLOCK


def test_a_person_can_release_a_visit_on_the_day_its_station_states(town: Town, household: Household) -> None:
    known(town)
    day = NOW + 10 * DAY
    bring(town, full(1, day), full(2, day + HOUR), full(3, unsure(1)), now=NOW - 100 * DAY)
    rows = list(VisitSettlement.objects.filter(household=household).order_by("event__sequence"))
    given = [release(row, "officer Li", "I stood there", NOW) for row in rows[:2]]
    assert given == [30, 0]  # the day's cap is reached
    assert release(rows[2], "officer Li", "on the day before", NOW) == 30
    assert town.balance(household) == 60
    assert verify().ok, verify().problems
    agree(town, 1, day + 2 * HOUR)
    assert town.balance(household) == 60  # a person's decision stands


def test_a_refused_visit_stays_refused_when_the_clock_is_right_again(
    town: Town, household: Household
) -> None:
    known(town)
    bring(town, full(1, NOW + 10 * DAY), now=NOW - 100 * DAY)
    row = VisitSettlement.objects.get(household=household)
    assert refuse(row, "officer Li", "nobody was there", NOW) == 30
    agree(town, 1, NOW + 10 * DAY)
    row.refresh_from_db()
    assert (row.settled, row.held, row.withdrawn) == (0, 0, 30)
    assert verify().ok, verify().problems


def test_an_unknown_cards_visit_is_dated_and_then_waits_for_its_card(town: Town) -> None:
    known(town)
    visit = visit_facts(9, HAZARDOUS, provisional=5)
    bring(town, event(1, visit, at=stamp(NOW + 10 * DAY), epoch="a" * 16), now=NOW - 100 * DAY)
    agree(town, 1, NOW + 10 * DAY)
    row = VisitSettlement.objects.get(card_hash=card(9))
    assert (row.held, row.held_by, row.timed) == (5, HeldBy.UNKNOWN_CARD, Timed.STATED)
    late = add_household(town.community, "9-9-999", "", NOW)
    assert bind_card(late, card(9), NOW + 11 * DAY) == 5
    assert verify().ok, verify().problems


def test_a_card_bound_meanwhile_gets_its_points_when_the_clock_is_right_again(town: Town) -> None:
    known(town)
    visit = visit_facts(9, HAZARDOUS, provisional=5)
    bring(town, event(1, visit, at=stamp(NOW + 10 * DAY), epoch="a" * 16), now=NOW - 100 * DAY)
    home = add_household(town.community, "9-9-999", "", NOW)
    assert bind_card(home, card(9), NOW) == 0
    agree(town, 1, NOW + 10 * DAY)
    assert town.balance(home) == 5
    assert verify().ok, verify().problems


def test_a_visit_erased_meanwhile_waits_for_a_person(town: Town, household: Household) -> None:
    known(town)
    bring(town, full(1, NOW + 10 * DAY), now=NOW - 100 * DAY)
    erase_household(household, "officer Li", "asked for", NOW)
    agree(town, 1, NOW + 10 * DAY)
    row = VisitSettlement.objects.get(held__gt=2)
    assert (row.held, row.held_by) == (30, HeldBy.BACKDATED)
    assert verify().ok, verify().problems


def test_the_very_first_visits_wait_if_they_are_far_ahead_of_the_ledgers_clock(
    town: Town, household: Household
) -> None:
    bring(town, full(1, NOW), now=NOW - 100 * DAY)
    assert (town.balance(household), town.suspense) == (0, 30)
    doubt = look_at_clock(town.community, NOW - 100 * DAY + HOUR)
    assert doubt is not None
    assert doubt.sure_until < NOW - 100 * DAY  # one station alone proves no time
    assert Alarm.objects.get().reason == Cause.CLOCK
    assert look_at_clock(town.community, NOW + HOUR) is None
    end_waits(town.community, NOW + HOUR)
    assert town.balance(household) == 30


def test_a_waiting_visit_is_bounded_by_what_its_station_sent_before(town: Town, household: Household) -> None:
    for day in range(-3, 1):
        town.deliver(full(10 + day, NOW + day * DAY, "d" * 16), now=NOW + day * DAY)
    assert look_at_clock(town.community, NOW) is None
    bring(town, full(1, NOW + 10 * DAY), now=NOW - 100 * DAY)
    town.deliver(full(2, NOW + 12 * DAY), now=NOW + 12 * DAY)  # before the other one was dated
    date_all(town.community, NOW + 12 * DAY)
    assert not VisitSettlement.objects.filter(held_by=HeldBy.BACKDATED).exists()
    assert town.balance(household) == 6 * 30


def test_visits_beyond_one_transaction_are_each_dated_once(town: Town, household: Household) -> None:
    known(town)
    bodies = [full(n, NOW + timedelta(days=2 + n)) for n in range(1, AT_ONCE + 20)]
    for start in range(0, len(bodies), 20):
        bring(town, *bodies[start : start + 20], now=NOW - 100 * DAY)
    end = NOW + timedelta(days=2 + len(bodies))
    Station.objects.update(newest_at=None)
    assert date_all(town.community, end).visits == len(bodies)
    assert not date_all(town.community, end)
    assert town.balance(household) == 30 * len(bodies)


hostile = settings(
    max_examples=max(5, settings().max_examples // 15),  # each makes dozens of durable transactions
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
CARDS = (1, 2, 3)


@hostile
@given(
    wrong_by=st.sampled_from([*WRONG_BY, -20 * DAY, 3 * DAY]),
    visits=st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from(CARDS),
            st.booleans(),
            st.sampled_from(["a", "b"]),
            st.booleans(),
        ),
        min_size=1,
        max_size=14,
    ),
    binds_at=st.integers(0, 14),
)
def test_with_any_clock_nothing_is_lost_caps_hold_and_each_visit_gets_its_day(
    new_database: Callable[[], str],
    wrong_by: timedelta,
    visits: list[tuple[int, int, bool, str, bool]],
    binds_at: int,
) -> None:
    new_database()
    town = Town(Community.objects.get())
    homes = [add_household(town.community, f"1-1-10{n}", "", NOW - 400 * DAY) for n in (1, 2)]
    bind_card(homes[0], card(1), NOW)
    known(town)
    at, spoken, sure = NOW, 2, {}
    for number, (hours, whose, trusted, boot, is_wrong) in enumerate(visits):
        if number == binds_at:
            bind_card(homes[1], card(2), NOW)
        at += timedelta(hours=7 * hours + 1)
        facts = visit_facts(whose, HAZARDOUS, HAZARDOUS, HAZARDOUS, provisional=15)
        when = Stamp(at.timestamp(), trusted=trusted, boot=boot, monotonic_s=(at - NOW).total_seconds())
        sequence, spoken = number + 1, spoken + 15
        bring(
            town,
            event(sequence, facts, at=when, epoch=boot * 16),
            now=at + (wrong_by if is_wrong else timedelta()),
        )
        if trusted:
            sure[boot * 16, sequence] = at.astimezone(SHANGHAI).date()
        audit = verify()
        assert audit.ok, audit.problems
        assert audit.settled + audit.held + audit.lowered == spoken
    agree(town, 1, at + HOUR)
    audit = verify()
    assert audit.ok, audit.problems
    assert audit.settled + audit.held + audit.lowered == spoken
    assert not VisitSettlement.objects.filter(held_by=HeldBy.LEDGER_CLOCK).exists()
    assert not VisitSettlement.objects.filter(timed=Timed.DOUBTED).exists()
    given: dict[tuple[int | None, str, object], int] = {}
    for row in VisitSettlement.objects.select_related("event"):
        if (day := sure.get((row.event.epoch, row.event.sequence))) is not None:
            assert row.local_day == day
        earner = (row.household_id, "" if row.household_id else row.card_hash, row.local_day)
        given[earner] = given.get(earner, 0) + row.settled + row.held
        assert row.lowered == 0 or given[earner] >= 15
    of_cards = [points for (household, _, _), points in given.items() if household is None]
    assert all(points <= 30 for points in of_cards)
    assert all(points <= 30 for (home, _, _), points in given.items() if home == homes[0].pk)
