"""A witness writes what residents do, see and hear, and it must agree with the station's records."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from edge.messages import Prompt, Say
from edge.ports import JournalError
from edge.sim.lid_log import What
from edge.sim.people.town import neighbourhood
from edge.sim.people.witness import Witness
from edge.sim.people.witnessed import LidStoodOpen, Line, PointsSpoken, RecordKept, RecordRefused, ThingThrown
from edge.sim.photos.thrown import PhotoSource
from edge.sim.place import Fate
from edge.sim.simulation import Simulation
from edge.sim.world import Script
from tests.edge.journal.checks import ALARM, NOON, visit
from tests.edge.sim.playing import CARD_KEY, Game
from tests.edge.sim.stations import READER, station

DECODER = msgspec.json.Decoder(Line)


class Heard:
    """The lines that a witness wrote."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, line: bytes) -> None:
        self.lines.append(line)

    def words(self) -> list[Line]:
        return [DECODER.decode(line) for line in self.lines]

    def of(self, kind: type[Line]) -> list[Line]:
        return [word for word in self.words() if isinstance(word, kind)]


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_every_thing_in_a_bin_and_every_lid_that_opens_is_written(photos: PhotoSource, heard: Heard) -> None:
    game = Game(station(READER), photos, 3, 12)
    witness = Witness("gate", heard.write, game.clock.now)
    game.world.watch(witness.threw)
    for bin_id, lid in game.plant.lids.items():
        lid.when_opened = lambda bin_id=bin_id: witness.opened(bin_id)  # type: ignore[misc]
    game.play()
    thrown = [throw for throw in game.world.throws if throw.fate is Fate.IN_BIN]
    told = [(word.at, word.bin, word.name) for word in heard.of(ThingThrown) if isinstance(word, ThingThrown)]
    assert told == [(throw.at, throw.bin, throw.name) for throw in thrown]
    opened = sum(note.what is What.OPENED for lid in game.plant.lids.values() for note in lid.notes)
    assert len(heard.of(LidStoodOpen)) == opened == sum(len(facts.openings) for facts in game.station.records)


class Disk:
    """A journal that refuses when the test wants it to."""

    epoch = "a" * 16
    refuses = False

    def record_visit(self, facts: object, stamp: object) -> object:
        del facts, stamp
        if self.refuses:
            raise JournalError("full")
        return msgspec.structs.replace  # nothing of it is looked at but its points

    def record_note(self, facts: object, stamp: object) -> None:
        del facts, stamp
        if self.refuses:
            raise JournalError("full")


def test_a_record_is_written_once_it_is_stored_and_a_refusal_uses_up_no_sequence(heard: Heard) -> None:
    witness, disk = Witness("gate", heard.write, lambda: 0.0), Disk()
    journal = witness.watch(disk)  # type: ignore[arg-type]
    journal.record_note(ALARM, NOON)
    disk.refuses = True
    with pytest.raises(JournalError):
        journal.record_visit(visit(), NOON)
    disk.refuses = False
    journal.record_note(ALARM, NOON)
    kept = [word.sequence for word in heard.words() if isinstance(word, RecordKept)]
    assert kept == [1, 2]
    assert len(heard.of(RecordRefused)) == 1
    assert {word.epoch for word in heard.words()} == {disk.epoch}


def test_only_prompts_with_points_are_written(heard: Heard) -> None:
    witness = Witness("gate", heard.write, lambda: 0.0)
    said: list[Say] = []

    class Voice:
        def say(self, say: Say) -> None:
            said.append(say)

    voice = witness.listen(Voice())
    voice.say(Say(Prompt.WELCOME))
    voice.say(Say(Prompt.POINTS, points=3))
    assert [one.prompt for one in said] == [Prompt.WELCOME, Prompt.POINTS]
    (word,) = heard.words()
    assert isinstance(word, PointsSpoken)
    assert (word.prompt, word.points) == ("points", 3)


def test_a_simulation_without_a_witness_is_unchanged(photos: PhotoSource) -> None:
    simulation = Simulation(
        station(READER), photos, Script(1, neighbourhood(Random(1), CARD_KEY)), Random(1), 0.0
    )
    journal = object()
    assert simulation.surroundings().watch(journal) is journal  # type: ignore[arg-type]
