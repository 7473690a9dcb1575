"""The plan of a soak: the same for the same seed, and enough of everything in it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.soak.plan import ON_A_LINK, ON_A_STATION, OTHERS, Cast, Fault, Kind, make_plan

CAST = Cast(
    processes=("broker", "worker-1", "station-north", "sync-north", "station-east"),
    links=("sync-north", "worker-1"),
    stations=("north", "east"),
    stepped=("north",),
)


def of_kind(plan: tuple[Fault, ...], kind: Kind) -> list[Fault]:
    return [fault for fault in plan if fault.kind is kind]


@given(seed=st.integers(0, 2**32), kills=st.integers(0, 120))
def test_a_seed_always_gives_the_same_plan_with_as_many_kills_as_asked(seed: int, kills: int) -> None:
    plan = make_plan(seed, kills, CAST)
    assert plan == make_plan(seed, kills, CAST)
    assert len(of_kind(plan, Kind.KILL)) == kills


@given(seed=st.integers(0, 2**32))
def test_faults_come_in_order_and_strike_only_who_is_there(seed: int) -> None:
    plan = make_plan(seed, 60, CAST)
    assert [fault.at_s for fault in plan] == sorted(fault.at_s for fault in plan)
    for fault in plan:
        if fault.kind is Kind.KILL:
            assert fault.target in CAST.processes
        elif fault.kind in ON_A_LINK:
            assert fault.target in CAST.links
            assert fault.lasts_s > 0
        elif fault.kind in ON_A_STATION:
            assert fault.target in CAST.stations
        elif fault.kind is Kind.CLOCK_STEP:
            assert fault.target in CAST.stepped
            assert fault.amount != 0
        else:
            assert fault.target == "ledger"


@given(seed=st.integers(0, 2**32))
def test_forty_kills_bring_every_kind_of_fault_and_strike_every_process(seed: int) -> None:
    plan = make_plan(seed, 40, CAST)
    counts = Counter(fault.kind for fault in plan)
    assert all(counts[kind] >= 1 for kind in OTHERS)
    assert {fault.target for fault in of_kind(plan, Kind.KILL)} == set(CAST.processes)


def test_some_kills_strike_a_process_that_has_just_been_killed() -> None:
    kills = of_kind(make_plan(5, 200, CAST), Kind.KILL)
    early = [
        after
        for before, after in pairwise(kills)
        if after.target == before.target and after.at_s - before.at_s <= 0.5
    ]
    assert early


def test_other_seeds_give_other_plans() -> None:
    assert make_plan(1, 15, CAST) != make_plan(2, 15, CAST)


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (Fault(1.5, Kind.KILL, "broker"), "kill broker (due at 1.50 s)"),
        (Fault(2.0, Kind.DELAY, "worker-1", 3.0, 0.25), "delay worker-1 (0.25) for 3.0 s (due at 2.00 s)"),
        (Fault(0.0, Kind.LEDGER_RESTORED, "ledger"), "ledger restored ledger (due at 0.00 s)"),
    ],
)
def test_a_fault_reads_as_a_line_of_the_timeline(fault: Fault, line: str) -> None:
    assert str(fault) == line
