"""Writes what simulated residents do, see and hear, a line of JSON each, for a judge outside the station.

It knows nothing of the station's state: only what was thrown into a bin, when a lid stood open, what was
spoken, and which records the disk had taken.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from cloud_sync.rules.award_rules import Award
from cloud_sync.wire.facts import AlarmFacts, Stamp, VisitFacts
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
    """Writes what it sees, from any thread, each line in one write, which a pipe keeps whole."""

    def __init__(self, station: str, write: Callable[[bytes], object], now: Callable[[], float]) -> None:
        """`write` takes a line; `now` gives the residents' monotonic seconds."""
        self._station, self._write, self._now = station, write, now
        self._epoch = ""
        self._sequence = 0
        self._lock = threading.Lock()

    def threw(self, throw: Throw) -> None:
        """A thing got into a bin."""
        self._tell(
            ThingThrown,
            at=throw.at,
            card=throw.card,
            bin=throw.bin,
            name=throw.name,
            category=throw.category,
        )

    def opened(self, bin_id: str) -> None:
        """A lid stands open."""
        self._tell(LidStoodOpen, at=self._now(), bin=bin_id)

    def lids(self, beyond_lease_s: float) -> None:
        """Somebody looked at the lids' logs."""
        self._tell(LeaseExcess, beyond_lease_s=beyond_lease_s)

    def watch(self, journal: Journal) -> Journal:
        """Stand before a journal that has just been opened: a new life begins."""
        self._epoch, self._sequence = getattr(journal, "epoch", ""), 0
        return WitnessedJournal(journal, self)

    def listen(self, speaker: Speaker) -> Speaker:
        """Stand before the station's voice."""
        return WitnessedSpeaker(speaker, self)

    def spoke(self, say: Say) -> None:
        """Something was said; only points are told of."""
        if say.points is not None:
            self._tell(PointsSpoken, prompt=say.prompt.value, points=say.points)

    def kept(self, points: int, facts: VisitFacts | AlarmFacts, stamp: Stamp) -> None:
        """A record is on the disk."""
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
        """The disk refused."""
        self._tell(RecordRefused)

    def _tell(self, kind: Callable[..., Line], **values: object) -> None:
        line = msgspec.json.encode(kind(station=self._station, epoch=self._epoch, **values))
        with self._lock:
            self._write(line + b"\n")


class WitnessedJournal:
    """A journal whose records are told of once they are kept. Implements `edge.ports.Journal`."""

    def __init__(self, journal: Journal, witness: Witness) -> None:
        """Hand everything on to `journal`."""
        self._journal, self._witness = journal, witness

    def record_visit(self, facts: VisitFacts, stamp: Stamp) -> Award:
        """Keep a visit, then tell of it."""
        award = self._or_refused(lambda: self._journal.record_visit(facts, stamp))
        self._witness.kept(award.points, facts, stamp)
        return award

    def record_alarm(self, facts: AlarmFacts, stamp: Stamp) -> None:
        """Keep an alarm, then tell of it."""
        self._or_refused(lambda: self._journal.record_alarm(facts, stamp))
        self._witness.kept(0, facts, stamp)

    def roster(self) -> Mapping[str, RosterEntry]:
        """Known cards by hash."""
        return self._journal.roster()

    def outbox(self) -> OutboxDepth:
        """How many events wait for their receipt, and how many the ledger refused."""
        return self._journal.outbox()

    def faults(self) -> frozenset[FaultCode]:
        """Faults that only the journal knows of."""
        return self._journal.faults()

    def _or_refused(self, keep: Callable[[], _T]) -> _T:
        try:
            return keep()
        except JournalError:
            self._witness.refused()
            raise


class WitnessedSpeaker:
    """A voice that is listened to. Implements `edge.ports.Speaker`."""

    def __init__(self, speaker: Speaker, witness: Witness) -> None:
        """Hand everything on to `speaker`."""
        self._speaker, self._witness = speaker, witness

    def say(self, say: Say) -> None:
        """Speak, and be heard."""
        self._witness.spoke(say)
        self._speaker.say(say)
