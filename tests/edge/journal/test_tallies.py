from __future__ import annotations

from cloud_sync.rules.award_rules import Tally
from edge.journal.tallies import MOST_DAYS, DayTallies


def test_awards_are_counted_by_day_and_card() -> None:
    tallies = DayTallies()
    tallies.add("mon", "li", 2, 1)
    tallies.add("mon", "li", 3, 2)
    tallies.add("tue", "li", 1, 1)
    assert tallies.of("mon", "li") == Tally(5, 3)
    assert tallies.of("tue", "li") == Tally(1, 1)
    assert tallies.of("mon", "wang") == tallies.of("wed", "li") == Tally()


def test_a_station_that_never_stops_drops_only_the_oldest_days() -> None:
    tallies = DayTallies()
    for number in range(MOST_DAYS + 5):
        tallies.add(f"day {number}", "li", 1, 1)
    assert tallies.of("day 4", "li") == Tally()
    assert tallies.of("day 5", "li") == tallies.of(f"day {MOST_DAYS + 4}", "li") == Tally(1, 1)


def test_the_day_that_is_written_is_never_dropped() -> None:
    tallies = DayTallies()
    for number in range(MOST_DAYS):
        tallies.add(f"day {number}", "li", 1, 1)
    tallies.add("day 0", "li", 1, 1)
    tallies.add("new", "li", 7, 1)
    assert tallies.of("new", "li") == Tally(7, 1)
