"""An emergency is the station's: what it does to visits, who ends it, and what a restart knows of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cloud_sync.wire.facts import Credential, Role
from config.station import OpenBy
from edge.faults import Fault, FaultCode
from edge.loop.latches import EmergencyLatch
from edge.messages import (
    CloseLid,
    FaultCleared,
    FaultRaised,
    Granted,
    LidClosed,
    LidOpened,
    OpenLid,
    Pressed,
    Prompt,
    Record,
    Recorded,
    ResumeMotors,
    Say,
    StopMotors,
    Tick,
)
from edge.part_kinds import STATION
from edge.roster import CardState, RosterEntry
from edge.screen.state import LidPhase, NextAction
from edge.sync.outbox import Outbox
from edge.visit.machine import step
from edge.visit.state import State
from tests.edge.builders import bin_rule, card, earned, rules_of
from tests.edge.workbench import Bench

PANIC = FaultRaised(20.0, FaultCode.PANIC, "mcu")
RELEASED = FaultCleared(30.0, FaultCode.PANIC, "mcu")
RULES = rules_of(bin_rule("kitchen"), bin_rule("other"))


def after(*events: object, state: State | None = None) -> tuple[State, list[object]]:
    """Give the state after events, and the commands of the last one."""
    state, given = state or State(), list[object]()
    for event in events:
        state, commands = step(state, event, RULES)  # type: ignore[arg-type]
        given = list(commands)
    return state, given


def tap(at: float, role: Role = Role.RESIDENT, who: str = "zhang") -> Granted:
    return Granted(at, "at-kitchen", card(who), Credential.EM4100, role)


def prompts(commands: list[object]) -> list[Prompt]:
    return [command.prompt for command in commands if isinstance(command, Say)]


@pytest.mark.parametrize("cause", [FaultCode.PANIC, FaultCode.SMOKE, FaultCode.EMERGENCY_STOP])
def test_an_emergency_stops_every_motor_before_anything_else_and_ends_no_lease_by_driving(
    cause: FaultCode,
) -> None:
    _, commands = after(tap(10), LidOpened(11, "kitchen"), replace(PANIC, fault=cause))
    moves = [one for one in commands if isinstance(one, OpenLid | CloseLid | StopMotors)]
    assert moves == [StopMotors()]
    assert prompts(commands) == [Prompt.EMERGENCY]


@pytest.mark.parametrize("role", [Role.RESIDENT, Role.STAFF, Role.UNKNOWN])
def test_nothing_opens_for_anybody_while_a_button_is_pressed(role: Role) -> None:
    _, commands = after(PANIC, tap(21, role))
    assert not [one for one in commands if isinstance(one, OpenLid | ResumeMotors)]
    assert prompts(commands) == [Prompt.EMERGENCY_HELD if role is Role.STAFF else Prompt.EMERGENCY]


def test_a_released_button_ends_nothing_and_a_resident_neither() -> None:
    state, commands = after(PANIC, RELEASED)
    assert Fault(FaultCode.EMERGENCY_STOP, STATION) in state.faults
    state, commands = after(tap(31), FaultCleared(32, FaultCode.EMERGENCY_STOP, STATION), state=state)
    assert Fault(FaultCode.EMERGENCY_STOP, STATION) in state.faults
    assert ResumeMotors() not in commands


def test_each_further_input_stops_every_motor_again_for_one_may_have_missed_the_first_word() -> None:
    _, commands = after(PANIC, FaultRaised(25, FaultCode.SMOKE, "second"))
    assert StopMotors() in commands
    assert prompts(commands) == [], "it is no news"


def test_one_of_two_inputs_that_is_free_again_is_not_enough() -> None:
    other = FaultRaised(25, FaultCode.SMOKE, "second")
    _, commands = after(PANIC, other, RELEASED, tap(31, Role.STAFF))
    assert prompts(commands) == [Prompt.EMERGENCY_HELD]


def test_a_staff_card_ends_it_opens_nothing_by_that_and_opens_by_the_next_tap() -> None:
    state, commands = after(PANIC, RELEASED, tap(31, Role.STAFF))
    assert ResumeMotors() in commands
    assert prompts(commands) == [Prompt.EMERGENCY_OVER]
    assert not [one for one in commands if isinstance(one, OpenLid | CloseLid)]
    assert state.faults == frozenset()
    _, commands = after(tap(40, Role.STAFF), state=state)
    assert [one.bin for one in commands if isinstance(one, OpenLid)] == ["kitchen"]


def test_a_visit_that_was_under_way_is_kept_and_its_lid_counts_as_open_until_it_is_shut() -> None:
    state, _ = after(tap(10), LidOpened(11, "kitchen"), PANIC)
    assert Fault(FaultCode.LID_STUCK_OPEN, "kitchen") in state.faults
    recorded = [one for one in _let_time_pass(state) if isinstance(one, Record)]
    assert [opening.closed_s for opening in recorded[0].facts.openings] == [None]
    state, _ = after(LidClosed(40, "kitchen"), state=state)
    assert Fault(FaultCode.LID_STUCK_OPEN, "kitchen") not in state.faults


def _let_time_pass(state: State) -> list[object]:
    _, commands = step(state, Tick(200), RULES)
    return list(commands)


def test_who_waits_for_a_bin_is_not_served_when_its_lid_comes_to_rest() -> None:
    _, commands = after(tap(10), LidOpened(11, "kitchen"), tap(12, who="li"), PANIC, LidClosed(21, "kitchen"))
    assert not [one for one in commands if isinstance(one, OpenLid | CloseLid)]


def test_a_pressed_button_of_a_bin_says_why_nothing_opens() -> None:
    rules = rules_of(bin_rule("glass", open_by=OpenBy.BUTTON))
    state, _ = step(State(), PANIC, rules)
    _, commands = step(state, Pressed(21, "glass"), rules)
    assert prompts(list(commands)) == [Prompt.EMERGENCY]


def test_a_lid_that_can_be_reached_again_is_stopped_again() -> None:
    away = FaultRaised(22, FaultCode.LID_UNREACHABLE, "kitchen")
    _, commands = after(PANIC, away, replace(RELEASED, fault=FaultCode.LID_UNREACHABLE, part="kitchen"))
    assert StopMotors() in commands


def test_a_record_that_comes_late_changes_nothing() -> None:
    state, _ = after(tap(10), LidOpened(11, "kitchen"), PANIC)
    facts = next(one for one in _let_time_pass(state) if isinstance(one, Record)).facts
    state, _ = after(Recorded(205, 1, earned(facts)), state=state)
    assert Fault(FaultCode.EMERGENCY_STOP, STATION) in state.faults


# --- with a station around it ---------------------------------------------------------------------


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, RULES)
    yield bench
    bench.close()


def test_every_mover_is_told_the_screen_says_so_and_a_restart_remembers(bench: Bench) -> None:
    bench.inbox.post(FaultRaised(bench.clock.now(), FaultCode.PANIC, "mcu"))
    bench.pass_time(1)
    assert ("stop motors",) in bench.diary
    shown = bench.shown()
    assert shown.next is NextAction.STOPPED
    assert all(bin_.faulty and bin_.lid is LidPhase.SHUT for bin_ in shown.bins)
    assert EmergencyLatch([bench.folder]).is_set


def test_after_the_reset_nothing_is_remembered(bench: Bench) -> None:
    outbox = Outbox(bench.folder)
    outbox.replace_roster({card("cleaner"): RosterEntry(CardState.ACTIVE, Role.STAFF)})
    outbox.close()
    bench.pass_time(1)
    bench.inbox.post(FaultRaised(bench.clock.now(), FaultCode.EMERGENCY_STOP, STATION))
    bench.tap("cleaner")
    bench.pass_time(1)
    assert bench.diary.index(("stop motors",)) < bench.diary.index(("resume motors",))
    assert not EmergencyLatch([bench.folder]).is_set
    assert bench.shown().next is NextAction.TAP


def test_a_disk_that_refuses_leaves_the_emergency_remembered_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    latch = EmergencyLatch([tmp_path / "file" / "below", tmp_path / "memory"])
    latch.keep(is_set=True)
    assert latch.is_set
    latch.keep(is_set=False)
    assert not latch.is_set
