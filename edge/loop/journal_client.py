"""The station's side of its journal: reads it at intervals, writes the backlog, reports its faults.

Every access to the disk is a job of the worker `journal`. A disk that hangs holds up only that worker: lids
open, and finished visits wait in the backlog.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf

from edge.faults import JOURNAL_REFUSALS, FaultCode
from edge.journal.backlog import Backlog, Entry
from edge.loop import device_jobs
from edge.loop.parts import Parts
from edge.messages import (
    BacklogDrained,
    Event,
    FaultCleared,
    FaultRaised,
    JournalRead,
    RecordDelayed,
    Recorded,
    RecordFailed,
    VisitEvent,
)
from edge.visit.recording import JOURNAL

log = logging.getLogger(__name__)

JOURNAL_READ_S = 0.5
"""Pause between two reads: a card that the sync process blocked is refused within this time."""
JOURNAL_REFUSED_S = 5.0
"""Pause between two reads while the journal refuses: opening a journal reads all of it."""
JOURNAL_LOST_S = 60.0
"""A new read is issued after this time although the last one has no answer."""
JOURNAL_LATE_S = 10.0
"""A disk with no answer for this long is a fault. Not below twice BUSY_S, the wait for another program."""
_FAULTS_OF_JOURNAL = (
    (FaultCode.EVENTS_REFUSED, "outbox"),
    (FaultCode.JOURNAL_RECOVERED, JOURNAL),
    (FaultCode.STATION_KEY_RETIRED, "outbox"),
    (FaultCode.ROSTER_OLD, "roster"),
    (FaultCode.PUBLICATION_REFUSED, "roster"),
)
"""Faults that a read of the journal raises and clears, and the part of each."""


class JournalClient:
    """Reads and writes the journal through the workers; used only on the station's own thread."""

    def __init__(self, parts: Parts) -> None:
        """Issue nothing before the first `do_what_is_due`."""
        self._parts = parts
        self._backlog = Backlog(parts.journal, parts.clock)
        now = parts.clock.now()
        self.known = JournalRead(now)
        """The newest read."""
        self.has_answered = False
        """Whether any read has come back, even a refusal."""
        self._read_at = now
        self._in_flight = 0
        self._late_at = inf

    def next_due(self) -> float:
        """Return when `do_what_is_due` must be called next, in monotonic seconds."""
        drain_at = self._backlog.next_due()
        return min(self._read_at, self._late_at, inf if drain_at is None else drain_at)

    def do_what_is_due(self, now: float) -> Iterator[VisitEvent]:
        """Issue the reads and writes that are due; yield the fault of a disk that does not answer."""
        if self._read_at <= now:
            self._read_at = now + JOURNAL_LOST_S
            busy = replace(self.known, at=now)
            self._submit(lambda: device_jobs.read_journal(self._parts, busy), busy, now)
        self.write(now)
        if self._late_at <= now:
            self._late_at = inf
            if self.known.refusal is not FaultCode.JOURNAL_SILENT:
                log.error("the journal has not answered for %g s; visits wait in memory", JOURNAL_LATE_S)
            self.known = replace(self.known, refusal=FaultCode.JOURNAL_SILENT)
            yield from self._fault_events(now)

    def add(self, entry: Entry) -> bool:
        """Keep a record until the journal has it; False if there is no room."""
        return self._backlog.add(entry)

    def write(self, now: float) -> None:
        """Issue a write of the waiting records, if it is due."""
        due = self._backlog.next_due()
        if due is not None and due <= now:
            self._backlog.submitted()
            busy = BacklogDrained(now, refusal=FaultCode.JOURNAL_SILENT)
            self._submit(self._backlog.drain, busy, now)

    def handle_read(self, event: JournalRead) -> Iterator[VisitEvent]:
        """Note a read's answer; yield the faults that it raises and clears."""
        self._answered(event.at)
        if self.known.refusal is FaultCode.JOURNAL_SILENT and event.refusal is None:
            log.info("the journal answers again")
        self.known, self.has_answered = event, True
        refused = event.refusal is not None
        self._read_at = event.at + (JOURNAL_REFUSED_S if refused else JOURNAL_READ_S)
        yield from self._fault_events(event.at)
        faults = event.faults | {FaultCode.EVENTS_REFUSED} if event.refused else event.faults
        for fault, part in _FAULTS_OF_JOURNAL:
            kind = FaultRaised if fault in faults else FaultCleared
            yield kind(event.at, fault, part)

    def handle_drained(self, event: BacklogDrained) -> Iterator[VisitEvent]:
        """Note a write's answer; yield each visit's outcome, and the faults that it raises and clears."""
        self._answered(event.at)
        self._backlog.answered(event)
        for visit, award in event.kept:
            yield Recorded(event.at, visit, award)
        for visit in event.lost:
            yield RecordFailed(event.at, visit)
        if event.refusal is None and self.known.refusal is not None:
            self._read_at = event.at  # the write succeeded, so a read may too; the fault ends with it
            return
        yield from self._fault_events(event.at)
        for visit in event.delayed:
            yield RecordDelayed(event.at, visit)

    def flush(self) -> None:
        """Issue a last write of all waiting records at once; for a station that has stopped."""
        self._parts.workers.submit("journal", self._backlog.drain, None)

    def name_lost(self) -> None:
        """Log each record that the disk had not taken when the station ended."""
        self._backlog.name_lost()

    def _submit(self, job: Callable[[], Event | None], busy: Event | None, now: float) -> None:
        self._in_flight += 1
        if self._late_at == inf:
            self._late_at = now + JOURNAL_LATE_S
        self._parts.workers.submit("journal", job, busy)

    def _answered(self, now: float) -> None:
        self._in_flight = max(0, self._in_flight - 1)
        self._late_at = now + JOURNAL_LATE_S if self._in_flight else inf

    def _fault_events(self, now: float) -> Iterator[VisitEvent]:
        """Yield one fault for the cause of the refusal, or none; a new cause replaces the old one."""
        refusal = self._backlog.refusal or self.known.refusal
        for code in sorted(JOURNAL_REFUSALS):
            if code is not refusal:
                yield FaultCleared(now, code, JOURNAL)
        if refusal is not None:
            yield FaultRaised(now, refusal, JOURNAL)
