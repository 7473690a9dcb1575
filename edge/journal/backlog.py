"""Keeps records in memory, in order, until the journal has written them.

A disk that is locked, full or stalled for a while must not cost a finished visit. The station's own thread
adds records and asks when the next attempt is due; a worker drains.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass

from cloud_sync.rules.award_rules import Award
from cloud_sync.wire.facts import CommandFacts, NoteFacts, Stamp, VisitFacts
from edge.faults import FaultCode
from edge.messages import BacklogDrained
from edge.ports import Clock, Journal, JournalError

log = logging.getLogger(__name__)

ROOM = 64
"""Most records kept in memory; when it is full, a new one is refused and the older ones stay."""
ALARM_ROOM = ROOM // 2
"""An alarm is kept only while fewer records than this wait: flapping faults must not cost a visit."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
"""Pauses between attempts double from the first to the longest."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record to be written. `visit` is the visit's number, None for an alarm or a command."""

    facts: VisitFacts | NoteFacts
    stamp: Stamp
    visit: int | None = None

    def __str__(self) -> str:
        """Name it in a log line."""
        if isinstance(self.facts, VisitFacts):
            return f"visit {self.visit}"
        if isinstance(self.facts, CommandFacts):
            return f"command {self.facts.verb} {self.facts.id}"
        return f"alarm {self.facts.fault} of {self.facts.part}"


class Backlog:
    """Records on their way to the journal; a record leaves only once it is written."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        """Write to `journal`, one record after the other."""
        self._journal = journal
        self._clock = clock
        self._entries: deque[Entry] = deque()
        self._draining = threading.Lock()
        self._is_submitted = False
        self._pause_s = 0.0
        self._due_at = 0.0
        self.refusal: FaultCode | None = None
        """Why the last attempt failed; None if it did not."""

    # --- on the station's own thread ------------------------------------------------------------

    def add(self, entry: Entry) -> bool:
        """Keep a record until the journal has it; False if there is no room."""
        room = ROOM if entry.visit is not None else ALARM_ROOM
        if len(self._entries) >= room:
            log.error("%s is lost: %d records already wait for the disk", entry, len(self._entries))
            return False
        self._entries.append(entry)
        if entry.visit is not None:
            self._pause_s = self._due_at = 0.0  # a resident waits for the points
        return True

    def next_due(self) -> float | None:
        """Return when `drain` should run next, in monotonic seconds; None if it runs or nothing waits."""
        return None if self._is_submitted or not self._entries else self._due_at

    def submitted(self) -> None:
        """Note that a worker was given `drain` to run."""
        self._is_submitted = True

    def answered(self, drained: BacklogDrained) -> None:
        """Note the result of `drain`, and when to try again."""
        self._is_submitted = False
        self.refusal = drained.refusal
        if drained.refusal is None:
            self._pause_s = self._due_at = 0.0
            return
        self._pause_s = min(2 * self._pause_s or FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._due_at = drained.at + self._pause_s

    # --- on a worker ----------------------------------------------------------------------------

    def drain(self) -> BacklogDrained:
        """Write waiting records, oldest first, until none is left or the journal refuses; never raises."""
        kept: list[tuple[int, Award]] = []
        lost: list[int] = []
        with self._draining:
            while self._entries:
                entry = self._entries[0]
                try:
                    award = self._write(entry)
                except JournalError as error:
                    self._log_refusal(entry, error)
                    return self._answer(kept, lost, error.fault)
                except Exception:  # one record that cannot be written must not hold up the others
                    log.exception("%s cannot be written and is lost", entry)
                    lost += [] if entry.visit is None else [entry.visit]
                else:
                    kept += [] if entry.visit is None or award is None else [(entry.visit, award)]
                self._entries.popleft()
        return self._answer(kept, lost)

    def name_lost(self) -> None:
        """Log each record that is still in memory when the station ends."""
        for entry in list(self._entries):
            log.error("%s is lost: the disk did not take it before the stop", entry)

    def _answer(
        self, kept: list[tuple[int, Award]], lost: list[int], refusal: FaultCode | None = None
    ) -> BacklogDrained:
        waiting = () if refusal is None else tuple(entry.visit for entry in list(self._entries))
        delayed = tuple(visit for visit in waiting if visit is not None)
        return BacklogDrained(self._clock.now(), tuple(kept), delayed, tuple(lost), refusal)

    def _write(self, entry: Entry) -> Award | None:
        if not isinstance(entry.facts, VisitFacts):
            self._journal.record_note(entry.facts, entry.stamp)
            return None
        award = self._journal.record_visit(entry.facts, entry.stamp)
        log.info("visit %s: %s deposits, %s points", entry.visit, len(award.lines), award.points)
        return award

    def _log_refusal(self, entry: Entry, error: JournalError) -> None:
        if self.refusal is None:
            log.error("%s waits in memory, to be tried again: %s", entry, error)
