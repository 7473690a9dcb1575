"""What is thrown in: seen, photographed, judged, or none of it in time."""

from __future__ import annotations

import pytest

from cloud_sync.rules.award_rules import Outcome
from cloud_sync.wire.facts import MAX_DEPOSITS, MAX_NAME, DepositFacts, Role, VerdictFacts
from config.sorting import Category
from config.station import OpenBy, VisitSection
from edge.faults import Fault, FaultCode
from edge.messages import (
    Alarm,
    Capture,
    CaptureFailed,
    ChamberStirred,
    Classify,
    ClassifyFailed,
    FaultCleared,
    FaultRaised,
    Prompt,
    Say,
)
from edge.visit.state import MODEL, OpeningPhase, State, next_deadline
from models.verdict import Verdict, VerdictState
from tests.edge.builders import (
    EMPTY,
    MODEL_NAME,
    WAITS,
    Scene,
    bin_rule,
    earned,
    four_bins,
    only,
    opens,
    rules_of,
    said,
    verdict,
    with_faults,
)
from tests.waiting import turns

CAMERA_DEAD = Fault(FaultCode.CAMERA_FAILED, "cam")
MODEL_GONE = Fault(FaultCode.MODEL_REFUSED, MODEL)


def thrown() -> Scene:
    """Give a scene in which one thing has just fallen into an open bin."""
    scene = Scene()
    scene.open_bin()
    scene.wait(1)
    scene.throw()
    return scene


def deposits(scene: Scene) -> tuple[DepositFacts, ...]:
    """Shut the bin, and give what was recorded."""
    scene.shut_bin()
    scene.wait(WAITS.linger_s)
    return scene.record().facts.deposits


# --- the way of one deposit ---------------------------------------------------------------------


def test_what_falls_in_is_photographed_then_classified_then_spoken_of() -> None:
    scene = thrown()
    assert only(scene.commands, Capture) == Capture(1, 1, "kitchen")
    assert only(scene.photos(), Classify).photos == ("photo",)
    assert scene.judged(verdict(label="eggshell")) == [
        Say(Prompt.RIGHT, bin=Category.KITCHEN, belongs=Category.KITCHEN, label="eggshell")
    ]


def test_a_deposit_is_recorded_with_its_time_weight_and_verdict() -> None:
    scene = Scene()
    scene.open_bin()
    scene.wait(1.25)
    scene.throw(weight_g=310)
    scene.seen_as(verdict(label="eggshell"))
    seen = VerdictFacts(VerdictState.OK, 0.93, MODEL_NAME, Category.KITCHEN, "eggshell")
    assert deposits(scene) == (DepositFacts("kitchen", Category.KITCHEN, 3.25, seen, 310),)


@pytest.mark.parametrize(
    ("seen", "prompt", "outcome"),
    [
        (verdict(Category.KITCHEN), Prompt.RIGHT, Outcome.RIGHT),
        (verdict(Category.OTHER), Prompt.WRONG, Outcome.WRONG),
        (verdict(None), Prompt.UNSURE, Outcome.UNSURE),
        (EMPTY, None, Outcome.NOTHING),
    ],
    ids=["right", "wrong", "unsure", "empty"],
)
def test_each_verdict_has_its_words_and_its_outcome(
    seen: Verdict, prompt: Prompt | None, outcome: Outcome
) -> None:
    scene = thrown()
    assert said(scene.seen_as(seen)) == ([] if prompt is None else [prompt])
    deposits(scene)
    assert [line.outcome for line in earned(scene.record().facts).lines] == [outcome]


def test_a_wrong_bin_is_answered_with_the_right_one() -> None:
    scene = thrown()
    say = only(scene.seen_as(verdict(Category.HAZARDOUS, "dry_cell")), Say)
    assert (say.belongs, say.label) == (Category.HAZARDOUS, "dry_cell")


def test_no_deposit_is_recorded_as_none() -> None:
    scene = Scene()
    scene.open_bin()
    assert deposits(scene) == ()


def test_several_deposits_are_judged_in_whatever_order_their_verdicts_come() -> None:
    scene = thrown()
    scene.throw()
    scene.photos(deposit=1)
    scene.photos(deposit=2)
    scene.judged(verdict(None), deposit=2)
    scene.judged(verdict(), deposit=1)
    states = [one.verdict and one.verdict.state for one in deposits(scene)]
    assert states == [VerdictState.OK, VerdictState.UNSURE]


# --- what is no deposit -------------------------------------------------------------------------


def test_a_change_while_the_lid_is_shut_or_rising_is_no_deposit() -> None:
    scene = Scene()
    assert scene.throw() == []
    scene.tap()
    assert scene.throw() == []
    scene.now += 2
    scene.opened()
    assert deposits(scene) == ()


def test_a_change_while_the_lid_comes_down_is_a_deposit_that_lengthens_nothing() -> None:
    scene = Scene()
    scene.open_bin()
    scene.wait(WAITS.lease_s)
    scene.throw()
    assert opens(scene.commands) == []
    scene.seen_as(verdict())
    scene.closed()
    assert len(scene.record().facts.deposits) == 1


def test_one_opening_counts_no_more_deposits_than_the_rules_say() -> None:
    scene = Scene(rules_of(bin_rule(camera=None), waits=VisitSection(max_deposits=3)))
    scene.open_bin()
    for _ in range(5):
        scene.throw()
    assert len(deposits(scene)) == 3


def test_the_count_begins_anew_with_the_next_opening() -> None:
    bins = (bin_rule(camera=None), bin_rule("other", camera=None))
    scene = Scene(rules_of(*bins, waits=VisitSection(max_deposits=1)))
    for _ in range(2):
        scene.open_bin()
        scene.throw()
        scene.throw()
        scene.shut_bin()
    scene.wait(WAITS.linger_s)
    assert len(scene.record().facts.deposits) == 2


def test_no_visit_holds_more_deposits_than_its_event() -> None:
    scene = Scene(rules_of(bin_rule(camera=None), waits=VisitSection(max_deposits=50)))
    scene.open_bin()
    for _ in range(MAX_DEPOSITS + 5):
        scene.throw()
    scene.tap()
    assert scene.state.current == 2  # what comes now is counted in a visit of its own
    scene.shut_bin()
    assert len(scene.record().facts.deposits) == MAX_DEPOSITS


# --- cameras and models that fail ---------------------------------------------------------------


@pytest.mark.parametrize("stage", ["capture", "classify"])
def test_silence_ends_in_an_unseen_deposit_and_a_fault(stage: str) -> None:
    scene = thrown()
    wait_s, fault = WAITS.capture_s, Fault(FaultCode.CAMERA_FAILED, "cam")
    if stage == "classify":
        scene.photos()
        wait_s, fault = WAITS.classify_s, Fault(FaultCode.MODEL_FAILED, MODEL)
    assert said(scene.wait(wait_s - 0.01)) == []
    given = scene.wait(0.01)
    assert said(given) == [Prompt.UNSEEN]
    assert only(given, Alarm) == Alarm(fault.code, fault.part, raised=True)
    assert [one.verdict for one in deposits(scene)] == [None]


def test_a_camera_that_fails_outright_is_not_waited_for() -> None:
    scene = thrown()
    given = scene.post(CaptureFailed(scene.now, 1, 1))
    assert (said(given), only(given, Alarm).fault) == ([Prompt.UNSEEN], FaultCode.CAMERA_FAILED)


def test_a_model_that_fails_outright_is_not_waited_for() -> None:
    scene = thrown()
    scene.photos()
    given = scene.post(ClassifyFailed(scene.now, 1, 1))
    assert (said(given), only(given, Alarm).fault) == ([Prompt.UNSEEN], FaultCode.MODEL_FAILED)


def test_being_too_busy_to_look_is_no_fault() -> None:
    scene = thrown()
    assert scene.post(CaptureFailed(scene.now, 1, 1, busy=True)) == [Say(Prompt.UNSEEN, bin=Category.KITCHEN)]
    scene.throw()
    scene.photos(deposit=2)
    assert scene.post(ClassifyFailed(scene.now, 1, 2, busy=True)) == [
        Say(Prompt.UNSEEN, bin=Category.KITCHEN)
    ]
    assert scene.state.faults == frozenset()


def test_a_camera_and_a_model_that_work_again_clear_their_faults() -> None:
    scene = Scene(state=with_faults(CAMERA_DEAD, Fault(FaultCode.MODEL_FAILED, MODEL)))
    scene.open_bin()
    scene.throw()
    assert only(scene.photos(), Alarm) == Alarm(FaultCode.CAMERA_FAILED, "cam", raised=False)
    assert only(scene.judged(verdict()), Alarm) == Alarm(FaultCode.MODEL_FAILED, MODEL, raised=False)


def test_without_a_model_deposits_are_unseen_and_no_camera_is_troubled() -> None:
    scene = Scene(state=with_faults(MODEL_GONE))
    scene.open_bin()
    assert said(scene.throw()) == [Prompt.UNSEEN]
    assert not any(isinstance(one, Capture) for one in scene.commands)


def test_a_refused_model_is_a_fault_until_an_eye_has_one_that_works() -> None:
    scene = Scene(state=with_faults(MODEL_GONE))
    scene.post(FaultCleared(scene.now, FaultCode.MODEL_REFUSED, MODEL))
    assert scene.state.faults == frozenset()


def test_a_fault_is_alarmed_once_when_it_begins_and_once_when_it_ends() -> None:
    scene = Scene()
    for _ in range(3):
        scene.post(FaultRaised(scene.now, FaultCode.CAMERA_FAILED, "cam"))
    for _ in range(3):
        scene.post(FaultCleared(scene.now, FaultCode.CAMERA_FAILED, "cam"))
    alarms = [one for _, given in scene.log for one in given]
    assert alarms == [
        Alarm(FaultCode.CAMERA_FAILED, "cam", raised=True),
        Alarm(FaultCode.CAMERA_FAILED, "cam", raised=False),
    ]


# --- openings that nothing can watch ------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "camera", "weighed", "counted"),
    [
        (State(), "cam", False, 0),
        (with_faults(CAMERA_DEAD), "cam", False, 1),
        (with_faults(CAMERA_DEAD), "cam", True, 0),
        (State(), None, False, 1),
        (State(), None, True, 0),
        (with_faults(Fault(FaultCode.CAMERA_FAILED, "another")), "cam", False, 0),
        (with_faults(Fault(FaultCode.SCALE_SILENT, "kitchen")), None, True, 1),
        (with_faults(Fault(FaultCode.SCALE_STUCK, "kitchen")), None, True, 1),
        (with_faults(Fault(FaultCode.SCALE_SATURATED, "kitchen")), None, True, 1),
        (with_faults(Fault(FaultCode.SCALE_SILENT, "kitchen")), "cam", True, 0),
        (with_faults(Fault(FaultCode.SCALE_SILENT, "glass")), None, True, 0),
    ],
    ids=[
        "watched",
        "dead camera",
        "dead but weighed",
        "no camera",
        "weighed",
        "another camera",
        "silent scale",
        "stuck scale",
        "saturated scale",
        "camera beside a silent scale",
        "another scale",
    ],
)
def test_an_opening_that_nothing_watched_counts_as_one_unseen_deposit(
    state: State,
    camera: str | None,
    weighed: bool,  # noqa: FBT001
    counted: int,
) -> None:
    scene = Scene(rules_of(bin_rule(camera=camera, weighed=weighed)), state=state)
    scene.open_bin()
    assert [one.verdict for one in deposits(scene)] == [None] * counted


def test_an_unwatched_opening_with_a_deposit_counts_no_second_one() -> None:
    scene = Scene(state=with_faults(CAMERA_DEAD))
    scene.open_bin()
    scene.throw()
    scene.post(CaptureFailed(scene.now, 1, 1))
    assert len(deposits(scene)) == 1


def test_each_unwatched_opening_of_a_visit_counts_for_itself() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.READER)), state=with_faults(CAMERA_DEAD))
    for name in ("kitchen", "other"):
        scene.open_bin(name)
        scene.shut_bin(name)
    scene.wait(WAITS.linger_s)
    assert [one.bin for one in scene.record().facts.deposits] == ["kitchen", "other"]


def test_staff_who_open_an_unwatched_bin_threw_nothing_in() -> None:
    scene = Scene(state=with_faults(CAMERA_DEAD))
    scene.open_bin(role=Role.STAFF)
    assert deposits(scene) == ()


def test_a_lid_that_never_stood_open_counts_nothing() -> None:
    scene = Scene(state=with_faults(CAMERA_DEAD))
    scene.tap()
    scene.wait(60)
    assert scene.ended
    assert not any(said([one]) == [Prompt.UNSEEN] for _, given in scene.log for one in given)


# --- late and strange results -------------------------------------------------------------------


def test_a_picture_that_comes_too_late_is_ignored() -> None:
    scene = thrown()
    scene.wait(WAITS.capture_s)
    before = scene.state
    assert scene.photos() == []
    assert scene.state == before


def test_a_verdict_that_comes_too_late_is_ignored() -> None:
    scene = thrown()
    scene.photos()
    scene.wait(WAITS.classify_s)
    before = scene.state
    assert scene.judged(verdict()) == []
    assert scene.post(ClassifyFailed(scene.now, 1, 1)) == []
    assert scene.state == before


def test_the_same_result_twice_counts_once() -> None:
    scene = thrown()
    scene.seen_as(verdict())
    before = scene.state
    assert scene.seen_as(verdict(Category.OTHER)) == []
    assert scene.state == before


@pytest.mark.parametrize(("visit", "deposit"), [(2, 1), (1, 2), (0, 0)])
def test_results_of_something_that_never_was_are_ignored(visit: int, deposit: int) -> None:
    scene = thrown()
    before = scene.state
    assert scene.seen_as(verdict(), visit, deposit) == []
    assert scene.post(CaptureFailed(scene.now, visit, deposit)) == []
    assert scene.state == before


def test_what_the_wire_would_refuse_is_brought_within_its_bounds() -> None:
    scene = Scene()
    scene.open_bin()
    scene.throw(weight_g=-15)
    scene.seen_as(Verdict(VerdictState.UNSURE, None, "l" * 200, 1.0000001, "m" * 200))
    (one,) = deposits(scene)
    assert one.weight_g == 0
    assert one.verdict == VerdictFacts(VerdictState.UNSURE, 1.0, "m" * MAX_NAME, None, "l" * MAX_NAME)


# --- scales -------------------------------------------------------------------------------------


def weigh(scene: Scene, *loads: int) -> list[tuple[int | None, bool]]:
    """Shut the bin, its scale telling of these loads as it does; weight of each deposit, and whether seen."""
    patience = turns("the lid to shut")
    while scene.visit.openings[0].phase is not OpeningPhase.CLOSING:
        next(patience)
        scene.wait((next_deadline(scene.state) or scene.now) - scene.now)
    for load in loads:
        scene.weighed(load)
    scene.closed()
    scene.wait(WAITS.linger_s)
    facts = scene.record().facts.deposits
    return [(one.weight_g, one.verdict is not None) for one in facts]


def weighed_scene(camera: str | None) -> Scene:
    scene = Scene(rules_of(bin_rule(camera=camera, weighed=True)))
    scene.open_bin()
    return scene


def test_where_no_camera_looks_each_load_is_an_unseen_deposit_of_its_weight() -> None:
    scene = weighed_scene(None)
    assert weigh(scene, 310, 45) == [(310, False), (45, False)]


def test_a_load_is_the_weight_of_what_the_camera_saw() -> None:
    scene = weighed_scene("cam")
    scene.throw()
    scene.seen_as(verdict())
    scene.throw()
    scene.seen_as(verdict(), deposit=2)
    assert weigh(scene, 310, 45, 7) == [(310, True), (52, True)]


def test_what_only_the_scale_felt_is_unseen_and_no_camera_is_asked_for_it() -> None:
    scene = weighed_scene("cam")
    assert weigh(scene, 310, 45) == [(310, False), (45, False)]
    assert not [one for _, given in scene.log for one in given if isinstance(one, Capture)]


def test_a_lid_that_was_never_seen_shut_leaves_its_scale_without_a_word_in_the_residents_favour() -> None:
    scene = weighed_scene(None)
    scene.wait(60)
    assert [one.verdict for one in scene.record().facts.deposits] == [None]


def test_what_a_scale_feels_lengthens_the_lease_of_the_current_visit() -> None:
    scene = weighed_scene(None)
    scene.wait(WAITS.lease_s - WAITS.travel_s - 1)
    assert opens(scene.post(ChamberStirred(scene.now, "kitchen"))) == ["kitchen"]
