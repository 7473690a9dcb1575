from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.station import VisitSection
from edge.messages import LeaseTaken, LidClosed, LidObstructed, LidOpened
from edge.sim.lid import LidFault, SimLid
from edge.sim.lid_log import Note, What, longest_beyond_lease_s
from firmware_bridge.h_bridge import REST_S
from firmware_bridge.lid_motion import RETRY_S, TRIES
from tests.edge.sim.stage import Stage

TRAVEL_S = 2.0


class Bench(Stage):
    """One lid on a workbench."""

    def __init__(self) -> None:
        super().__init__()
        self.lid = SimLid("food", VisitSection(travel_s=TRAVEL_S), self.timeline, self)

    @property
    def said(self) -> list[tuple[type, object]]:
        return [
            (type(event), round(event.at, 3)) for event in self.posted if not isinstance(event, LeaseTaken)
        ]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_lid_travels_open_and_its_switch_reports_it_only_at_the_end(bench: Bench) -> None:
    bench.lid.open(8)
    bench.wait(1.0)
    assert bench.lid.position == 0.5
    assert bench.said == []
    bench.wait(1.0)
    assert bench.lid.is_open
    assert bench.said == [(LidOpened, 2.0)]


def test_when_nobody_renews_its_lease_a_lid_shuts_by_itself(bench: Bench) -> None:
    bench.lid.open(8)
    bench.wait(20)
    assert bench.said == [(LidOpened, 2.0), (LidClosed, 10.0)]
    assert bench.lid.is_shut


def test_a_renewed_lease_counts_from_its_renewal_and_the_switch_is_reported_again(
    bench: Bench,
) -> None:
    bench.lid.open(8)
    bench.wait(6)
    bench.lid.open(8)
    bench.wait(30)
    assert bench.said == [(LidOpened, 2.0), (LidOpened, 6.0), (LidClosed, 16.0)]


def test_ending_the_lease_shuts_the_lid_now(bench: Bench) -> None:
    bench.lid.open(8)
    bench.wait(3)
    bench.lid.end_lease()
    bench.wait(20)
    assert bench.said == [(LidOpened, 2.0), (LidClosed, 5.0)]


def test_a_lid_asked_to_open_while_it_shuts_turns_round_after_its_motors_rest(bench: Bench) -> None:
    bench.lid.open(3)
    bench.wait(3.5)
    bench.lid.open(8)
    bench.wait(1)
    assert bench.said == [(LidOpened, 2.0), (LidOpened, 4.1)]


def test_a_closing_lid_reverses_at_a_hand_and_tries_again_once_it_has_been_gone_for_a_while(
    bench: Bench,
) -> None:
    bench.lid.open(3)
    bench.wait(3.5)
    bench.lid.obstruct()
    bench.wait(5.5)
    assert bench.said[1:] == [(LidObstructed, 3.5), (LidOpened, 3.5 + REST_S + 0.5)]
    assert bench.lid.is_open
    bench.lid.clear()
    bench.wait(20)
    assert bench.said[3:] == [(LidClosed, 9.0 + RETRY_S + TRAVEL_S)]
    assert bench.lid.is_shut


def test_a_hand_that_is_in_the_way_when_the_lease_ends_keeps_the_lid_from_moving(bench: Bench) -> None:
    bench.lid.open(3)
    bench.wait(2.5)
    bench.lid.obstruct()
    bench.wait(10)
    assert bench.said[1:] == [(LidObstructed, 3.0)]
    assert bench.lid.is_open


def test_ending_the_lease_does_not_turn_a_reversing_lid_against_the_hand(bench: Bench) -> None:
    bench.lid.open(3)
    bench.wait(3.8)
    bench.lid.obstruct()
    bench.wait(0.3)
    bench.lid.end_lease()
    bench.wait(1)
    assert bench.lid.is_open


def test_a_reversal_does_not_count_as_an_opening_by_command(bench: Bench) -> None:
    bench.lid.open(3)
    bench.wait(3.5)
    bench.lid.obstruct()
    bench.wait(3)
    assert sum(kind is LidOpened for kind, _ in bench.said) == 2
    assert bench.lid.opened_at == 2.0


def test_a_lid_that_stands_open_reports_its_switch_again_after_a_command(bench: Bench) -> None:
    bench.lid.fail(LidFault.STUCK_OPEN)
    bench.lid.open(3)
    bench.wait(10)
    bench.lid.open(3)
    assert [one for one in bench.said if one[0] is LidOpened] == [(LidOpened, 2.0), (LidOpened, 10.0)]
    assert bench.lid.opened_at == 10.0


def test_a_lid_stuck_shut_stays_shut_and_silent(bench: Bench) -> None:
    bench.lid.fail(LidFault.STUCK_SHUT)
    bench.lid.open(8)
    bench.wait(20)
    assert bench.said == []
    assert bench.lid.is_shut


def test_a_lid_that_gave_up_is_not_driven_again_by_the_same_lease_once_freed(bench: Bench) -> None:
    bench.lid.fail(LidFault.STUCK_SHUT)
    bench.lid.open(8)
    bench.wait(5)
    bench.lid.mend()
    bench.wait(20)
    assert bench.said == []
    bench.lid.open(8)
    bench.wait(3)
    assert bench.lid.is_open


def test_a_lid_stuck_open_gives_up_after_some_tries_and_is_shut_when_mended(bench: Bench) -> None:
    bench.lid.fail(LidFault.STUCK_OPEN)
    bench.lid.open(3)
    bench.wait(60)
    assert bench.lid.is_open
    assert sum(kind is LidObstructed for kind, _ in bench.said) == TRIES
    bench.lid.mend()
    assert bench.said[-1] == (LidClosed, 60.0)


@pytest.mark.parametrize(
    ("fault", "still_heard"),
    [(LidFault.OPEN_SWITCH_DEAD, LidClosed), (LidFault.SHUT_SWITCH_DEAD, LidOpened)],
)
def test_a_dead_switch_is_silent_and_a_lid_not_seen_shut_is_left_open(
    bench: Bench, fault: LidFault, still_heard: type
) -> None:
    bench.lid.fail(fault)
    bench.lid.open(3)
    bench.wait(2.5)
    assert bench.lid.is_open
    bench.wait(60)
    assert bench.lid.is_shut is (fault is LidFault.OPEN_SWITCH_DEAD)
    assert {kind for kind, _ in bench.said} - {LidObstructed} == {still_heard}


def test_without_power_a_lid_stays_where_it_is_and_obeys_nothing(bench: Bench) -> None:
    bench.lid.open(8)
    bench.wait(1)
    bench.lid.power_off()
    bench.lid.open(8)
    bench.wait(100)
    assert bench.lid.position == 0.5
    assert bench.said == []


def test_when_the_power_comes_back_a_lid_found_open_shuts_after_a_while(bench: Bench) -> None:
    bench.lid.open(8)
    bench.wait(5)
    bench.lid.power_off()
    bench.wait(1)
    bench.lid.power_on()
    bench.wait(10)
    assert bench.said == [(LidOpened, 2.0), (LidClosed, 6.0 + RETRY_S + TRAVEL_S)]


ACTED = (
    "open", "end_lease", "obstruct", "clear", "mend", "power_off", "power_on", "stop_motors", "resume_motors",
)  # fmt: skip
ACTS = st.lists(
    st.tuples(
        st.sampled_from([*ACTED, *LidFault]),
        st.floats(0, 12),
    ),
    max_size=40,
)


@given(ACTS)
def test_no_sequence_of_actions_drives_a_lid_open_beyond_its_lease(
    acts: list[tuple[str, float]],
) -> None:
    bench = Bench()
    for act, wait_s in acts:
        if act == "open":
            bench.lid.open(wait_s + 0.1)
        elif isinstance(act, LidFault):
            bench.lid.fail(act)
        else:
            getattr(bench.lid, act)()
        bench.wait(wait_s)
    assert longest_beyond_lease_s(bench.lid.notes) < 1e-9
    bench.lid.power_on()
    bench.lid.resume_motors()
    bench.lid.clear()
    bench.lid.mend()
    bench.wait(200)
    bench.lid.mend()
    assert bench.lid.is_shut


def test_the_lease_check_finds_a_lid_that_was_driven_open_too_long() -> None:
    driven = Note(0.0, What.DRIVEN_OPEN, leased_until=3.0)
    notes = deque([driven, Note(3.5, What.OPENED, 3.0)])
    assert longest_beyond_lease_s(notes) == 0.5
    renewed = deque([driven, Note(1.0, What.LEASED, 4.0), Note(3.5, What.OPENED, 4.0)])
    assert longest_beyond_lease_s(renewed) == 0.0
    reversal = deque([replace(driven, what=What.REVERSED), Note(3.5, What.OPENED, 3.0)])
    assert longest_beyond_lease_s(reversal) == 0.0
