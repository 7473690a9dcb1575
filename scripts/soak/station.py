"""A station process for the soak: quick, with a witness, and with a calendar that can be moved.

It is composed as every station is (`edge.main`); only its surroundings differ. Its visits happen in
virtual time, a few a second, and each is on the disk before the next begins. A stand-in takes
the model's place, so that it starts quickly and what it has to make of each thing is known.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from cloud_sync.rules.award_rules import Award
from cloud_sync.wire.facts import NoteFacts, Stamp, VisitFacts
from edge.faults import FaultCode
from edge.main import Composition, compose
from edge.ports import Clock, Journal, OutboxDepth, WallTime
from edge.roster import RosterEntry
from edge.sim.lid import SimLid
from edge.sim.lid_log import longest_beyond_lease_s
from edge.sim.people.town import Neighbourhood, neighbourhood
from edge.sim.people.witness import Witness
from edge.sim.photos.folders import open_photos
from edge.sim.simulation import Simulation
from edge.sim.world import Script
from edge.station_file import load_station
from edge.sync.keys import load_keys
from scripts.testbed.pictures import stand_in

ENDLESS = 1_000_000
LIDS_TOLD_EVERY = 20
"""Records between two reports on the lids: reading their logs takes longer as they grow."""


def townspeople(card_key: bytes, residents: int) -> Neighbourhood:
    """The people of the soak's town: the same in every process."""
    return neighbourhood(random.Random(residents), card_key, residents)  # noqa: S311 (invents people)


class SteppedClock:
    """A clock whose calendar is moved by the seconds in a file. Implements `edge.ports.Clock`."""

    def __init__(self, clock: Clock, file: Path) -> None:
        """Wrap `clock`, and read `file` at each question for the date."""
        self._clock, self._file = clock, file

    def now(self) -> float:
        """Return monotonic seconds, which nothing steps."""
        return self._clock.now()

    def wall(self) -> WallTime:
        """Return the calendar; one that is years behind is not trusted."""
        try:
            step_s = float(self._file.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):  # ValueError: it is being written
            step_s = 0.0
        wall = self._clock.wall()
        return WallTime(max(0.0, wall.unix_s + step_s), wall.trusted and step_s > -365 * 86_400)


class PacedJournal(Journal):
    """A journal that spaces out visits, so that a station in virtual time does not fill the disk."""

    def __init__(self, journal: Journal, every_s: float) -> None:
        """Store at most one visit in `every_s` seconds of real time."""
        self._journal = journal
        self._every_s, self._kept_at = every_s, 0.0
        self._kept = 0
        self.look_at_lids: Callable[[], None] = lambda: None
        """Called now and then, after a record was stored."""

    def record_visit(self, facts: VisitFacts, stamp: Stamp) -> Award:
        """Store a visit when it is time."""
        time.sleep(max(0.0, self._kept_at + self._every_s - time.monotonic()))
        self._kept_at = time.monotonic()
        award = self._journal.record_visit(facts, stamp)
        self._count()
        return award

    def record_note(self, facts: NoteFacts, stamp: Stamp) -> None:
        """Store an alarm or a command."""
        self._journal.record_note(facts, stamp)
        self._count()

    def roster(self) -> Mapping[str, RosterEntry]:
        """Return the known cards by hash."""
        return self._journal.roster()

    def outbox(self) -> OutboxDepth:
        """Count the events that wait for a receipt, and those that the ledger refused."""
        return self._journal.outbox()

    def faults(self) -> frozenset[FaultCode]:
        """Return the faults that only the journal knows."""
        return self._journal.faults()

    def _count(self) -> None:
        self._kept += 1
        if self._kept % LIDS_TOLD_EVERY == 0:
            self.look_at_lids()


def run(config: Path, photos: Path, residents: int, pipe: int, every_s: float) -> int:
    """Play visits until SIGTERM; return the exit status."""
    settings = load_station(config)
    folder = Path(settings.station.state_dir)
    people = townspeople(load_keys(folder).card, residents)
    rng = random.Random()  # noqa: S311 (plays residents: other visits after each start)
    script = Script(visits=ENDLESS, people=people)
    simulation = Simulation(settings, open_photos(photos), script, rng, time.time())
    witness = simulation.observed(lambda line: os.write(pipe, line))
    paced: list[PacedJournal] = []

    def pace(journal: Journal) -> Journal:
        paced.append(PacedJournal(journal, every_s))
        return paced[-1]

    around = simulation.surroundings(pace)
    clock = SteppedClock(around.clock, folder.with_name(f"{folder.name}.clock"))
    composition = compose(settings, replace(around, clock=clock, eyes=stand_in))
    paced[0].look_at_lids = lambda: _look_at_lids(composition, witness)
    try:
        simulation.run_virtual(composition)
    finally:
        paced[0].look_at_lids()
    return 0


def _look_at_lids(composition: Composition, witness: Witness) -> None:
    lids = [lid for lid in composition.hardware.lids.values() if isinstance(lid, SimLid)]
    witness.lids(max((longest_beyond_lease_s(lid.notes) for lid in lids), default=0.0))


def main() -> int:
    """Run the process: `python -m scripts.soak.station CONFIG PHOTOS RESIDENTS PIPE EVERY_S`."""
    parser = argparse.ArgumentParser()
    for name, kind in (
        ("config", Path),
        ("photos", Path),
        ("residents", int),
        ("pipe", int),
        ("every_s", float),
    ):
        parser.add_argument(name, type=kind)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    return run(given.config, given.photos, given.residents, given.pipe, given.every_s)


if __name__ == "__main__":
    sys.exit(main())
