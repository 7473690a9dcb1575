"""The station: one inbox, its timers, and the dispatch of commands. The only owner of state.

Devices post events; one thread takes them, steps the pure visit machine and hands its commands out.
Blocking work goes to workers. A lid command goes out before anything touches a disk.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

from cloud_sync.wire.facts import MAX_WALL_S, AlarmFacts, Stamp
from edge.faults import FaultCode
from edge.journal.backlog import Backlog, Entry
from edge.loop import device_jobs
from edge.loop.inbox import QueueInbox
from edge.loop.parts import Parts
from edge.messages import (
    Alarm,
    Capture,
    CaptureFailed,
    Classify,
    ClassifyFailed,
    CloseLid,
    Command,
    Event,
    FaultCleared,
    FaultRaised,
    JournalRead,
    Movement,
    OpenLid,
    PhotosTaken,
    Record,
    RecordDelayed,
    Recorded,
    RecordFailed,
    ResumeMotors,
    Say,
    StopMotors,
    Tapped,
    Tick,
    VisitEvent,
    Written,
)
from edge.visit.access import HeldCards, decide
from edge.visit.machine import JOURNAL, step
from edge.visit.state import State, VisitRules, next_deadline

log = logging.getLogger(__name__)

JOURNAL_READ_S = 0.5
"""How often the station looks whether the sync process brought something."""
JOURNAL_REFUSED_S = 5.0
"""How often it looks while the disk refuses: opening a journal reads all of it."""
JOURNAL_SILENT_S = 60.0
"""So long may a look at the journal take before another is tried: its answer may have been lost."""
KEPT_TIMINGS = 10_000
_TOLD_BY_JOURNAL = (
    (FaultCode.EVENTS_REFUSED, "outbox"),
    (FaultCode.JOURNAL_RECOVERED, "journal"),
    (FaultCode.STATION_KEY_RETIRED, "outbox"),
)
"""Faults that come and go with what the journal tells, and the part that each is raised at."""


class Station:
    """Runs visits. `run` for real time, or `run_pending` again and again in virtual time."""

    def __init__(
        self, inbox: QueueInbox, rules: VisitRules, parts: Parts, state: State | None = None
    ) -> None:
        """Take events from `inbox`; begin in `state` (faults found at start, say)."""
        self.state = state or State()
        self.tap_to_lid_s: deque[float] = deque(maxlen=KEPT_TIMINGS)
        """From a tap's posting to its lid command being out, by the performance counter."""
        self._inbox = inbox
        self._rules = rules
        self._parts = parts
        self._held = HeldCards()
        self._unproven = HeldCards()
        """Unknown cards seen once: whether each is a card or noise, the next sight of it tells."""
        self._last_at = parts.clock.now()
        self._known = JournalRead(self._last_at, {}, 0, 0)
        self._read_journal_at = self._last_at
        self._knows_cards = False
        self._backlog = Backlog(parts.journal, parts.clock)
        self._is_stopping = False

    # --- the loop -------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until `stop` is called from another thread."""
        self._learn_cards()
        while not self._is_stopping:
            due = self.next_deadline()
            wait_s = None if due is None else max(0.0, due - self._parts.clock.now())
            if (taken := self._inbox.take(wait_s)) is not None:
                self._take(*taken)
            self._do_what_is_due()

    def stop(self) -> None:
        """Make `run` return after the event at hand; callable from any thread."""
        self._is_stopping = True
        self._inbox.wake()

    def run_pending(self) -> None:
        """Handle everything that has been posted and everything that is due, without waiting."""
        self._learn_cards()
        while True:
            self._do_what_is_due()
            if (taken := self._inbox.take(0)) is None:
                return
            self._take(*taken)

    def flush(self) -> None:
        """Write what still waits for the disk; for a station that has stopped, with its workers."""
        self._backlog.flush()

    def next_deadline(self) -> float | None:
        """When the station next wants to be woken, in monotonic seconds."""
        screen = self._parts.screen
        times = [next_deadline(self.state), screen.next_due() if screen else None, self._read_journal_at]
        times.append(self._backlog.next_due())
        return min((time for time in times if time is not None), default=None)

    def _learn_cards(self) -> None:
        """Know the blocked cards before the first tap: one that came too early would be let in."""
        if not self._knows_cards:
            self._knows_cards = True
            self._take(device_jobs.read_journal(self._parts, self._known), perf_counter())

    def _do_what_is_due(self) -> None:
        now = self._parts.clock.now()
        if self._inbox.is_empty:  # else what still waits may have come in time
            self._tick_if_due(now)
        if self._read_journal_at <= now:
            self._read_journal_at = now + JOURNAL_SILENT_S
            busy = replace(self._known, at=now)
            self._submit("journal", lambda: device_jobs.read_journal(self._parts, busy), busy)
        self._write_what_waits(now)
        if self._parts.screen is not None:
            parts = self._parts
            self._parts.screen.write(
                self.state, self._known.waiting, parts.community, parts.name, parts.workers
            )

    def _tick_if_due(self, now: float) -> None:
        due = next_deadline(self.state)
        if due is not None and due <= now:
            self._handle(Tick(now))

    # --- events ---------------------------------------------------------------------------------

    def _take(self, event: Event | None, posted: float) -> None:
        if event is None:
            return
        # Threads may post a little out of order; the machine is promised that time never steps back,
        # and an event of the future would make every wait overdue.
        self._last_at = max(self._last_at, min(event.at, self._parts.clock.now()))
        event = replace(event, at=self._last_at)
        self._tick_if_due(self._last_at)
        match event:
            case Tapped():
                self._tapped(event, posted)
            case JournalRead():
                self._journal_read(event)
            case Written():
                self._written(event)
            case _:
                self._handle(event)

    def _tapped(self, tap: Tapped, posted: float) -> None:
        is_held = self._held.is_held(tap, self._rules.waits.held_card_s)
        if not is_held and not self._is_proven(tap):
            return
        self._held = self._held.seen(tap)
        if not is_held:
            self._handle(decide(tap, self._known.roster), posted)

    def _is_proven(self, tap: Tapped) -> bool:
        """Whether this is a card and no noise: a known one, or one that its reader has seen twice."""
        if tap.card in self._known.roster or not tap.again_s:
            return True
        is_second = self._unproven.is_held(tap, tap.again_s)
        self._unproven = self._unproven.seen(tap)
        return is_second

    def _journal_read(self, event: JournalRead) -> None:
        was_refused, self._known = self._known.is_refused, event
        self._read_journal_at = event.at + (JOURNAL_REFUSED_S if event.is_refused else JOURNAL_READ_S)
        if event.is_refused:
            self._handle(FaultRaised(event.at, FaultCode.JOURNAL_FAILED, JOURNAL))
        elif was_refused and not self._backlog.is_refused:
            self._handle(FaultCleared(event.at, FaultCode.JOURNAL_FAILED, JOURNAL))
        told = event.told | {FaultCode.EVENTS_REFUSED} if event.refused else event.told
        for fault, part in _TOLD_BY_JOURNAL:
            kind = FaultRaised if fault in told else FaultCleared
            self._handle(kind(event.at, fault, part))

    def _written(self, event: Written) -> None:
        self._backlog.answered(event)
        for visit, award in event.kept:
            self._handle(Recorded(event.at, visit, award))
        for visit in event.lost:
            self._handle(RecordFailed(event.at, visit))
        if event.is_refused:
            self._handle(FaultRaised(event.at, FaultCode.JOURNAL_FAILED, JOURNAL))
            for visit in event.delayed:
                self._handle(RecordDelayed(event.at, visit))
        elif self._known.is_refused:
            self._read_journal_at = event.at  # it may be well again
        else:
            self._handle(FaultCleared(event.at, FaultCode.JOURNAL_FAILED, JOURNAL))

    def _handle(self, event: VisitEvent, posted: float | None = None) -> None:
        self._last_at = max(self._last_at, event.at)
        before = self.state
        self.state, commands = step(before, event, self._rules)
        for command in commands:
            if isinstance(command, Movement):
                self._move(command)
        if posted is not None and any(isinstance(command, OpenLid) for command in commands):
            self.tap_to_lid_s.append(perf_counter() - posted)
        for command in commands:
            self._give(command)
        if self.state is not before:
            self._show(event)

    def _show(self, event: VisitEvent) -> None:
        if self._parts.screen is None:
            return
        if isinstance(event, PhotosTaken) and event.photos:
            self._parts.screen.show_picture(event.photos[-1])
        self._parts.screen.changed(self.state)

    # --- commands -------------------------------------------------------------------------------

    def _move(self, command: Movement) -> None:
        match command:
            case OpenLid(_, bin_id, lease_s):
                self._parts.lids[bin_id].open(lease_s)
            case CloseLid(_, bin_id):
                self._parts.lids[bin_id].end_lease()
            case StopMotors():
                for mover in self._parts.movers:
                    mover.stop_motors()
            case ResumeMotors():
                for mover in self._parts.movers:
                    mover.resume_motors()

    def _give(self, command: Command) -> None:
        at, parts = self._last_at, self._parts
        match command:
            case OpenLid() | CloseLid() | StopMotors() | ResumeMotors():
                return  # already out, ahead of everything else
            case Capture(visit, deposit, _):
                busy: Event = CaptureFailed(at, visit, deposit, busy=True)
                self._submit("camera", lambda: device_jobs.capture(parts, command), busy)
            case Classify(visit, deposit, _):
                busy = ClassifyFailed(at, visit, deposit, busy=True)
                self._submit("classifier", lambda: device_jobs.classify(parts, command), busy)
            case Record(visit, facts):
                if not self._backlog.add(Entry(facts, self._stamp(), visit)):
                    self._handle(RecordFailed(at, visit))
                self._write_what_waits(at)
            case Alarm(fault, part, raised):
                log.warning("%s: %s %s", part, fault, "began" if raised else "is over")
                self._backlog.add(Entry(AlarmFacts(str(fault), part, raised), self._stamp()))
                self._write_what_waits(at)
                if fault is FaultCode.EMERGENCY_STOP:
                    self._submit("latch", lambda: parts.latch.keep(is_set=raised), None)
            case Say():
                self._say(command)

    def _write_what_waits(self, now: float) -> None:
        due = self._backlog.next_due()
        if due is not None and due <= now:
            self._backlog.submitted()
            self._submit("journal", self._backlog.drain, Written(now, is_refused=True))

    def _submit(self, device: str, job: Callable[[], Event | None], busy: Event | None) -> None:
        self._parts.workers.submit(device, job, busy)

    def _say(self, say: Say) -> None:
        if self._parts.screen is not None:
            self._parts.screen.said(say)
        self._submit("speaker", lambda: self._parts.speaker.say(say), None)

    def _stamp(self) -> Stamp:
        wall = self._parts.clock.wall()
        unix_s = min(max(0.0, wall.unix_s), MAX_WALL_S)
        return Stamp(unix_s, wall.trusted, self._parts.boot, max(0.0, self._parts.clock.now()))
