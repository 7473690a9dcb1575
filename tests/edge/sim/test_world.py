from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_sync.rules.award_rules import Outcome, outcome_of
from cloud_sync.wire.facts import Role
from config.sorting import Category
from config.station import VisitSection
from edge.faults import FaultCode
from edge.messages import LidObstructed, Pressed, Prompt, Record, Tapped
from edge.sim.lid import LidFault
from edge.sim.lid_log import longest_beyond_lease_s
from edge.sim.people.plans import Habits
from edge.sim.photos.thrown import PhotoSource
from edge.sim.place import Fate
from edge.sim.world import GIVE_UP_AFTER
from tests.edge.sim.playing import Game
from tests.edge.sim.stations import ALL, BLIND, BUTTON, KINDS, MIXED, READER, SHARED, SINGLE, station

SEEDS = st.integers(0, 2**32)
A_QUARTER = settings().max_examples // 4
"""A whole world takes longer than most examples."""
LIVELY = Habits(
    wrong=0.3,
    walks_away=0.15,
    holds_card=0.3,
    hand_in_lid=0.25,
    comes_along=0.5,
    stranger=0.2,
    child=0.1,
    blocked=0.2,
)
"""Habits with which everything happens often."""


def assert_sound(game: Game) -> None:
    """Check what must hold in every world, even if parts break."""
    assert game.station.state.visits == ()
    for lid in game.plant.lids.values():
        assert longest_beyond_lease_s(lid.notes) < 1e-9
    assert game.world.people.blocked.card not in game.station.let_in


def assert_complete(game: Game, visits: int) -> None:
    """Check what must also hold if nothing is broken."""
    assert_sound(game)
    assert game.station.faults_raised == set()
    records = [command for command in game.station.commands if isinstance(command, Record)]
    assert len(records) == game.world.let_in == visits
    got_in = Counter(throw.bin for throw in game.world.throws if throw.fate is Fate.IN_BIN)
    deposits = Counter(deposit.bin for record in records for deposit in record.facts.deposits)
    assert deposits == got_in
    assert game.plant.is_shut


# --- nothing broken ---------------------------------------------------------------------------------


@settings(max_examples=A_QUARTER)
@given(SEEDS, st.sampled_from(KINDS), st.integers(1, 12), st.integers(1, 40))
def test_every_planned_visit_is_one_record_and_every_thing_in_a_bin_one_deposit(
    photos: PhotoSource, seed: int, kind: str, visits: int, capacity: int
) -> None:
    game = Game(station(kind), photos, seed, visits, LIVELY, capacity)
    game.play()
    assert_complete(game, visits)


WAITS = st.builds(
    VisitSection,
    lease_s=st.floats(4, 20),
    max_open_s=st.floats(20, 60),
    travel_s=st.floats(0.3, 3),
    linger_s=st.floats(0.5, 10),
    choose_s=st.floats(2, 20),
    held_card_s=st.floats(0.2, 4),
)


@settings(max_examples=A_QUARTER)
@given(SEEDS, st.sampled_from(KINDS), WAITS)
def test_records_and_deposits_are_exact_for_any_lid_speed_and_any_waits(
    photos: PhotoSource, seed: int, kind: str, waits: VisitSection
) -> None:
    game = Game(station(kind, waits), photos, seed, 8, LIVELY, capacity=5)
    game.play()
    assert_complete(game, 8)


@pytest.mark.parametrize("kind", KINDS)
def test_two_hundred_visits_in_simulated_time_are_exact_too(kind: str, photos: PhotoSource) -> None:
    game = Game(station(kind), photos, 7, 200)
    game.play()
    assert_complete(game, 200)
    assert game.clock.now() > 3000


def test_the_same_seed_makes_the_same_story(photos: PhotoSource) -> None:
    def story(seed: int) -> list[object]:
        game = Game(station(MIXED), photos, seed, 10, LIVELY)
        game.play()
        return [*game.station.events]

    assert story(3) == story(3)
    assert story(3) != story(4)


def test_a_lone_resident_who_comes_again_and_again_makes_as_many_visits(photos: PhotoSource) -> None:
    for kind in (READER, BUTTON, ALL):
        game = Game(station(kind), photos, 5, 6, Habits(stranger=0, comes_along=1), residents=1)
        game.play()
        assert_complete(game, 6)
        assert {facts.card for facts in game.station.records} == {game.world.people.residents[0].card}


def test_the_truth_about_every_thing_is_recorded_and_right_ones_are_counted(photos: PhotoSource) -> None:
    game = Game(station(READER), photos, 11, 40, Habits(wrong=0.4))
    game.play()
    outcomes = Counter(outcome_of(deposit) for facts in game.station.records for deposit in facts.deposits)
    truth = [throw for throw in game.world.throws if throw.fate is Fate.IN_BIN]
    assert outcomes[Outcome.RIGHT] == sum(throw.is_right for throw in truth) > 0
    assert outcomes[Outcome.NOTHING] == sum(throw.category is None for throw in truth)
    assert outcomes[Outcome.WRONG] > 0


def test_a_blocked_card_opens_nothing(photos: PhotoSource) -> None:
    game = Game(station(READER), photos, 1, 5, Habits(blocked=1, comes_along=0))
    game.play()
    blocked = game.world.people.blocked.card
    taps = [tap for tap in game.station.taps if tap.card == blocked]
    assert len(taps) == game.station.said(Prompt.CARD_BLOCKED) == 5
    opened = [lid.notes[0].at for lid in game.plant.lids.values() if lid.notes]
    assert min(opened) > taps[0].at + 1


def test_full_bins_refuse_residents_until_staff_empty_them(photos: PhotoSource) -> None:
    game = Game(station(SINGLE), photos, 2, 12, Habits(comes_along=1, walks_away=0, child=0), capacity=1)
    game.play()
    assert_complete(game, 12)
    assert game.station.said(Prompt.BIN_FULL) > 0
    assert any(facts.role is Role.STAFF for facts in game.station.records)
    turned_away = [throw for throw in game.world.throws if throw.fate is not Fate.IN_BIN]
    assert {throw.fate for throw in turned_away} == {Fate.TAKEN_HOME, Fate.LEFT_BESIDE}


def test_a_resident_refused_by_one_bin_tries_another(photos: PhotoSource) -> None:
    game = Game(station(READER), photos, 4, 30, Habits(wrong=0, walks_away=0, child=0, comes_along=0), 2)
    game.play()
    assert_complete(game, 30)
    assert game.station.said(Prompt.BIN_FULL) > 0
    assert any(not throw.is_right for throw in game.world.throws if throw.fate is Fate.IN_BIN)


def test_a_card_held_to_the_reader_is_one_tap(photos: PhotoSource) -> None:
    game = Game(station(SINGLE), photos, 1, 4, Habits(holds_card=1, blocked=0, comes_along=0))
    game.play()
    seen = [event for event in game.station.events if isinstance(event, Tapped)]
    assert len(seen) > 4 * 25
    assert len(game.station.taps) == 4


def test_a_resident_who_walks_away_is_recorded_without_a_deposit(photos: PhotoSource) -> None:
    for kind in KINDS:
        game = Game(station(kind), photos, 1, 4, Habits(walks_away=1, comes_along=0.5))
        game.play()
        assert_complete(game, 4)
        assert [facts.deposits for facts in game.station.records] == [()] * 4


def test_a_hand_in_the_closing_lid_is_reported_and_then_the_lid_shuts(photos: PhotoSource) -> None:
    game = Game(station(READER), photos, 1, 6, Habits(hand_in_lid=1, walks_away=0, comes_along=0))
    game.play()
    assert_complete(game, 6)
    assert sum(isinstance(event, LidObstructed) for event in game.station.events) >= 6


def test_buttons_are_pressed_only_where_bins_have_them(photos: PhotoSource) -> None:
    pressed = {}
    for kind in (READER, BUTTON, ALL):
        game = Game(station(kind), photos, 1, 6)
        game.play()
        pressed[kind] = sum(isinstance(event, Pressed) for event in game.station.events)
    assert pressed[READER] == pressed[ALL] == 0
    assert pressed[BUTTON] >= 6


def test_where_any_tap_opens_all_lids_all_lids_open(photos: PhotoSource) -> None:
    game = Game(station(ALL), photos, 1, 1, Habits(comes_along=0))
    game.play()
    assert {o.bin for facts in game.station.records for o in facts.openings} == set(Category)


def test_a_bin_that_nothing_watches_counts_one_unseen_deposit_a_visit(photos: PhotoSource) -> None:
    game = Game(station(BLIND), photos, 1, 5, Habits(comes_along=0, walks_away=0))
    game.play()
    assert_sound(game)
    residents = [facts for facts in game.station.records if facts.role is not Role.STAFF]
    assert len(residents) == 5
    assert {outcome_of(d) for facts in residents for d in facts.deposits} == {Outcome.UNSEEN}


# --- something broken -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [READER, BUTTON, ALL, SHARED])
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (LidFault.STUCK_SHUT, FaultCode.LID_STUCK_SHUT),
        (LidFault.OPEN_SWITCH_DEAD, FaultCode.LID_STUCK_SHUT),
        (LidFault.STUCK_OPEN, FaultCode.LID_STUCK_OPEN),
        (LidFault.SHUT_SWITCH_DEAD, FaultCode.LID_STUCK_OPEN),
    ],
)
def test_a_broken_lid_is_named_and_all_visits_still_end(
    photos: PhotoSource, kind: str, fault: LidFault, told: FaultCode
) -> None:
    game = Game(station(kind), photos, 3, 15)
    broken = station(kind).bin[0].id
    game.plant.lids[broken].fail(fault)
    game.play()
    assert_sound(game)
    assert game.station.faults_raised == {(told, broken)}


def test_when_no_lid_opens_people_stop_coming(photos: PhotoSource) -> None:
    game = Game(station(SINGLE), photos, 3, 15, Habits(comes_along=0, blocked=0))
    game.plant.lids["rest"].fail(LidFault.STUCK_SHUT)
    game.play()
    assert_sound(game)
    assert game.world.let_in == len(game.station.records) == 0
    assert len(game.station.taps) == GIVE_UP_AFTER


def test_with_a_dead_camera_every_visit_ends_and_its_deposits_are_unseen(photos: PhotoSource) -> None:
    game = Game(station(READER), photos, 3, 15)
    game.world.camera.failed.add("eye")
    game.play()
    assert_sound(game)
    assert game.station.faults_raised == {(FaultCode.CAMERA_FAILED, "eye")}
    assert len(game.station.records) == 15
    deposits = [deposit for facts in game.station.records for deposit in facts.deposits]
    assert {outcome_of(deposit) for deposit in deposits} == {Outcome.UNSEEN}


def test_a_thing_left_in_the_lids_way_is_a_fault_until_it_is_gone(
    photos: PhotoSource,
) -> None:
    game = Game(station(SINGLE), photos, 3, 2, Habits(comes_along=0, walks_away=0, hand_in_lid=0))
    lid = game.plant.lids["rest"]
    game.timeline.call_at(8.0, lid.obstruct)
    game.timeline.call_at(75.0, lid.clear)
    game.timeline.call_at(76.0, lid.mend)  # it was given up by then: somebody shuts it by hand
    game.play()
    assert_sound(game)
    assert (FaultCode.LID_STUCK_OPEN, "rest") in game.station.faults_raised
    assert game.station.said(Prompt.CLEAR_LID) > 0
    assert game.station.state.faults == frozenset()


MISHAPS = st.lists(
    st.tuples(
        st.sampled_from(["camera", "power", *LidFault]),
        st.integers(0, 7),
        st.floats(0, 300),
        st.floats(1, 200),
    ),
    max_size=6,
)


@settings(max_examples=A_QUARTER)
@given(SEEDS, st.sampled_from(KINDS), MISHAPS)
def test_every_visit_ends_even_if_parts_break_and_are_mended(
    photos: PhotoSource, seed: int, kind: str, mishaps: list[tuple[str, int, float, float]]
) -> None:
    game = Game(station(kind), photos, seed, 10, LIVELY, capacity=8)
    plant, camera = game.plant, game.world.camera
    lids = list(plant.lids.values())
    for what, number, at, lasts_s in mishaps:
        lid = lids[number % len(lids)]
        if what == "camera":
            game.timeline.call_at(at, lambda: camera.failed.add("eye"))
            game.timeline.call_at(at + lasts_s, camera.failed.clear)
        elif what == "power":
            game.timeline.call_at(at, plant.power_off)
            game.timeline.call_at(at + lasts_s, plant.power_on)
        else:
            game.timeline.call_at(at, lambda lid=lid, what=what: lid.fail(LidFault(what)))  # type: ignore[misc]
            game.timeline.call_at(at + lasts_s, lid.mend)
    game.play()
    assert_sound(game)
    assert game.world.let_in <= 10
    assert game.world.finished
