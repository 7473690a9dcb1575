"""Copies: one journal under two stations, two Pis under one name. Points wait, an alarm names both."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.intake import store
from cloud_sync.ledger.intake.apply import apply_messages, reapply
from cloud_sync.ledger.intake.parse import Sent
from cloud_sync.ledger.points.held import refuse, release
from cloud_sync.ledger.points.models import Household, VisitSettlement
from cloud_sync.ledger.settling.rules import add_rules
from cloud_sync.ledger.stations import copies
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.ledger.stations.models import Alarm, Event, EventState
from cloud_sync.ledger.stations.spans import TOGETHER, Span, together
from cloud_sync.rules.award_rules import HeldBy
from cloud_sync.wire.facts import AlarmFacts, Stamp
from tests.engines import BOTH
from tests.ledger.town import EPOCH, NOW, RIGHT, Town, card, event, rules, visit_facts

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def span(first: float, last: float) -> Span:
    """Between two hours of a day."""
    day = NOW.replace(hour=0)
    return Span(day + first * HOUR, day + last * HOUR)


@pytest.mark.parametrize(
    ("before", "came", "other", "told"),
    [
        (None, (10, 11), (8, 9), False),  # one life after the other
        (None, (8, 9), (10, 11), False),  # the same, the earlier one delivered late
        (None, (8.9, 11), (8, 9), False),  # a clock set back six minutes between two lives
        (None, (10, 10), (8, 12), True),  # within another's life
        (None, (8, 12), (10, 10), True),  # around another's life
        ((8, 9), (11, 11), (8.5, 10), True),  # goes on after the other had spoken
        ((8, 11), (12, 12), (8.5, 10), False),  # the other ended, and that was told
        ((8, 8), (8.2, 8.2), (8.1, 8.1), False),  # minutes together: a clock set back
        ((8, 10), (10.1, 10.1), (8, 10.05), True),  # by turns, minute by minute, for hours
    ],
)
def test_two_epochs_lived_at_once_or_one_after_the_other(
    before: tuple[float, float] | None,
    came: tuple[float, float],
    other: tuple[float, float],
    *,
    told: bool,
) -> None:
    assert together(before and span(*before), span(*came), span(*other)) is told


def visits(*numbers: int, epoch: str = EPOCH) -> list[bytes]:
    return [event(number, visit_facts(1, RIGHT, provisional=2), epoch=epoch) for number in numbers]


def details() -> dict[str, str]:
    return dict(Alarm.objects.values_list("station", "detail"))


@pytest.fixture
def household(town: Town) -> Household:
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    return household


class TestOneJournalUnderTwoStations:
    pytestmark = BOTH

    def test_the_later_ones_points_wait_and_an_alarm_names_both(
        self, town: Town, household: Household
    ) -> None:
        town.deliver(*visits(1, 2))
        copy = town.deliver(*visits(1, 2), station="west-gate")
        assert copy.receipt.epochs[0].through == 2
        assert (town.balance(household), town.suspense) == (4, 4)
        assert {row.held_by for row in VisitSettlement.objects.filter(held__gt=0)} == {HeldBy.CLONED}
        assert {row.reason for row in Alarm.objects.all()} == {Cause.CLONED}
        assert set(details()) == {"east-gate", "west-gate"}
        assert all(name in told for told in details().values() for name in ("east-gate", "west-gate"))
        assert verify().ok, verify().problems

    def test_what_was_not_settled_by_then_waits_at_both(self, town: Town, household: Household) -> None:
        town.deliver(*visits(1))
        town.deliver(*visits(1), station="west-gate")
        town.deliver(*visits(2))
        assert (town.balance(household), town.suspense) == (2, 4)

    def test_both_wait_where_they_come_together(self, town: Town, household: Household) -> None:
        came = [
            Sent(town.seal(*visits(1), station=station), "sunny-garden", station)
            for station in ("east-gate", "west-gate")
        ]
        apply_messages(came, NOW)
        assert (town.balance(household), town.suspense) == (0, 4)
        assert set(details()) == {"east-gate", "west-gate"}

    def test_an_alarm_without_points_is_evidence_enough(self, town: Town, household: Household) -> None:
        town.deliver(event(1, AlarmFacts("lid_stuck", "kitchen", raised=True)), station="west-gate")
        town.deliver(*visits(1))
        assert (town.balance(household), town.suspense) == (0, 2)

    def test_a_new_journal_of_either_counts_at_once(self, town: Town, household: Household) -> None:
        for station in ("east-gate", "west-gate"):
            town.deliver(*visits(1), station=station)
        town.deliver(*visits(1, epoch="c" * 16))
        assert (town.balance(household), town.suspense) == (4, 2)

    def test_a_person_lets_one_go_and_refuses_the_copy(self, town: Town, household: Household) -> None:
        for station in ("east-gate", "west-gate"):
            town.deliver(*visits(1), station=station)
        town.deliver(*visits(2))
        copy, late = VisitSettlement.objects.filter(held__gt=0).order_by("event_id")
        assert refuse(copy, "officer Li", "a copied card", NOW) == 2
        assert release(late, "officer Li", "the true one", NOW) == 2
        assert (town.balance(household), town.suspense) == (4, 0)
        assert verify().ok, verify().problems

    def test_what_was_set_aside_waits_too_once_it_can_be_applied(
        self, town: Town, household: Household
    ) -> None:
        town.deliver(event(1, visit_facts(1, RIGHT, provisional=9, rules=2)))
        town.deliver(*visits(2), station="west-gate")
        add_rules(town.community, rules(2, right=9))
        assert reapply(Event.objects.get(state=EventState.REFUSED), NOW)
        assert (town.balance(household), town.suspense) == (0, 11)


def at(when: datetime, boot: str) -> Stamp:
    return Stamp(when.timestamp(), trusted=True, boot=boot, monotonic_s=1.0)


class TestTwoPisUnderOneName:
    pytestmark = BOTH
    ONE, OTHER = ("a" * 16, "boot-one"), ("b" * 16, "boot-two")

    def speak(self, town: Town, pi: tuple[str, str], sequence: int, when: datetime) -> None:
        epoch, boot = pi
        facts = visit_facts(1, RIGHT, provisional=2)
        town.deliver(event(sequence, facts, epoch=epoch, at=at(when, boot)), now=when)

    def test_an_alarm_names_both_boots_and_nobody_is_shut_out(self, town: Town, household: Household) -> None:
        for turn in range(1, 4):
            self.speak(town, self.ONE, turn, NOW + turn * 20 * MINUTE)
            self.speak(town, self.OTHER, turn, NOW + turn * 20 * MINUTE + MINUTE)
        alarm = Alarm.objects.get()
        assert alarm.reason == Cause.TWO_AT_ONCE
        assert all(boot in alarm.detail for boot in ("boot-one", "boot-two"))
        assert town.balance(household) == 12

    def test_once_one_is_off_the_other_raises_no_more(self, town: Town) -> None:
        self.speak(town, self.ONE, 1, NOW)
        self.speak(town, self.OTHER, 1, NOW + HOUR)
        self.speak(town, self.ONE, 2, NOW + 2 * HOUR)
        self.speak(town, self.OTHER, 2, NOW + 3 * HOUR)
        raised = Alarm.objects.get().times
        for turn in range(3, 6):
            self.speak(town, self.OTHER, turn, NOW + turn * 2 * HOUR)
        assert Alarm.objects.get().times == raised

    def test_a_restarted_pi_is_no_second_one(self, town: Town) -> None:
        for life in range(6):
            epoch = (f"{life:016x}", f"boot-{life}")
            self.speak(town, epoch, 1, NOW + life * TOGETHER * 2)
            self.speak(town, epoch, 2, NOW + life * TOGETHER * 2 + TOGETHER)
        assert not Alarm.objects.exists()

    def test_epochs_without_end_are_compared_with_a_bounded_number_each(
        self, town: Town, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compared: list[bool] = []

        def count(before: Span | None, came: Span, other: Span) -> bool:
            compared.append(together(before, came, other))
            return compared[-1]

        monkeypatch.setattr(copies, "together", count)
        monkeypatch.setattr(store, "MAX_OTHERS", 4)
        for start in (0, 96):
            bodies = [
                event(n + 1, AlarmFacts("x", "k", raised=True), epoch=f"{epoch:016x}", at=at(when, "boot"))
                for epoch in range(start, start + 96)
                for n, when in enumerate((NOW - 2 * HOUR, NOW))
            ]
            batches = [town.seal(*bodies[first : first + 32]) for first in range(0, len(bodies), 32)]
            apply_messages([Sent(batch, "sunny-garden", "east-gate") for batch in batches], NOW)
        assert 96 < len(compared) <= 2 * 4 * 192
        assert Alarm.objects.get().times == sum(compared)

    def test_two_that_came_in_one_go_are_told_apart_too(self, town: Town) -> None:
        visit = visit_facts(1, RIGHT, provisional=2)
        late = NOW + 2 * HOUR
        bodies = [
            event(1, visit, epoch="a" * 16, at=at(NOW, "boot-one")),
            event(1, visit, epoch="b" * 16, at=at(NOW + HOUR, "boot-two")),
            event(2, visit, epoch="a" * 16, at=at(late, "boot-one")),
        ]
        town.deliver(*bodies, now=late)
        assert {row.reason for row in Alarm.objects.all()} == {Cause.TWO_AT_ONCE}
