from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.wire.cards import card_hash
from cloud_sync.wire.facts import Credential, Role
from config.sorting import Category
from config.station import BinSection
from edge.roster import CardState
from edge.sim.people.plans import MOST_THINGS, Habits, Planner, VisitPlan
from edge.sim.people.town import PER_HOUSEHOLD, neighbourhood
from edge.sim.photos.thrown import Wanted
from tests.edge.sim.playing import CARD_KEY
from tests.edge.sim.stations import KINDS, SHARED, SINGLE, station

SEEDS = st.integers(0, 2**32)


@given(SEEDS, st.integers(1, 400))
def test_nobody_shares_a_card_or_a_name_and_few_share_a_household(seed: int, residents: int) -> None:
    people = neighbourhood(Random(seed), CARD_KEY, residents)
    everyone = (*people.known, *people.strangers)
    assert len({person.card for person in everyone}) == len(everyone) == residents + 2 + len(people.strangers)
    assert len({person.name for person in people.known}) == len(people.known)
    households = [person.household for person in people.residents]
    assert max(households.count(household) for household in households) <= PER_HOUSEHOLD
    assert people.staff.household is None


def test_cards_are_em4100_numbers_hashed_with_the_communitys_key() -> None:
    person = neighbourhood(Random(1), CARD_KEY).residents[0]
    assert len(person.number) == 10
    assert int(person.number, 16) >= 0
    assert person.card == card_hash(CARD_KEY, Credential.EM4100, person.number)
    assert person.card != neighbourhood(Random(1), bytes(32)).residents[0].card


def test_the_roster_has_residents_staff_and_the_blocked_card_but_no_stranger() -> None:
    people = neighbourhood(Random(1), CARD_KEY, 4)
    roster = people.roster
    assert len(roster) == 6
    assert roster[people.staff.card].role is Role.STAFF
    assert [card for card, entry in roster.items() if entry.state is CardState.BLOCKED] == [
        people.blocked.card
    ]
    assert not {person.card for person in people.strangers} & set(roster)


def planner(kind: str, seed: int, habits: Habits | None = None, *categories: Category) -> Planner:
    rng = Random(seed)
    people = neighbourhood(rng, CARD_KEY, 3)
    return Planner(rng, station(kind), people, categories or tuple(Category), habits or Habits())


def things_of(visit: VisitPlan) -> list[Wanted | None]:
    return [thing for errand in visit.errands for thing in errand.things]


@given(SEEDS, st.sampled_from(KINDS), st.integers(1, 5))
def test_people_can_carry_out_their_plans(seed: int, kind: str, most: int) -> None:
    plans = planner(kind, seed)
    bins = {bin_.id for bin_ in station(kind).bin}
    before: frozenset[str] = frozenset()
    for _ in range(30):
        meeting = plans.meeting(most, before)
        assert len(meeting.visits) <= most
        cards = [visit.person.card for visit in meeting.visits]
        assert len(set(cards)) == len(cards)
        for visit in meeting.visits:
            assert {errand.bin for errand in visit.errands} <= bins
            assert len({errand.bin for errand in visit.errands}) == len(visit.errands) >= 1
            assert len(things_of(visit)) <= MOST_THINGS
            assert visit.person.state is CardState.ACTIVE
        if len(cards) > 1:
            assert all(len(visit.errands) == 1 for visit in meeting.visits)
        before = frozenset(cards)


@given(SEEDS)
def test_people_who_were_just_here_let_others_go_first(seed: int) -> None:
    plans = planner(SHARED, seed, Habits(stranger=0, comes_along=0))
    here = plans.meeting(1, frozenset()).first.person.card
    assert plans.meeting(1, frozenset({here})).first.person.card != here


def bins_by_id(kind: str) -> dict[str, BinSection]:
    return {bin_.id: bin_ for bin_ in station(kind).bin}


@pytest.mark.parametrize(("wrong", "expected"), [(0.0, 1.0), (1.0, 0.0)])
def test_the_habit_of_sorting_wrong_decides_which_bin_a_thing_goes_to(wrong: float, expected: float) -> None:
    habits = Habits(wrong=wrong, walks_away=0, child=0)
    plans = planner(SHARED, 1, habits, Category.KITCHEN, Category.RECYCLABLE)
    bins = bins_by_id(SHARED)
    errands = [errand for _ in range(60) for errand in plans.meeting(1, frozenset()).first.errands]
    right = [bins[errand.bin].category is thing for errand in errands for thing in errand.things]
    assert sum(right) / len(right) == expected


def test_waste_without_its_own_bin_goes_into_another_one() -> None:
    plans = planner(SINGLE, 1, Habits(walks_away=0, child=0), Category.HAZARDOUS)
    visit = plans.meeting(1, frozenset()).first
    assert {errand.bin for errand in visit.errands} == {"rest"}


def test_each_habit_can_be_made_certain() -> None:
    sure = Habits(holds_card=1, hand_in_lid=1, comes_along=1, stranger=1, child=1, blocked=1, walks_away=0)
    meeting = planner(SHARED, 2, sure).meeting(2, frozenset())
    assert len(meeting.visits) == 2
    assert meeting.blocked is not None
    assert meeting.blocked.state is CardState.BLOCKED
    for visit in meeting.visits:
        assert (visit.person.role, visit.hand_in_lid, things_of(visit)) == (Role.UNKNOWN, True, [None])
        assert visit.hold_s > 1
    walks_away = planner(SHARED, 2, Habits(walks_away=1)).meeting(1, frozenset()).first
    assert things_of(walks_away) == []


def test_staff_come_to_empty_a_full_bin() -> None:
    visit = planner(SHARED, 2).emptying("glass").first
    assert (visit.person.role, visit.empties, visit.errands[0].bin) == (Role.STAFF, True, "glass")
