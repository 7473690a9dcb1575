from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.messages import LidClosed, LidObstructed, LidOpened
from edge.sim.lid import CONTACT, RETRY_S, LidFault, SimLid
from edge.sim.lid_log import Note, What, longest_beyond_lease_s
from tests.edge.sim.stage import Stage

TRAVEL_S = 2.0


class Bench(Stage):
    """One lid on a workbench."""

    def __init__(self) -> None:
        super().__init__()
        self.lid = SimLid("food", TRAVEL_S, self.timeline, self)

    @property
    def said(self) -> list[tuple[type, object]]:
        return [(type(event), round(event.at, 3)) for event in self.posted]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_lid_travels_open_and_its_switch_says_so_only_when_it_is_there(bench: Bench) -> None:
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


def test_a_renewed_lease_counts_from_the_renewal_and_the_switch_is_not_heard_again(bench: Bench) -> None:
    bench.lid.open(8)
    bench.wait(6)
    bench.lid.open(8)
    bench.wait(30)
    assert bench.said == [(LidOpened, 2.0), (LidClosed, 16.0)]


def test_ending_the_lease_shuts_the_lid_now(bench: Bench) -> None:
    bench.lid.open(8)
    bench.wait(3)
    bench.lid.end_lease()
    bench.wait(20)
    assert bench.said == [(LidOpened, 2.0), (LidClosed, 5.0)]


def test_a_lid_called_back_while_it_shuts_opens_from_where_it_is(bench: Bench) -> None:
    bench.lid.open(3)
    bench.wait(3.5)
    bench.lid.open(8)
    bench.wait(1)
    assert bench.said == [(LidOpened, 2.0), (LidOpened, 4.0)]


def test_a_closing_lid_reverses_at_a_hand_and_tries_again_until_it_is_gone(bench: Bench) -> None:
    bench.lid.open(3)
    bench.wait(2.5)
    bench.lid.obstruct()
    bench.wait(2.0)
    touched = 3 + (1 - CONTACT) * TRAVEL_S
    assert bench.said[1:] == [(LidObstructed, pytest.approx(touched))]
    reopened = touched + (1 - CONTACT) * TRAVEL_S
    again = reopened + RETRY_S + (1 - CONTACT) * TRAVEL_S
    bench.wait(again + 0.1 - bench.clock.now())
    assert bench.said[2:] == [(LidOpened, pytest.approx(reopened)), (LidObstructed, pytest.approx(again))]
    bench.lid.clear()
    bench.wait(20)
    assert bench.said[-1][0] is LidClosed
    assert bench.lid.is_shut


def test_a_hand_put_in_low_while_the_lid_shuts_stops_it_at_once(bench: Bench) -> None:
    bench.lid.open(3)
    bench.wait(4.8)
    assert bench.lid.position < CONTACT
    bench.lid.obstruct()
    bench.wait(0.1)
    assert bench.said[-1] == (LidObstructed, 4.8)


def test_ending_the_lease_does_not_send_a_lid_back_at_the_hand_it_gives_way_to(bench: Bench) -> None:
    bench.lid.open(3)
    bench.lid.obstruct()
    bench.wait(3 + (1 - CONTACT) * TRAVEL_S + 0.1)
    bench.lid.end_lease()
    bench.wait((1 - CONTACT) * TRAVEL_S)
    assert bench.lid.is_open


def test_a_reversal_is_not_the_opening_that_people_were_let_in_by(bench: Bench) -> None:
    bench.lid.open(3)
    bench.lid.obstruct()
    bench.wait(6)
    assert sum(kind is LidOpened for kind, _ in bench.said) == 2
    assert bench.lid.opened_at == 2.0


def test_a_lid_already_standing_open_answers_a_new_command_with_its_switch(bench: Bench) -> None:
    bench.lid.fail(LidFault.STUCK_OPEN)
    bench.lid.open(3)
    bench.wait(10)
    bench.lid.open(3)
    assert bench.said == [(LidOpened, 2.0), (LidOpened, 10.0)]


def test_a_lid_stuck_shut_stays_shut_and_silent(bench: Bench) -> None:
    bench.lid.fail(LidFault.STUCK_SHUT)
    bench.lid.open(8)
    bench.wait(20)
    assert bench.said == []
    assert bench.lid.is_shut


def test_a_lid_freed_while_its_lease_lasts_opens_after_all(bench: Bench) -> None:
    bench.lid.fail(LidFault.STUCK_SHUT)
    bench.lid.open(8)
    bench.wait(3)
    bench.lid.mend()
    bench.wait(20)
    assert bench.said == [(LidOpened, 5.0), (LidClosed, 10.0)]


def test_a_lid_stuck_open_stays_open_until_it_is_mended(bench: Bench) -> None:
    bench.lid.fail(LidFault.STUCK_OPEN)
    bench.lid.open(3)
    bench.wait(20)
    assert bench.lid.is_open
    bench.lid.mend()
    bench.wait(5)
    assert bench.said == [(LidOpened, 2.0), (LidClosed, 22.0)]


@pytest.mark.parametrize(
    ("fault", "still_heard"),
    [(LidFault.OPEN_SWITCH_DEAD, LidClosed), (LidFault.SHUT_SWITCH_DEAD, LidOpened)],
)
def test_a_dead_switch_is_silent_while_the_lid_moves_all_the_same(
    bench: Bench, fault: LidFault, still_heard: type
) -> None:
    bench.lid.fail(fault)
    bench.lid.open(3)
    bench.wait(2.5)
    assert bench.lid.is_open
    bench.wait(20)
    assert bench.lid.is_shut
    assert [kind for kind, _ in bench.said] == [still_heard]


def test_without_power_a_lid_stays_where_it_is_and_obeys_nothing(bench: Bench) -> None:
    bench.lid.open(8)
    bench.wait(1)
    bench.lid.power_off()
    bench.lid.open(8)
    bench.wait(100)
    assert bench.lid.position == 0.5
    assert bench.said == []


def test_when_the_power_comes_back_a_lid_without_a_lease_shuts(bench: Bench) -> None:
    bench.lid.open(8)
    bench.wait(5)
    bench.lid.power_off()
    bench.wait(1)
    bench.lid.power_on()
    bench.wait(10)
    assert bench.said == [(LidOpened, 2.0), (LidClosed, 8.0)]


ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["open", "end_lease", "obstruct", "clear", "mend", "power_off", "power_on", *LidFault]
        ),
        st.floats(0, 12),
    ),
    max_size=40,
)


@given(ACTS)
def test_whatever_is_done_to_a_lid_it_is_never_driven_open_beyond_its_lease(
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
    bench.lid.mend()
    bench.lid.clear()
    bench.wait(100)
    assert bench.lid.is_shut


def test_the_check_for_leases_finds_a_lid_that_was_driven_open_too_long() -> None:
    driven = Note(0.0, What.DRIVEN_OPEN, leased_until=3.0)
    notes = deque([driven, Note(3.5, What.OPENED, 3.0)])
    assert longest_beyond_lease_s(notes) == 0.5
    renewed = deque([driven, Note(1.0, What.LEASED, 4.0), Note(3.5, What.OPENED, 4.0)])
    assert longest_beyond_lease_s(renewed) == 0.0
    reversal = deque([replace(driven, what=What.REVERSED), Note(3.5, What.OPENED, 3.0)])
    assert longest_beyond_lease_s(reversal) == 0.0
