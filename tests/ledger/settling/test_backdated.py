"""Backdated visits: what one day of receipt may bring; an honest backlog is paid in full."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.intake.apply import apply_messages, reapply
from cloud_sync.ledger.intake.parse import Sent
from cloud_sync.ledger.points.held import release
from cloud_sync.ledger.points.models import Household, VisitSettlement
from cloud_sync.ledger.settling.doubt import Doubt
from cloud_sync.ledger.settling.plausible import KEPT, SLACK, Heard, earliest
from cloud_sync.ledger.settling.rules import add_rules
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.ledger.stations.models import Alarm, Event, Station
from cloud_sync.ledger.stations.registry import add_station
from cloud_sync.rules.award_rules import HeldBy
from cloud_sync.wire.facts import Stamp
from tests.engines import BOTH
from tests.ledger.town import HAZARDOUS, NOW, RIGHT, Town, card, event, rules, stamp, visit_facts

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 11, 20)
MIDNIGHT = datetime(2026, 11, 19, 16, tzinfo=UTC)
"""The start of that day in Shanghai."""


@pytest.mark.parametrize(
    ("heard", "doubted", "bound"),
    [
        (Heard(), False, MIDNIGHT - KEPT),
        (Heard(), True, None),
        (Heard(admitted=NOW), False, MIDNIGHT),
        (Heard(admitted=NOW + 100 * DAY), False, MIDNIGHT - KEPT),  # by a clock that was ahead
        (Heard(admitted=NOW - 5 * DAY), True, MIDNIGHT - 5 * DAY),
        # The first batch of a day may bring everything since the station was last heard, a week ago.
        (Heard(None, TODAY - 7 * DAY, NOW - 7 * DAY, NOW - 8 * DAY), False, NOW - 7 * DAY - SLACK),
        # A later batch of the same day still may bring the whole week, in any order.
        (Heard(None, TODAY, NOW - HOUR, NOW - 7 * DAY), False, NOW - 7 * DAY - SLACK),
        # The next day, events older than those received before yesterday are too old.
        (Heard(None, TODAY - DAY, NOW - DAY, NOW - 7 * DAY), False, NOW - DAY - SLACK),
        (Heard(NOW - 400 * DAY, TODAY, NOW - 300 * DAY, NOW - 300 * DAY), False, MIDNIGHT - KEPT),
    ],
)
def test_the_earliest_possible_time_of_an_event_received_now(
    heard: Heard, *, doubted: bool, bound: datetime | None
) -> None:
    assert earliest(heard, NOW, SHANGHAI, doubted=doubted) == bound


@pytest.fixture
def household(town: Town) -> Household:
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    return household


def full(number: int, at: datetime | Stamp, card_number: int = 1, epoch: str = "a" * 16) -> bytes:
    """Return a visit that earns a household the whole daily cap: 30 points."""
    when = at if isinstance(at, Stamp) else stamp(at)
    return event(number, visit_facts(card_number, *[HAZARDOUS] * 6, provisional=30), at=when, epoch=epoch)


class TestOverBothDatabases:
    pytestmark = BOTH

    def live(self, town: Town, days: range) -> None:
        """Deliver one visit of another household on each of these days."""
        for day in days:
            when = NOW + day * DAY
            visit = event(100 + day, visit_facts(7, RIGHT, provisional=2), at=stamp(when), epoch="f" * 16)
            town.deliver(visit, now=when)

    def bring(self, town: Town, bodies: list[bytes], now: datetime) -> None:
        """Deliver all of them at once, in messages of the largest size."""
        some = [bodies[at : at + 20] for at in range(0, len(bodies), 20)]
        apply_messages([Sent(town.seal(*part), "sunny-garden", "east-gate") for part in some], now)

    def test_a_stolen_key_earns_no_more_than_the_days_since_the_last_receipts_allow(
        self, town: Town, household: Household
    ) -> None:
        self.live(town, range(-5, 0))
        self.bring(town, [full(n + 1, NOW - n * DAY) for n in range(1500)], NOW)
        assert town.balance(household) == 90  # today, yesterday and the rest of the day before
        assert set(
            VisitSettlement.objects.filter(held__gt=0, household=household).values_list("held_by")
        ) == {(HeldBy.BACKDATED,)}
        assert Alarm.objects.filter(reason=Cause.BACKDATED, station="east-gate").exists()
        assert verify().ok, verify().problems

    def test_a_stolen_key_does_not_earn_as_much_again_the_next_day(
        self, town: Town, household: Household
    ) -> None:
        self.live(town, range(-5, 0))
        for day in range(4):
            back = [full(1000 * day + n + 1, NOW + (day - n) * DAY) for n in range(100)]
            self.bring(town, back, NOW + day * DAY)
        assert town.balance(household) == 90 + 3 * 30

    def test_a_stolen_key_earns_no_more_with_an_untrusted_clock(
        self, town: Town, household: Household
    ) -> None:
        self.live(town, range(-5, 0))
        unsure = [Stamp(0.0, trusted=False, boot=f"boot {number}", monotonic_s=1.0) for number in range(40)]
        town.deliver(*(full(n, one, epoch="b" * 16) for n, one in enumerate(unsure, 1)), now=NOW)
        assert town.balance(household) <= 90

    @pytest.mark.parametrize("days", [7, 30])
    def test_a_backlog_is_paid_in_full_in_any_order(
        self, town: Town, household: Household, days: int
    ) -> None:
        self.live(town, range(-days - 3, -days))
        backlog = [full(number, NOW - (days - number) * DAY) for number in range(1, days + 1)]
        town.deliver(*backlog[3:], now=NOW)
        town.deliver(*backlog[:3], now=NOW + timedelta(minutes=5))
        assert town.balance(household) == 30 * days
        assert not Alarm.objects.exists()

    def test_a_backlog_that_is_delivered_over_midnight_is_paid_in_full(
        self, town: Town, household: Household
    ) -> None:
        self.live(town, range(-10, -7))
        backlog = [full(number, NOW - (7 - number) * DAY) for number in range(1, 8)]
        midnight = MIDNIGHT + DAY
        town.deliver(*backlog[3:], now=midnight - timedelta(minutes=1))
        town.deliver(*backlog[:3], now=midnight + timedelta(minutes=1))
        assert town.balance(household) == 210

    def test_a_household_seen_today_is_paid_for_another_stations_backlog(
        self, town: Town, household: Household
    ) -> None:
        town.deliver(event(1, visit_facts(1, RIGHT, provisional=2), epoch="e" * 16), station="west-gate")
        backlog = [full(number, NOW - (7 - number) * DAY) for number in range(1, 7)]
        town.deliver(*backlog)
        assert town.balance(household) == 2 + 6 * 30

    def test_a_visit_older_than_its_station_waits(self, town: Town, household: Household) -> None:
        town.station("east-gate")
        Station.objects.update(admitted_at=NOW - 2 * DAY)
        town.deliver(full(1, NOW - 2 * DAY), full(2, NOW - 3 * DAY))
        assert (town.balance(household), town.suspense) == (30, 30)

    def test_a_visit_older_than_its_household_waits(self, town: Town) -> None:
        home = add_household(town.community, "3-2-502", "", NOW - 2 * DAY)
        bind_card(home, card(2), NOW - 2 * DAY)
        town.deliver(full(1, NOW - 2 * DAY - HOUR, 2), full(2, NOW - 3 * DAY, 2))
        assert (town.balance(home), town.suspense) == (30, 30)
        assert VisitSettlement.objects.get(held__gt=0).held_by == HeldBy.BACKDATED

    def test_a_person_can_release_a_backdated_visit(self, town: Town, household: Household) -> None:
        town.deliver(full(1, NOW - 40 * DAY))
        assert release(VisitSettlement.objects.get(), "officer Li", "a month in the drawer", NOW) == 30
        assert town.balance(household) == 30
        assert verify().ok, verify().problems

    def test_an_event_set_aside_is_judged_by_the_time_of_its_receipt(
        self, town: Town, household: Household
    ) -> None:
        town.deliver(event(1, visit_facts(1, RIGHT, provisional=9, rules=2)))
        self.live(town, range(1, 50))
        add_rules(town.community, rules(2, right=9))
        assert reapply(Event.objects.get(epoch="00000000000000aa"), NOW + 60 * DAY)
        assert town.balance(household) == 9

    def test_under_a_doubted_clock_no_visit_is_too_old(self, town: Town, household: Household) -> None:
        self.live(town, range(-5, 0))
        sent = [Sent(town.seal(full(1, NOW)), "sunny-garden", "east-gate")]
        apply_messages(sent, NOW + 100 * DAY, doubt=Doubt(NOW + 100 * DAY, NOW - DAY))
        assert town.balance(household) == 30
        assert Station.objects.get().received_on == TODAY - DAY

    def test_under_a_doubted_clock_all_visits_older_than_a_journal_keeps_count_to_one_days_limit(
        self, town: Town, household: Household
    ) -> None:
        town.limit(30)
        old = [full(number, NOW - (40 + number) * DAY) for number in (1, 2)]
        apply_messages(
            [Sent(town.seal(*old), "sunny-garden", "east-gate")], NOW, doubt=Doubt(NOW, NOW + 2 * HOUR)
        )
        held = VisitSettlement.objects.order_by("event__sequence").values_list("held_by", flat=True)
        assert list(held) == ["", HeldBy.MINT_LIMIT]
        assert town.balance(household) == 30

    def test_a_station_is_admitted_when_it_is_added_and_not_again(self, town: Town) -> None:
        key = town.station("east-gate").public_key().public_bytes_raw().hex()
        add_station(town.community, "east-gate", key, NOW)
        assert Station.objects.get().admitted_at is None  # it existed already
        add_station(
            town.community,
            "west-gate",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            NOW,
        )
        assert Station.objects.get(slug="west-gate").admitted_at == NOW
