"""Officers' commands: they open and shut lids by every rule of one, and say what its switch saw."""

from __future__ import annotations

import pytest

from cloud_sync.wire.commands import (
    CloseBin,
    Ending,
    EndService,
    Identify,
    OpenBin,
    RestartPart,
    ResumeService,
    SayPrompt,
    Verb,
    Why,
)
from cloud_sync.wire.facts import Role
from config.station import OpenBy
from edge.faults import Fault, FaultCode
from edge.messages import (
    Capture,
    CloseLid,
    Command,
    EndPart,
    FaultCleared,
    FaultRaised,
    LeaseRefused,
    LevelChanged,
    LidObstructed,
    OpenLid,
    Ordered,
    Pressed,
    Prompt,
    Record,
    Reply,
    Say,
    StopRequested,
)
from tests.edge.builders import Scene, bin_rule, command, rules_of

KITCHEN = OpenBin("kitchen")


def order(scene: Scene, verb: Verb, number: int = 1) -> list[Command]:
    return scene.post(Ordered(scene.now, command(verb, number)))


def reply(commands: list[Command]) -> Reply:
    (found,) = (one for one in commands if isinstance(one, Reply))
    return found


def refusal(scene: Scene, verb: Verb = KITCHEN) -> Why | None:
    """Give why a command is refused, and that no motor is told anything."""
    commands = order(scene, verb)
    assert not [one for one in commands if isinstance(one, (OpenLid, CloseLid))]
    assert reply(commands).outcome is Ending.REFUSED
    return reply(commands).why


def opened(scene: Scene) -> Scene:
    order(scene, KITCHEN)
    scene.now += 1.5
    scene.opened()
    return scene


def test_a_lid_opens_by_order_for_one_lease_and_the_answer_is_what_its_switch_saw() -> None:
    scene = Scene()
    commands = order(scene, KITCHEN)
    assert [one.bin for one in commands if isinstance(one, OpenLid)] == ["kitchen"]
    assert Prompt.REMOTE_OPENING in [one.prompt for one in commands if isinstance(one, Say)]
    assert not [one for one in commands if isinstance(one, Reply)], "no switch has said anything yet"
    scene.now += 1.5
    assert reply(scene.opened()) == Reply(f"{1:032x}", Ending.DONE, lid="open", after_s=1.5)
    assert any(isinstance(one, CloseLid) for one in scene.wait(scene.rules.lease_s))
    scene.closed()
    assert not scene.state.visits
    assert not [one for _, given in scene.log for one in given if isinstance(one, Record)]


def test_what_falls_into_a_lid_opened_by_order_is_nobodys() -> None:
    scene = opened(Scene())
    assert not [one for one in scene.throw() if isinstance(one, Capture)]
    scene.wait(scene.rules.lease_s)
    scene.closed()
    scene.throw()
    scene.wait(100)
    assert not [one for _, given in scene.log for one in given if isinstance(one, (Record, Capture))]


def test_a_lid_that_does_not_open_is_answered_as_unseen_after_its_travel_time() -> None:
    scene = Scene()
    order(scene, KITCHEN)
    commands = scene.wait(scene.rules.travel_limit_s)
    assert reply(commands) == Reply(f"{1:032x}", Ending.UNSEEN, Why.NOT_SEEN)
    assert any(isinstance(one, CloseLid) for one in commands), "and its motor gets no further time"
    assert not scene.state.awaited


def test_a_mover_that_refuses_is_named() -> None:
    scene = Scene()
    order(scene, KITCHEN)
    assert reply(scene.post(LeaseRefused(scene.now, "kitchen"))).why is Why.MOVER


@pytest.mark.parametrize("fault", [FaultCode.PANIC, FaultCode.SMOKE, FaultCode.EMERGENCY_STOP])
def test_no_order_opens_or_shuts_a_lid_in_an_emergency(fault: FaultCode) -> None:
    scene = Scene()
    scene.post(FaultRaised(scene.now, fault, "station"))
    assert refusal(scene) is Why.EMERGENCY
    assert refusal(scene, CloseBin("kitchen")) is Why.EMERGENCY
    assert refusal(scene) is Why.EMERGENCY


def test_an_emergency_ends_an_order_under_way() -> None:
    scene = Scene()
    order(scene, KITCHEN)
    assert reply(scene.post(FaultRaised(scene.now, FaultCode.PANIC, "station"))).why is Why.EMERGENCY


@pytest.mark.parametrize(
    "fault",
    [FaultCode.LID_STUCK_SHUT, FaultCode.LID_STUCK_OPEN, FaultCode.LID_UNREACHABLE, FaultCode.LID_UNPOWERED],
)
def test_no_order_opens_a_lid_over_a_fault_that_a_staff_card_could_override(fault: FaultCode) -> None:
    scene = Scene()
    scene.post(FaultRaised(scene.now, fault, "kitchen"))
    assert refusal(scene) is Why.FAULT


def test_a_lid_whose_mover_is_lost_while_it_opens_is_answered() -> None:
    scene = Scene()
    order(scene, KITCHEN)
    answer = reply(scene.post(FaultRaised(scene.now, FaultCode.LID_UNREACHABLE, "kitchen")))
    assert (answer.outcome, answer.why) == (Ending.UNSEEN, Why.FAULT)


def test_a_full_bin_and_an_unknown_one_stay_shut() -> None:
    scene = Scene()
    scene.post(LevelChanged(scene.now, "kitchen", full=True))
    assert refusal(scene) is Why.FULL
    assert refusal(scene, OpenBin("cellar")) is Why.NO_SUCH_BIN
    assert refusal(scene, CloseBin("cellar")) is Why.NO_SUCH_BIN


@pytest.mark.parametrize("role", Role)
def test_an_order_never_disturbs_a_visit_and_a_visit_never_an_order(role: Role) -> None:
    scene = Scene()
    scene.tap(role=role)
    assert refusal(scene) is Why.BUSY
    scene.opened()
    assert refusal(scene) is Why.BUSY
    scene = opened(Scene())
    assert not [one for one in scene.tap(role=role) if isinstance(one, OpenLid)], "the card waits"
    scene.wait(scene.rules.lease_s)
    assert [one.visit for one in scene.closed() if isinstance(one, OpenLid)] == [2], "and then has its turn"


def test_a_second_order_for_the_same_lid_is_refused_while_it_is_open() -> None:
    assert refusal(opened(Scene())) is Why.BUSY


def test_an_order_ends_the_lease_and_says_when_the_lid_was_shut() -> None:
    scene = opened(Scene())
    commands = order(scene, CloseBin("kitchen"), 2)
    assert any(isinstance(one, CloseLid) for one in commands)
    scene.now += 2
    assert reply(scene.closed()) == Reply(f"{2:032x}", Ending.DONE, lid="shut", after_s=2.0)


def test_a_lid_that_something_blocks_is_not_called_shut() -> None:
    scene = opened(Scene())
    order(scene, CloseBin("kitchen"), 2)
    answer = reply(scene.post(LidObstructed(scene.now, "kitchen")))
    assert (answer.outcome, answer.why) == (Ending.UNSEEN, Why.OBSTRUCTED)


def test_a_lid_that_is_shut_already_is_told_nothing() -> None:
    scene = Scene()
    commands = order(scene, CloseBin("kitchen"))
    assert commands == [Reply(f"{1:032x}", Ending.DONE, lid="shut", after_s=0.0)]
    scene.post(FaultRaised(scene.now, FaultCode.LID_STUCK_OPEN, "kitchen"))
    assert refusal(scene, CloseBin("kitchen")) is Why.FAULT, "one that stands open is not called shut"


def test_a_station_out_of_service_opens_for_staff_alone_until_the_office_ends_it() -> None:
    scene = Scene()
    assert reply(order(scene, EndService())).outcome is Ending.DONE
    assert Fault(FaultCode.OUT_OF_SERVICE, "station") in scene.state.faults
    assert [one.prompt for one in scene.tap() if isinstance(one, Say)] == [Prompt.OUT_OF_SERVICE]
    assert not scene.state.visits
    assert refusal(scene) is Why.OUT_OF_SERVICE
    scene.post(FaultCleared(scene.now, FaultCode.OUT_OF_SERVICE, "station"))
    assert refusal(scene) is Why.OUT_OF_SERVICE, "no part of the station may end it"
    assert [one for one in scene.tap(role=Role.STAFF) if isinstance(one, OpenLid)]
    scene.opened()
    scene.closed()
    scene.wait(60)
    order(scene, ResumeService(), 2)
    assert [one for one in scene.tap() if isinstance(one, OpenLid)]


def test_a_button_opens_nothing_for_a_resident_out_of_service() -> None:
    scene = Scene(rules=rules_of(bin_rule(open_by=OpenBy.BUTTON)))
    scene.tap()
    order(scene, EndService())
    assert not [one for one in scene.post(Pressed(scene.now, "kitchen")) if isinstance(one, OpenLid)]


def test_a_station_out_of_service_twice_is_out_once() -> None:
    scene = Scene()
    for number in range(2):
        assert reply(order(scene, EndService(), number)).outcome is Ending.DONE
    assert reply(order(scene, ResumeService(), 3)).outcome is Ending.DONE
    assert reply(order(scene, ResumeService(), 4)).outcome is Ending.DONE
    assert not scene.state.faults


def test_a_prompt_is_said_and_a_station_makes_itself_known() -> None:
    scene = Scene()
    assert Say(Prompt.TAP_FIRST) in order(scene, SayPrompt("tap_first"))
    assert Say(Prompt.IDENTIFY) in order(scene, Identify(), 2)


def test_the_lids_process_is_ended_only_while_no_lid_is_open() -> None:
    scene = Scene()
    assert EndPart(f"{1:032x}", "lids") in order(scene, RestartPart("lids"))
    scene = opened(scene)
    assert refusal(scene, RestartPart("lids")) is Why.LID_OPEN
    assert EndPart(f"{2:032x}", "eye") in order(scene, RestartPart("eye"), 2)


def test_a_stop_shuts_a_lid_opened_by_order_and_answers_what_is_awaited() -> None:
    scene = Scene()
    order(scene, KITCHEN)
    scene.post(StopRequested(scene.now))
    assert reply(scene.post(StopRequested(scene.now, is_final=True))).outcome is Ending.UNSEEN
    assert not scene.state.visits
    scene = opened(Scene())
    assert [one for one in scene.post(StopRequested(scene.now)) if isinstance(one, CloseLid)]
