"""The soak's station: it tells what it has kept, its calendar can be moved, and it is a station."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.sim.people.witness import Witness
from edge.sim.timeline import VirtualClock
from scripts.soak.station import LIDS_TOLD_EVERY, PacedJournal, SteppedClock, townspeople
from scripts.soak.telemetry import telemetry
from tests.edge.journal.checks import ALARM, NOON, opened, visit

EPOCH = "a" * 16
START_S = 1_767_225_600.0


@pytest.fixture
def clock(tmp_path: Path) -> SteppedClock:
    return SteppedClock(VirtualClock(START_S), tmp_path / "north.clock")


def test_a_calendar_that_nobody_moved_is_the_clocks(clock: SteppedClock) -> None:
    assert (clock.now(), clock.wall().unix_s, clock.wall().trusted) == (0.0, START_S, True)


@pytest.mark.parametrize(
    ("step_s", "unix_s", "trusted"),
    [(3600.0, START_S + 3600, True), (-3600.0, START_S - 3600, True), (-60 * 365 * 86_400.0, 0.0, False)],
)
def test_a_moved_calendar_is_believed_unless_it_is_years_behind(
    clock: SteppedClock, tmp_path: Path, step_s: float, unix_s: float, *, trusted: bool
) -> None:
    (tmp_path / "north.clock").write_text(str(step_s))
    assert (clock.wall().unix_s, clock.wall().trusted) == (unix_s, trusted)
    assert clock.now() == 0.0


def test_records_are_kept_apart_and_lids_are_looked_at_now_and_then(tmp_path: Path) -> None:
    journal = opened(tmp_path, EPOCH)
    paced = PacedJournal(journal, every_s=0.0)
    looks: list[int] = []
    paced.look_at_lids = lambda: looks.append(1)
    paced.record_visit(visit(2), NOON)
    for _ in range(2 * LIDS_TOLD_EVERY - 1):
        paced.record_note(ALARM, NOON)
    assert len(looks) == 2
    assert paced.outbox() == (2 * LIDS_TOLD_EVERY, 0)
    journal.close()


def test_what_witnesses_tell_is_heard_by_whose_life_it_was(tmp_path: Path) -> None:
    with telemetry() as heard:
        witness = Witness("north", lambda line: os.write(heard.pipe, line), lambda: 7.0)
        journal = opened(tmp_path, EPOCH)
        watched = witness.watch(journal)
        watched.record_visit(visit(2), NOON)
        watched.record_note(ALARM, NOON)
        witness.opened("kitchen")
        for beyond_s in (0.0, 0.7, 0.2):
            witness.lids(beyond_s)
        journal.close()
    assert heard.told == {("north", EPOCH, 1): 2, ("north", EPOCH, 2): 0}
    life = heard.lives["north", EPOCH]
    assert [one.sequence for one in life.kept] == [1, 2]
    assert [(one.at, one.bin) for one in life.opened] == [(7.0, "kitchen")]
    assert heard.beyond_lease_s == 0.7


def test_the_townspeople_are_the_same_in_every_process() -> None:
    assert townspeople(b"k" * 32, 30) == townspeople(b"k" * 32, 30)
    assert len(townspeople(b"k" * 32, 30).residents) == 30
