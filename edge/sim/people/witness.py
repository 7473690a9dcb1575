"""Writes what simulated residents do, see and hear, as lines of JSON, for a judge outside the station.

It does not know the station's state, only what was thrown into bins, when lids opened, what was spoken, and
which records were written to the disk.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from cloud_sync.rules.award_rules import Award
from cloud_sync.wire.facts import NoteFacts, Stamp, VisitFacts
from edge.faults import FaultCode
from edge.messages import Say
from edge.ports import Journal, JournalError, OutboxDepth, Speaker
from edge.roster import RosterEntry
from edge.sim.people.witnessed import (
    LeaseExcess,
    LidStoodOpen,
    Line,
    PointsSpoken,
    RecordKept,
    RecordRefused,
    ThingThrown,
)
from edge.sim.place import Throw

_T = TypeVar("_T")


class Witness:
    """Writes what it sees, from any thread; each line is one write, which a pipe keeps whole."""

    def __init__(self, station: str, write: Callable[[bytes], object], now: Callable[[], float]) -> None:
        """`write` takes a line; `now` gives the residents' monotonic seconds."""
        self._station, self._write, self._now = station, write, now
        self._epoch = ""
        self._sequence = 0
        self._lock = threading.Lock()

    def threw(self, throw: Throw) -> None:
        """Write that a thing got into a bin."""
        self._tell(
            ThingThrown,
            at=throw.at,
            card=throw.card,
            bin=throw.bin,
            name=throw.name,
            category=throw.category,
        )

    def opened(self, bin_id: str) -> None:
        """Write that a lid is open."""
        self._tell(LidStoodOpen, at=self._now(), bin=bin_id)

    def lids(self, beyond_lease_s: float) -> None:
        """Write the longest time that the lids' logs show beyond a lease."""
        self._tell(LeaseExcess, beyond_lease_s=beyond_lease_s)

    def watch(self, journal: Journal) -> Journal:
        """Wrap a journal that has just been opened, and begin its epoch."""
        self._epoch, self._sequence = getattr(journal, "epoch", ""), 0
        return WitnessedJournal(journal, self)

    def listen(self, speaker: Speaker) -> Speaker:
        """Wrap the station's speaker."""
        return WitnessedSpeaker(speaker, self)

    def spoke(self, say: Say) -> None:
        """Write a prompt, if it says points."""
        if say.points is not None:
            self._tell(PointsSpoken, prompt=say.prompt.value, points=say.points)

    def kept(self, points: int, facts: VisitFacts | NoteFacts, stamp: Stamp) -> None:
        """Write that a record is on the disk."""
        self._sequence += 1
        if not isinstance(facts, VisitFacts):
            self._tell(RecordKept, sequence=self._sequence, points=points)
            return
        began_at = stamp.monotonic_s - facts.duration_s
        self._tell(
            RecordKept,
            sequence=self._sequence,
            points=points,
            card=facts.card,
            began_at=began_at,
            ended_at=stamp.monotonic_s,
        )

    def refused(self) -> None:
        """Write that the disk refused a record."""
        self._tell(RecordRefused)

    def _tell(self, kind: Callable[..., Line], **values: object) -> None:
        line = msgspec.json.encode(kind(station=self._station, epoch=self._epoch, **values))
        with self._lock:
            self._write(line + b"\n")


class WitnessedJournal:
    """Reports each record once the journal has stored it. Implements `edge.ports.Journal`."""

    def __init__(self, journal: Journal, witness: Witness) -> None:
        """Pass everything on to `journal`."""
        self._journal, self._witness = journal, witness

    def record_visit(self, facts: VisitFacts, stamp: Stamp) -> Award:
        """Store a visit, then report it."""
        award = self._or_refused(lambda: self._journal.record_visit(facts, stamp))
        self._witness.kept(award.points, facts, stamp)
        return award

    def record_note(self, facts: NoteFacts, stamp: Stamp) -> None:
        """Store an alarm or a command, then report it."""
        self._or_refused(lambda: self._journal.record_note(facts, stamp))
        self._witness.kept(0, facts, stamp)

    def roster(self) -> Mapping[str, RosterEntry]:
        """Return the known cards by hash."""
        return self._journal.roster()

    def outbox(self) -> OutboxDepth:
        """Count the events that wait for a receipt, and those that the ledger refused."""
        return self._journal.outbox()

    def faults(self) -> frozenset[FaultCode]:
        """Return the faults that only the journal knows."""
        return self._journal.faults()

    def _or_refused(self, keep: Callable[[], _T]) -> _T:
        try:
            return keep()
        except JournalError:
            self._witness.refused()
            raise


class WitnessedSpeaker:
    """Reports each prompt before it is spoken. Implements `edge.ports.Speaker`."""

    def __init__(self, speaker: Speaker, witness: Witness) -> None:
        """Pass everything on to `speaker`."""
        self._speaker, self._witness = speaker, witness

    def say(self, say: Say) -> None:
        """Report a prompt, and speak it."""
        self._witness.spoke(say)
        self._speaker.say(say)
