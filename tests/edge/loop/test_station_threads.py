"""The station in real time, with a thread for each device, as it runs on the Pi."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.station import VisitSection
from edge.loop.clocks import RealClock
from edge.loop.workers import ThreadWorkers
from edge.messages import ChamberChanged, LidClosed, LidOpened, Prompt
from tests.edge.builders import bin_rule, rules_of
from tests.edge.workbench import Bench, rows
from tests.waiting import WITHIN_S, until

QUICK = VisitSection(
    lease_s=0.2, max_open_s=1, travel_s=0.05, linger_s=0.1, max_visit_s=5, held_card_s=0.05, obstructed_s=0.2
)
RULES = rules_of(bin_rule("kitchen"), bin_rule("other"), waits=QUICK)


class Running(Bench):
    """A station at work, whose lids move at once and into whose bins something falls as they open."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, RULES, clock=RealClock(), workers=ThreadWorkers)
        for lid in self.lids.values():
            lid.moved = self.move
        self.loop = threading.Thread(target=self.station.run, name="station")
        self.loop.start()

    def move(self, name: str, lease_s: float | None) -> None:
        now = self.parts.clock.now()
        if lease_s is None:
            self.inbox.post(LidClosed(now, name))
        else:
            self.inbox.post(LidOpened(now, name))
            self.inbox.post(ChamberChanged(now, name))

    def stop(self) -> None:
        self.station.stop()
        self.loop.join(WITHIN_S)
        self.workers.stop()
        assert not self.loop.is_alive()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Running]:
    before = set(threading.enumerate())
    made = Running(tmp_path)
    yield made
    made.stop()
    made.close()
    until(lambda: set(threading.enumerate()) <= before, "no thread outlives the station")


def test_a_visit_goes_from_tap_to_points_across_threads(bench: Running) -> None:
    bench.tap()
    until(lambda: Prompt.POINTS_HELD in bench.said(), "points")
    (said,) = [note for note in bench.diary if note[:2] == ("say", Prompt.POINTS_HELD)]
    assert said[2] == 1, "points were spoken before the award was on the disk"
    assert len(bench.station.tap_to_lid_s) == 1


def test_a_disk_that_refuses_is_told_and_the_station_goes_on(bench: Running) -> None:
    bench.journal.is_full = True
    bench.tap()
    until(lambda: Prompt.SAVED_LATER in bench.said(), "the bad news")
    until(lambda: bench.station.state.faults, "the fault")
    bench.journal.is_full = False
    until(lambda: bench.station.state.faults == frozenset(), "the end of the fault")
    assert rows(bench.journal_file, "visits") == 1
    bench.tap()
    until(lambda: Prompt.POINTS_HELD in bench.said(), "points")


def test_a_flood_from_many_threads_loses_no_award_and_ends(bench: Running) -> None:
    def flood(first: int) -> None:
        for number in range(first, first + 300):
            bench.tap(f"card {number % 40}", reader=("at-kitchen", "at-other")[number % 2])

    threads = [threading.Thread(target=flood, args=(first,)) for first in (0, 1_000, 2_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: rows(bench.journal_file, "visits"), "a first visit on the disk")
    until(lambda: not bench.station.state.visits, "quiet")
    bench.stop()
    visits, awards = rows(bench.journal_file, "visits"), rows(bench.journal_file, "awards")
    assert visits == awards
    recorded = [note for note in bench.diary if note == ("record visit",)]
    assert len(recorded) == visits


def test_what_the_panel_reads_follows_the_station(bench: Running) -> None:
    bench.tap()
    until(lambda: Prompt.POINTS_HELD in bench.said(), "points")
    until(lambda: bench.is_shown() and bench.shown().points is not None, "points on the screen")
    assert bench.shown().picture == 1
    assert (bench.folder / "live" / "picture.jpg").read_bytes() == b"photo of kitchen"


def test_a_station_that_is_told_to_stop_stops_though_nothing_happens(bench: Running) -> None:
    until(lambda: ("read outbox",) in bench.diary, "the loop to run")
    bench.stop()
