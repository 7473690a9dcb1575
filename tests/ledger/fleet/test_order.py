"""The order of what a station says of itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.ledger.fleet.order import FIRST, FORGOTTEN_S, Place, outdates, place_of
from cloud_sync.wire.station_state import StationState

numbers = st.integers(1, 4)
versioned = st.builds(
    StationState, online=st.booleans(), start=numbers, connection=numbers, sequence=st.integers(0, 4)
)


@given(st.lists(versioned, min_size=1), st.randoms(use_true_random=False))
def test_however_messages_arrive_the_latest_place_is_known_at_the_end(
    said: list[StationState], order: object
) -> None:
    places = [place_of(state) for state in said]
    getattr(order, "shuffle")(places)  # noqa: B009 (hypothesis gives a random.Random)
    known = FIRST
    for place in places:
        known = place if outdates(place, known, 0.0) else known
    assert known == max(places)


def test_a_last_will_ends_its_own_connection_and_no_later_one() -> None:
    will = place_of(StationState(online=False, start=7, connection=3))
    assert outdates(will, Place(7, 3, is_last=False, sequence=900), 0.0)
    assert not outdates(will, Place(7, 4, is_last=False, sequence=901), 0.0)
    assert not outdates(Place(7, 3, is_last=False, sequence=901), will, 0.0)


def test_an_older_start_counts_again_only_once_the_newer_one_was_silent_for_long() -> None:
    known, older = Place(9, 1, is_last=False, sequence=1), Place(5, 1, is_last=False, sequence=1)
    assert not outdates(older, known, FORGOTTEN_S - 1)
    assert outdates(older, known, FORGOTTEN_S)
    assert not outdates(older._replace(is_last=True), known, FORGOTTEN_S)


def test_messages_of_an_older_version_count_as_they_arrive() -> None:
    online, offline = StationState(online=True), StationState(online=False)
    assert place_of(online) == place_of(offline) == FIRST
    assert outdates(FIRST, FIRST, 0.0)
    assert not outdates(FIRST, Place(1, 1, is_last=False, sequence=1), 0.0)
