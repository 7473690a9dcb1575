"""Which lids open, for how long, and how an opening ends."""

from __future__ import annotations

import pytest

from cloud_sync.wire.facts import MAX_OPENINGS, OpeningFacts, Role
from config.station import OpenBy, VisitSection
from edge.faults import LIDS_AWAY, Fault, FaultCode
from edge.messages import (
    Alarm,
    CloseLid,
    FaultCleared,
    FaultRaised,
    LeaseTaken,
    LevelChanged,
    LidClosed,
    LidObstructed,
    OpenLid,
    Pressed,
    Prompt,
    Tick,
)
from edge.visit.state import State, next_deadline
from tests.edge.builders import (
    WAITS,
    Scene,
    bin_rule,
    closes,
    four_bins,
    only,
    opens,
    rules_of,
    said,
    verdict,
    with_faults,
)
from tests.waiting import turns

TRAVEL_LIMIT_S = 5.0  # twice the travel of 2 s, and one more


# --- who opens what -----------------------------------------------------------------------------


def test_a_tap_at_a_bins_reader_opens_that_bin_alone() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.READER)))
    assert scene.tap("at-other")[:1] == [OpenLid(1, "other", WAITS.lease_s)]
    assert opens(scene.commands) == ["other"]
    assert said(scene.commands) == [Prompt.WELCOME]


def test_a_tap_opens_every_bin_that_any_tap_opens() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.ALL)))
    assert opens(scene.tap("gate")) == ["recyclable", "hazardous", "kitchen", "other"]
    assert said(scene.commands) == [Prompt.WELCOME]


def test_a_tap_then_a_press_opens_the_pressed_bin() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.BUTTON)))
    assert (opens(scene.tap("gate")), said(scene.commands)) == ([], [Prompt.CHOOSE])
    assert opens(scene.post(Pressed(scene.now, "hazardous"))) == ["hazardous"]


def test_a_press_without_a_tap_asks_for_the_card() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.BUTTON)))
    assert (opens(scene.post(Pressed(scene.now, "other"))), said(scene.commands)) == ([], [Prompt.TAP_FIRST])


def test_a_press_at_a_bin_without_a_button_does_nothing() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.READER)))
    scene.tap("at-other")
    assert scene.post(Pressed(scene.now, "kitchen")) == []


def test_a_reader_that_opens_no_bin_says_so_and_leaves_no_visit() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.READER)))
    assert (opens(scene.tap("gate")), said(scene.commands)) == ([], [Prompt.NOTHING_OPENS])
    assert scene.ended


def test_nobody_pressing_ends_the_visit_without_a_record() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.BUTTON)))
    scene.tap("gate")
    assert scene.wait(WAITS.choose_s - 0.1) == []
    assert not scene.ended
    assert scene.wait(0.1) == []
    assert scene.ended


# --- the lease ----------------------------------------------------------------------------------


def test_an_unused_lid_is_shut_when_the_lease_of_its_command_ends() -> None:
    scene = Scene()
    scene.open_bin()
    assert scene.wait(WAITS.lease_s - WAITS.travel_s - 0.01) == []
    assert scene.wait(0.01) == [CloseLid(1, "kitchen")]


def test_a_deposit_lengthens_the_lease() -> None:
    scene = Scene()
    scene.open_bin()
    scene.wait(4)
    assert only(scene.throw(), OpenLid) == OpenLid(1, "kitchen", WAITS.lease_s)
    assert closes(scene.wait(WAITS.lease_s - 0.01)) == []
    assert closes(scene.wait(0.01)) == ["kitchen"]


def test_a_deposit_that_gains_nothing_sends_no_command() -> None:
    scene = Scene()
    scene.open_bin()
    scene.wait(4)
    scene.throw()
    scene.wait(0.4)
    assert opens(scene.throw()) == []
    scene.wait(0.6)
    assert opens(scene.throw()) == ["kitchen"]


def test_renewal_ends_at_the_limit_of_the_whole_opening() -> None:
    scene = Scene()
    scene.open_bin()
    stood_open = scene.now
    leased_until = [stood_open]
    patience = turns("the lease to end")
    while closes(scene.commands) == []:
        next(patience)
        renewals = [one for one in scene.throw() if isinstance(one, OpenLid)]
        leased_until += [scene.now + one.lease_s for one in renewals]
        scene.wait(1)
    assert max(leased_until) == stood_open + WAITS.max_open_s
    assert scene.now == pytest.approx(stood_open + WAITS.max_open_s)


def test_the_same_card_again_lengthens_the_lease() -> None:
    scene = Scene()
    scene.open_bin()
    scene.wait(5)
    assert (opens(scene.tap()), said(scene.commands)) == (["kitchen"], [])
    assert closes(scene.wait(WAITS.lease_s - 0.01)) == []


def test_a_tap_while_the_lid_still_rises_sends_no_second_command() -> None:
    scene = Scene()
    scene.tap()
    assert scene.tap() == []


def test_a_tap_opens_a_closing_lid_again_within_the_limit_of_its_first_opening() -> None:
    scene = Scene(rules_of(bin_rule(), waits=VisitSection(max_open_s=10)))
    scene.open_bin()
    scene.wait(6)
    assert closes(scene.commands) == ["kitchen"]
    assert only(scene.tap(), OpenLid).lease_s == pytest.approx(4)
    scene.wait(4)
    assert closes(scene.commands) == ["kitchen"]
    assert (opens(scene.tap()), said(scene.commands)) == ([], [Prompt.WAIT])


def test_no_single_lease_is_longer_than_the_limit_of_an_opening() -> None:
    scene = Scene(rules_of(bin_rule(), waits=VisitSection(lease_s=60, max_open_s=10)))
    assert only(scene.tap(), OpenLid).lease_s == 10
    scene.now += 2
    scene.opened()
    assert closes(scene.wait(8)) == ["kitchen"]


# --- how an opening ends ------------------------------------------------------------------------


def test_a_lid_shut_by_hand_ends_its_lease_and_its_opening() -> None:
    scene = Scene()
    scene.open_bin()
    scene.wait(1)
    assert closes(scene.closed()) == ["kitchen"]
    assert scene.record().facts.openings == (OpeningFacts("kitchen", 2.0, 3.0),)


def test_a_lid_still_resting_on_its_shut_switch_has_not_ended_its_opening() -> None:
    scene = Scene()
    scene.tap()
    assert scene.closed() == []
    scene.now += 2
    scene.opened()
    assert closes(scene.wait(WAITS.lease_s)) == ["kitchen"]


def test_a_lid_that_never_opens_is_a_fault_and_no_visit() -> None:
    scene = Scene()
    scene.tap()
    scene.post(LeaseTaken(scene.now, "kitchen"))
    assert scene.wait(TRAVEL_LIMIT_S - 0.01) == []
    given = scene.wait(0.01)
    assert given[:2] == [CloseLid(1, "kitchen"), Alarm(FaultCode.LID_STUCK_SHUT, "kitchen", raised=True)]
    assert said(given) == [Prompt.BIN_FAULTY]
    assert scene.ended


@pytest.mark.parametrize("code", sorted(LIDS_AWAY))
def test_a_lid_whose_mover_goes_while_it_opens_is_given_up_and_opens_for_the_next(code: FaultCode) -> None:
    scene = Scene()
    scene.tap()
    given = scene.post(FaultRaised(scene.now, code, "kitchen"))
    assert given[:2] == [Alarm(code, "kitchen", raised=True), CloseLid(1, "kitchen")]
    assert said(given) == [Prompt.BIN_FAULTY]
    assert scene.ended
    assert scene.wait(TRAVEL_LIMIT_S) == [], "nobody says that it is jammed"
    scene.post(FaultCleared(scene.now, code, "kitchen"))
    assert opens(scene.tap()) == ["kitchen"]


def test_a_lid_whose_mover_goes_while_it_stands_open_keeps_its_opening() -> None:
    scene = Scene()
    scene.open_bin()
    assert closes(scene.post(FaultRaised(scene.now, FaultCode.LID_UNREACHABLE, "kitchen"))) == []
    assert not scene.ended
    scene.wait(1)
    assert closes(scene.closed()) == ["kitchen"]
    assert scene.record().facts.openings == (OpeningFacts("kitchen", 2.0, 3.0),)


def test_staff_who_try_a_lid_that_cannot_be_reached_find_no_jam() -> None:
    scene = Scene(state=with_faults(Fault(FaultCode.LID_UNREACHABLE, "kitchen")))
    assert opens(scene.tap(role=Role.STAFF)) == ["kitchen"]
    given = scene.wait(TRAVEL_LIMIT_S)
    assert (closes(given), said(given)) == (["kitchen"], [Prompt.BIN_FAULTY])
    assert scene.state.faults == {Fault(FaultCode.LID_UNREACHABLE, "kitchen")}


def test_a_lid_that_never_shuts_is_a_fault_and_its_visit_is_still_recorded() -> None:
    scene = Scene()
    scene.open_bin()
    scene.wait(WAITS.lease_s - WAITS.travel_s)
    given = scene.wait(TRAVEL_LIMIT_S)
    assert only(given, Alarm) == Alarm(FaultCode.LID_STUCK_OPEN, "kitchen", raised=True)
    assert scene.record().facts.openings == (OpeningFacts("kitchen", 2.0, None),)


def test_something_in_the_way_is_named_and_gets_time_to_be_cleared() -> None:
    scene = Scene()
    scene.open_bin()
    scene.wait(WAITS.lease_s - WAITS.travel_s)
    scene.wait(1)
    assert said(scene.post(LidObstructed(scene.now, "kitchen"))) == [Prompt.CLEAR_LID]
    assert scene.wait(WAITS.obstructed_s + TRAVEL_LIMIT_S - 1.01) == []
    assert only(scene.wait(0.01), Alarm).fault is FaultCode.LID_STUCK_OPEN


def test_an_obstruction_reported_again_gains_no_more_time() -> None:
    scene = Scene()
    scene.open_bin()
    scene.wait(WAITS.lease_s - WAITS.travel_s)
    closing_at = scene.now
    for _ in range(4):
        scene.wait(4)
        scene.post(LidObstructed(scene.now, "kitchen"))
    assert next_deadline(scene.state) == closing_at + WAITS.obstructed_s + TRAVEL_LIMIT_S


@pytest.mark.parametrize(("early_s", "asked"), [(0.1, [Prompt.CLEAR_LID]), (3.0, [])])
def test_a_lid_that_finds_something_in_its_way_as_its_lease_ends_has_it_cleared_though_its_clock_runs_ahead(
    early_s: float, asked: list[Prompt]
) -> None:
    scene = Scene()
    scene.open_bin()
    due = next_deadline(scene.state)
    assert due is not None
    scene.now = due - early_s
    assert said(scene.post(LidObstructed(scene.now, "kitchen"))) == asked


def test_an_obstruction_of_a_lid_that_does_not_close_is_ignored() -> None:
    scene = Scene()
    scene.open_bin()
    assert scene.post(LidObstructed(scene.now, "kitchen")) == []


def test_a_lid_that_opens_unasked_is_a_fault_until_it_is_shut() -> None:
    scene = Scene()
    assert scene.opened() == [Alarm(FaultCode.LID_FORCED, "kitchen", raised=True)]
    assert scene.opened() == []
    assert scene.closed() == [Alarm(FaultCode.LID_FORCED, "kitchen", raised=False)]


# --- bins that may not open ---------------------------------------------------------------------


@pytest.mark.parametrize("code", [FaultCode.LID_STUCK_SHUT, FaultCode.LID_STUCK_OPEN])
def test_a_faulted_bin_opens_for_staff_alone(code: FaultCode) -> None:
    scene = Scene(state=with_faults(Fault(code, "kitchen")))
    assert (opens(scene.tap()), said(scene.commands)) == ([], [Prompt.BIN_FAULTY])
    assert scene.ended
    assert opens(scene.tap(role=Role.STAFF)) == ["kitchen"]


def test_staff_who_get_a_stuck_lid_to_open_clear_its_fault() -> None:
    scene = Scene(state=with_faults(Fault(FaultCode.LID_STUCK_SHUT, "kitchen")))
    scene.tap(role=Role.STAFF)
    assert scene.opened() == [Alarm(FaultCode.LID_STUCK_SHUT, "kitchen", raised=False)]


def test_a_stuck_open_lid_that_comes_down_clears_its_fault() -> None:
    scene = Scene(state=with_faults(Fault(FaultCode.LID_STUCK_OPEN, "kitchen")))
    assert scene.closed() == [Alarm(FaultCode.LID_STUCK_OPEN, "kitchen", raised=False)]


@pytest.mark.parametrize("code", [FaultCode.LID_FORCED, FaultCode.READER_FAILED, FaultCode.JOURNAL_FAILED])
def test_a_fault_that_blocks_no_bin_keeps_nobody_out(code: FaultCode) -> None:
    scene = Scene(state=with_faults(Fault(code, "kitchen")))
    assert opens(scene.tap()) == ["kitchen"]


def test_a_full_bin_opens_for_staff_alone_until_it_is_emptied() -> None:
    scene = Scene()
    scene.post(LevelChanged(scene.now, "kitchen", full=True))
    assert (opens(scene.tap()), said(scene.commands)) == ([], [Prompt.BIN_FULL])
    assert opens(scene.tap(who="cleaner", role=Role.STAFF)) == ["kitchen"]
    scene.opened()
    scene.post(LevelChanged(scene.now, "kitchen", full=False))
    scene.shut_bin()
    assert opens(scene.tap()) == ["kitchen"]


def test_a_full_bin_among_others_says_nothing_while_another_opens() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.ALL)), state=with_faults(full=["kitchen"]))
    assert opens(scene.tap("gate")) == ["recyclable", "hazardous", "other"]
    assert said(scene.commands) == [Prompt.WELCOME]


# --- several bins in one visit ------------------------------------------------------------------


def test_one_visit_may_use_several_bins_at_once_and_is_recorded_when_the_last_is_shut() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.READER)))
    scene.open_bin("kitchen")
    scene.open_bin("other")
    scene.shut_bin("kitchen")
    assert len(scene.state.visits) == 1
    scene.shut_bin("other")
    scene.wait(WAITS.linger_s)
    facts = scene.record().facts
    assert [opening.bin for opening in facts.openings] == ["kitchen", "other"]


def test_after_the_last_lid_the_resident_may_open_another_bin_for_a_while() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.READER)))
    scene.open_bin("kitchen")
    scene.shut_bin("kitchen")
    assert scene.wait(WAITS.linger_s - 0.01) == []
    assert opens(scene.tap("at-other")) == ["other"]
    assert len(scene.state.visits) == 1
    assert said(scene.commands) == []  # welcomed once is enough


def test_where_every_tap_opens_everything_nobody_lingers() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.ALL)))
    scene.tap("gate")
    scene.now += 2
    for name in scene.rules.bins:
        scene.opened(name)
    scene.wait(WAITS.lease_s)
    for name in scene.rules.bins:
        scene.closed(name)
    assert scene.record().visit == 1


def test_a_visit_grows_no_further_than_its_event_can_hold() -> None:
    rules = rules_of(*four_bins(OpenBy.READER), waits=VisitSection(max_visit_s=3600))
    scene = Scene(rules)
    for number in range(MAX_OPENINGS):
        scene.open_bin("kitchen")
        scene.throw()
        scene.seen_as(verdict(), deposit=number + 1)
        scene.shut_bin("kitchen")
    assert len(scene.visit.closed) == MAX_OPENINGS
    scene.tap("at-other")
    first = scene.record().facts
    assert scene.state.current == 2
    assert (len(first.openings), len(first.deposits)) == (MAX_OPENINGS, MAX_OPENINGS)


def test_a_tap_that_opens_more_bins_than_the_event_can_hold_begins_a_new_visit() -> None:
    bins = [bin_rule(f"bin-{number}", open_by=OpenBy.ALL) for number in range(7)]
    button = bin_rule("button", open_by=OpenBy.BUTTON)  # so that visits linger
    scene = Scene(rules_of(*bins, button, waits=VisitSection(max_visit_s=3600)))
    patience = turns("a second visit")
    while scene.state.current in (None, 1):
        next(patience)
        scene.tap("gate")
        scene.now += 2
        for rule in bins:
            scene.opened(rule.id)
            scene.closed(rule.id)
    assert len(scene.record().facts.openings) == MAX_OPENINGS - MAX_OPENINGS % 7


def test_a_visit_that_lasts_too_long_opens_no_more_bins() -> None:
    rules = rules_of(*four_bins(OpenBy.BUTTON), waits=VisitSection(max_visit_s=20, linger_s=30))
    scene = Scene(rules)
    scene.tap("gate")
    scene.post(Pressed(scene.now, "kitchen"))
    scene.now += 2
    scene.opened("kitchen")
    scene.shut_bin("kitchen")
    scene.wait(12)
    assert (opens(scene.post(Pressed(scene.now, "other"))), said(scene.commands)) == ([], [Prompt.TAP_FIRST])
    scene.tap("gate")
    assert scene.state.current == 2


# --- events that make no sense ------------------------------------------------------------------


@pytest.mark.parametrize("made", [LidClosed, LidObstructed, Pressed])
def test_a_bin_that_nobody_configured_is_ignored(made: type[LidClosed | LidObstructed | Pressed]) -> None:
    scene = Scene()
    scene.open_bin()
    before = scene.state
    assert scene.post(made(scene.now, "nowhere")) == []
    assert scene.state == before


def test_an_unknown_bin_leaves_no_trace_in_the_state() -> None:
    scene = Scene()
    scene.opened("nowhere")
    scene.throw("nowhere")
    scene.post(LevelChanged(scene.now, "nowhere", full=True))
    assert scene.state == State()


def test_a_tick_with_nothing_due_changes_nothing() -> None:
    scene = Scene()
    scene.open_bin()
    before = scene.state
    assert scene.post(Tick(scene.now)) == []
    assert scene.state == before
