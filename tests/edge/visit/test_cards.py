"""Who taps: takeovers, blocked, unknown and staff cards, cards held to a reader."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloud_sync.wire.facts import Credential, Role
from config.station import OpenBy
from edge.faults import CATALOGUE, Fault, FaultCode, blocked_bins, seeing_is_blocked
from edge.messages import (
    Granted,
    LeaseTaken,
    LidObstructed,
    OpenLid,
    Pressed,
    Prompt,
    Refused,
    RefusedBy,
    Say,
    Tapped,
)
from edge.roster import CardState, RosterEntry
from edge.visit.access import HeldCards, decide
from edge.visit.state import Opening, OpeningPhase, State, Visit
from tests.edge.builders import (
    WAITS,
    Scene,
    bin_rule,
    card,
    closes,
    four_bins,
    only,
    opens,
    rules_of,
    said,
    verdict,
)
from tests.waiting import turns

TRAVEL_LIMIT_S = 5.0


# --- a new card takes over ----------------------------------------------------------------------


def test_a_new_card_begins_a_visit_of_its_own_and_lids_already_open_keep_their_lease() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.READER)))
    scene.open_bin("kitchen", who="zhang")
    assert (opens(scene.tap("at-other", who="li")), closes(scene.commands)) == (["other"], [])
    assert said(scene.commands) == [Prompt.WELCOME]
    scene.opened("other")
    assert closes(scene.wait(WAITS.lease_s - WAITS.travel_s)) == ["kitchen"]


def test_what_falls_into_a_lid_opened_by_the_first_card_is_the_first_cards() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.READER)))
    scene.open_bin("kitchen", who="zhang")
    scene.open_bin("other", who="li")
    scene.throw("kitchen")
    scene.seen_as(verdict(), visit=1)
    scene.throw("other")
    scene.seen_as(verdict(None), visit=2)
    scene.shut_bin("kitchen")
    assert (scene.record().facts.card, len(scene.record().facts.deposits)) == (card("zhang"), 1)
    scene.shut_bin("other")
    scene.wait(WAITS.linger_s)
    assert (scene.record().facts.card, len(scene.record().facts.deposits)) == (card("li"), 1)


def test_deposits_no_longer_renew_a_lid_whose_card_was_taken_over_from() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.READER)))
    scene.open_bin("kitchen", who="zhang")
    scene.open_bin("other", who="li")
    assert opens(scene.throw("kitchen")) == []


def test_the_second_card_waits_for_the_same_bin_and_is_served_when_it_is_shut() -> None:
    scene = Scene()
    scene.open_bin(who="zhang")
    assert (opens(scene.tap(who="li")), said(scene.commands)) == ([], [Prompt.WAIT])
    scene.wait(WAITS.lease_s - WAITS.travel_s)
    assert opens(scene.closed()) == ["kitchen"]
    assert scene.record().facts.card == card("zhang")
    scene.now += 2
    scene.opened()
    scene.throw()
    scene.seen_as(verdict(), visit=2)
    scene.shut_bin()
    assert (scene.record().facts.card, len(scene.record().facts.deposits)) == (card("li"), 1)


def test_the_first_cards_lease_ends_before_the_second_cards_begins_when_it_is_shut_by_hand() -> None:
    scene = Scene()
    scene.open_bin(who="zhang")
    scene.tap(who="li")
    scene.closed()
    kinds = [type(one).__name__ for one in scene.commands]
    assert kinds.index("CloseLid") < kinds.index("OpenLid")


def test_whoever_waits_for_several_bins_is_served_at_each_as_it_is_shut() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.ALL)))
    scene.tap("gate", who="zhang")
    scene.now += 2
    for name in scene.rules.bins:
        scene.opened(name)
    scene.tap("gate", who="li")
    scene.wait(WAITS.lease_s)
    for name in ("kitchen", "other", "recyclable", "hazardous"):
        assert opens(scene.closed(name)) == [name]


def test_a_third_card_takes_the_waiting_ones_place() -> None:
    scene = Scene()
    scene.open_bin(who="zhang")
    scene.tap(who="li")
    scene.tap(who="wang")
    assert [visit.card for visit in scene.state.visits] == [card("zhang"), card("wang")]
    scene.wait(WAITS.lease_s - WAITS.travel_s)
    opening = only(scene.closed(), OpenLid)
    assert opening.visit == scene.state.current == 3


def test_whoever_waits_for_a_bin_that_gets_stuck_is_told_and_let_go() -> None:
    scene = Scene()
    scene.open_bin(who="zhang")
    scene.tap(who="li")
    scene.wait(WAITS.lease_s - WAITS.travel_s)
    given = scene.wait(TRAVEL_LIMIT_S)
    assert (opens(given), said(given)) == ([], [Prompt.BIN_FAULTY])
    assert scene.state.current is None


def test_whoever_waits_for_a_lid_that_never_rose_is_told_and_let_go() -> None:
    scene = Scene()
    scene.tap(who="zhang")
    scene.post(LeaseTaken(scene.now, "kitchen"))
    scene.tap(who="li")
    given = scene.wait(TRAVEL_LIMIT_S)
    assert said(given) == [Prompt.BIN_FAULTY]
    assert scene.ended


def test_waiting_for_a_bin_outlasts_the_longest_opening_of_it() -> None:
    scene = Scene()
    scene.open_bin(who="zhang")
    stood_open = scene.now
    while scene.now < stood_open + WAITS.max_open_s - 5:
        scene.throw()
        scene.wait(4)
    scene.tap(who="li")
    patience = turns("the lease to end")
    while closes(scene.commands) == []:
        next(patience)
        scene.wait(0.5)
    scene.wait(4)
    scene.post(LidObstructed(scene.now, "kitchen"))
    scene.wait(WAITS.obstructed_s)
    assert opens(scene.closed()) == ["kitchen"]


def test_whoever_waits_for_a_bin_beyond_every_limit_is_let_go_all_the_same() -> None:
    waiting = Opening("kitchen", OpeningPhase.WAITING, until=110.0)
    visit = Visit(1, card("li"), Credential.EM4100, Role.RESIDENT, 100.0, 100.0, openings=(waiting,))
    scene = Scene(state=State(visits=(visit,), current=1, next_visit=2))
    assert said(scene.wait(10)) == [Prompt.BIN_FAULTY]
    assert scene.ended


def test_too_many_visits_in_progress_make_a_new_card_wait() -> None:
    scene = Scene()
    for number in range(20):
        scene.open_bin(who=f"resident {number}")
        if said(scene.commands) == [Prompt.WAIT]:
            break
        scene.closed()  # recording, and the disk never answers
        scene.now += 0.1
    assert len(scene.state.visits) == 3  # one at the bin, one being recorded, one new
    scene.tap(who="one more")
    assert said(scene.commands) == [Prompt.WAIT]
    assert len(scene.state.visits) == 3


def test_a_card_that_comes_back_while_its_visit_is_being_written_begins_another() -> None:
    scene = Scene()
    scene.open_bin()
    scene.closed()
    scene.tap()
    assert [visit.id for visit in scene.state.visits] == [1, 2]


# --- prompts ------------------------------------------------------------------------------------


def test_of_a_visit_that_was_followed_only_the_points_are_spoken_and_as_the_one_before() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.READER)))
    scene.open_bin("kitchen", who="zhang")
    scene.throw("kitchen")
    scene.open_bin("other", who="li")
    assert said(scene.seen_as(verdict(), visit=1)) == []
    scene.shut_bin("kitchen")
    assert scene.recorded() == [Say(Prompt.POINTS_BEFORE, points=2, visit=1)]


def test_held_points_of_a_visit_that_was_followed_say_that_they_are_held() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.READER)))
    scene.open_bin("kitchen", who="stranger", role=Role.UNKNOWN)
    scene.throw("kitchen")
    scene.open_bin("other", who="li")
    scene.seen_as(verdict(), visit=1)
    scene.shut_bin("kitchen")
    assert said(scene.recorded()) == [Prompt.POINTS_HELD_BEFORE]


def test_a_visit_that_was_followed_and_earned_nothing_is_not_spoken_of() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.READER)))
    scene.open_bin("kitchen", who="zhang")
    scene.open_bin("other", who="li")
    scene.shut_bin("kitchen")
    assert scene.recorded() == []


def test_prompts_about_a_visit_are_spoken_when_nobody_took_over() -> None:
    scene = Scene()
    scene.open_bin()
    scene.throw()
    scene.closed()
    assert said(scene.seen_as(verdict())) == [Prompt.RIGHT]
    assert said(scene.recorded()) == [Prompt.POINTS]


# --- blocked, unknown, staff --------------------------------------------------------------------


def test_a_blocked_card_opens_nothing_and_is_told_so() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.ALL)))
    assert (opens(scene.refuse("gate")), said(scene.commands)) == ([], [Prompt.CARD_BLOCKED])
    assert scene.ended


def test_a_blocked_card_does_not_disturb_the_visit_of_another() -> None:
    scene = Scene()
    scene.open_bin(who="zhang")
    before = scene.state
    scene.refuse()
    assert scene.state == before


def test_nobody_can_press_their_way_in_after_a_blocked_card() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.BUTTON)))
    scene.refuse("gate")
    assert opens(scene.post(Pressed(scene.now, "other"))) == []


ROSTER = {
    card("blocked"): RosterEntry(CardState.BLOCKED, Role.RESIDENT),
    card("fired"): RosterEntry(CardState.BLOCKED, Role.STAFF),
    card("resident"): RosterEntry(CardState.ACTIVE, Role.RESIDENT),
    card("cleaner"): RosterEntry(CardState.ACTIVE, Role.STAFF),
}


def tap_of(who: str, at: float = 1.0, reader: str = "gate") -> Tapped:
    return Tapped(at, reader, card(who), Credential.EM4100)


@pytest.mark.parametrize("who", ["blocked", "fired"])
def test_a_known_and_blocked_card_is_refused_whoever_it_was(who: str) -> None:
    assert decide(tap_of(who), ROSTER) == Refused(1.0, "gate", card(who), RefusedBy.BLOCKED)


@pytest.mark.parametrize(
    ("who", "role"),
    [("resident", Role.RESIDENT), ("cleaner", Role.STAFF), ("stranger", Role.UNKNOWN)],
)
def test_any_other_card_is_let_in_as_what_it_is(who: str, role: Role) -> None:
    assert decide(tap_of(who), ROSTER) == Granted(1.0, "gate", card(who), Credential.EM4100, role)


def test_an_unknown_cards_points_are_kept_for_it() -> None:
    scene = Scene()
    scene.open_bin(role=Role.UNKNOWN)
    scene.throw()
    scene.seen_as(verdict())
    scene.shut_bin()
    assert said(scene.recorded()) == [Prompt.POINTS_HELD]


def test_a_staff_visit_ends_without_talk_of_points() -> None:
    scene = Scene()
    scene.open_bin(role=Role.STAFF)
    scene.throw()
    scene.seen_as(verdict())
    scene.shut_bin()
    assert scene.record().facts.role is Role.STAFF
    assert said(scene.recorded()) == [Prompt.STAFF_DONE]


# --- held cards ---------------------------------------------------------------------------------


def test_a_held_card_is_one_tap_however_long_it_lies_there() -> None:
    held, taps = HeldCards(), 0
    for tenth in range(100):
        tap = tap_of("zhang", at=tenth / 10)
        taps += not held.is_held(tap, WAITS.held_card_s)
        held = held.seen(tap)
    assert taps == 1


@pytest.mark.parametrize(
    ("again", "is_held"),
    [
        (tap_of("zhang", at=2.9), True),
        (tap_of("zhang", at=3.0), False),
        (tap_of("li", at=1.1), False),
        (tap_of("zhang", at=1.1, reader="other"), False),
    ],
    ids=["within the wait", "after the wait", "another card", "another reader"],
)
def test_what_counts_as_the_same_card_still_lying_there(again: Tapped, is_held: bool) -> None:  # noqa: FBT001
    assert HeldCards().seen(tap_of("zhang", at=1.0)).is_held(again, 2.0) is is_held


def test_held_cards_remember_one_card_a_reader() -> None:
    held = HeldCards()
    for number in range(50):
        held = held.seen(tap_of(f"card {number}", at=float(number), reader=f"reader-{number % 3}"))
    assert len(held.last) == 3


# --- the fault catalogue ------------------------------------------------------------------------


def test_every_fault_is_in_the_catalogue() -> None:
    assert set(CATALOGUE) == set(FaultCode)


def test_faults_block_bins_and_sight_by_their_part() -> None:
    faults = [
        Fault(FaultCode.LID_STUCK_OPEN, "kitchen"),
        Fault(FaultCode.LID_FORCED, "other"),
        Fault(FaultCode.CAMERA_FAILED, "cam"),
    ]
    assert blocked_bins(faults) == {"kitchen"}
    assert seeing_is_blocked(faults, frozenset({"cam", "model"}))
    assert not seeing_is_blocked(faults, frozenset({"kitchen", "model"}))


def test_a_bin_of_each_kind_may_stand_at_one_station() -> None:
    by_reader, by_press = bin_rule("kitchen"), bin_rule("other", open_by=OpenBy.BUTTON)
    scene = Scene(rules_of(by_reader, by_press, replace(by_press, id="any", open_by=OpenBy.ALL)))
    assert opens(scene.tap("at-kitchen")) == ["kitchen", "any"]
    assert opens(scene.post(Pressed(scene.now, "other"))) == ["other"]
