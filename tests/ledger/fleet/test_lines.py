"""Which line is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.ledger.fleet.lines import RETURNING_S, TOGETHER_S, Cut, HeardStation, find_cuts

NOW_S = 100_000.0
LONG_AGO_S = NOW_S - 10 * TOGETHER_S


def town(communities: int, stations: int, silent: dict[int, float]) -> list[HeardStation]:
    """Stations numbered over all communities; `silent` says since when some are."""
    return [
        HeardStation(number, number // stations, silent.get(number), None)
        for number in range(communities * stations)
    ]


def test_one_station_is_its_own_alarm_once_others_had_time_to_follow() -> None:
    assert find_cuts(town(2, 10, {3: NOW_S - TOGETHER_S + 1}), NOW_S) == []
    assert find_cuts(town(2, 10, {3: NOW_S - TOGETHER_S}), NOW_S) == [Cut(0, 3, 1, 1)]


def test_a_communitys_line_is_one_alarm_from_sixty_percent_on() -> None:
    gone = {number: LONG_AGO_S + number for number in range(6)}
    assert find_cuts(town(9, 10, gone), NOW_S) == [Cut(0, None, 6, 10)]
    del gone[5]
    assert find_cuts(town(9, 10, gone), NOW_S) == [Cut(0, number, 1, 1) for number in range(5)]


def test_the_town_is_one_alarm_from_thirty_percent_on_and_not_five_hundred() -> None:
    gone = {number: LONG_AGO_S + number % 50 for number in range(1000) if number % 2}
    assert find_cuts(town(100, 10, gone), NOW_S) == [Cut(None, None, 500, 1000)]


def test_a_line_is_named_at_once_though_its_stations_fell_silent_a_moment_ago() -> None:
    gone = dict.fromkeys(range(8), NOW_S - 20)
    assert find_cuts(town(5, 10, gone), NOW_S) == [Cut(0, None, 8, 10)]


def test_stations_that_fell_silent_on_different_days_have_no_line() -> None:
    gone = {number: LONG_AGO_S - 86_400.0 * number for number in range(8)}
    assert find_cuts(town(2, 10, gone), NOW_S) == [Cut(0, number, 1, 1) for number in range(8)]


def test_a_community_of_one_station_has_no_line() -> None:
    assert find_cuts(town(9, 1, {4: LONG_AGO_S}), NOW_S) == [Cut(4, 4, 1, 1)]


def test_stations_of_a_line_that_return_one_by_one_leave_no_alarms_of_their_own() -> None:
    gone = [HeardStation(number, 0, LONG_AGO_S, None) for number in range(10)]
    for returned in range(1, 10):
        gone[returned - 1] = HeardStation(returned - 1, 0, LONG_AGO_S, NOW_S - 10)
        others = [HeardStation(100 + number, 1, None, None) for number in range(40)]
        assert find_cuts(gone + others, NOW_S) == [Cut(0, None, 10 - returned, 10)]
    later_s = NOW_S + RETURNING_S
    assert find_cuts(gone + others, later_s) == [Cut(0, 9, 1, 1)], "what stays away has its own alarm"


times = st.one_of(st.none(), st.floats(0, NOW_S))


@given(st.lists(st.tuples(st.integers(0, 3), times, times), max_size=40))
def test_every_silent_station_is_explained_once_and_nothing_else_is(
    drawn: list[tuple[int, float | None, float | None]],
) -> None:
    stations = [
        HeardStation(
            number, community, gone, back if gone is not None and back is not None and back > gone else None
        )
        for number, (community, gone, back) in enumerate(drawn)
    ]
    silent = [one for one in stations if one.gone_s is not None and one.back_s is None]
    cuts = find_cuts(stations, NOW_S)
    fresh = [one for one in silent if NOW_S - (one.gone_s or 0) < TOGETHER_S]
    assert len(silent) - len(fresh) <= sum(cut.silent for cut in cuts) <= len(silent)
    assert len(cuts) <= len(silent)
