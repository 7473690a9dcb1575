"""The station: one inbox, its timers, and the dispatch of commands. The only owner of state.

Devices post events; one thread takes them, steps the pure visit machine and carries out its commands.
Blocking work goes to workers. A lid command goes out before any access to a disk.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from math import inf
from time import perf_counter

from cloud_sync.wire.facts import MAX_WALL_S, AlarmFacts, NoteFacts, Stamp
from edge.journal.backlog import Entry
from edge.loop import device_jobs
from edge.loop.inbox import QueueInbox
from edge.loop.journal_client import JournalClient
from edge.loop.parts import Parts
from edge.messages import (
    Alarm,
    BacklogDrained,
    Capture,
    CaptureFailed,
    Classify,
    ClassifyFailed,
    CloseLid,
    Command,
    EndPart,
    Event,
    JournalRead,
    Movement,
    OpenLid,
    Ordered,
    PhotosTaken,
    Pressed,
    Record,
    RecordFailed,
    Reply,
    ResumeMotors,
    Say,
    StopMotors,
    StopRequested,
    Tapped,
    Tick,
    VisitEvent,
)
from edge.visit.access import HeldCards, decide
from edge.visit.machine import step
from edge.visit.offering import ClipOffers
from edge.visit.state import State, VisitRules, next_deadline
from edge.voice.speech import Speech

log = logging.getLogger(__name__)

STOP_S = 5.0
"""How long a stop waits for lids to shut; then visits are recorded as they stand."""
FIRST_READ_S = 6.0
"""How long a tap at the start waits for the first read of the journal, which names the blocked cards.

Longer than BUSY_S, the wait for another program's lock. After it every card opens lids, because a disk that
hangs must not keep them shut.
"""
EARLY_TAPS = 16
"""Most taps kept until the first read of the journal; a further one is dropped."""
KEPT_TIMINGS = 10_000


class Station:
    """Runs visits: by `run` in real time, or by repeated `run_pending` in virtual time."""

    def __init__(
        self, inbox: QueueInbox, rules: VisitRules, parts: Parts, state: State | None = None
    ) -> None:
        """Take events from `inbox`; begin in `state`, for example with faults found at start."""
        self.state = state or State()
        self.tap_to_lid_s: deque[float] = deque(maxlen=KEPT_TIMINGS)
        """From a tap's posting to its lid command being out, by the performance counter."""
        self._inbox = inbox
        self._rules = rules
        self._parts = parts
        self._held = HeldCards()
        self._unproven = HeldCards()
        """Unknown cards seen once; a second reading proves that one is a card and not noise."""
        self._last_at = parts.clock.now()
        self._journal = JournalClient(parts)
        self._early: deque[tuple[Tapped, float]] = deque(maxlen=EARLY_TAPS)
        self._cards_by = inf
        """When early taps stop waiting for the first read of the journal."""
        self._has_begun = False
        self._speech = Speech()
        self._clips = ClipOffers()
        self._is_stopping = False
        self._stop_by: float | None = None

    # --- the loop -------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until `stop` is called and no visit is under way, at most STOP_S after the call."""
        self._begin()
        while not self._is_over():
            due = self.next_deadline()
            wait_s = None if due is None else max(0.0, due - self._parts.clock.now())
            if (taken := self._inbox.take(wait_s)) is not None:
                self._take(*taken)
            self._do_what_is_due()

    def stop(self) -> None:
        """Make `run` finish and return; may be called from any thread or a signal handler."""
        self._is_stopping = True
        self._inbox.wake()

    def run_pending(self) -> None:
        """Handle all posted events and everything that is due, without waiting."""
        self._begin()
        while True:
            self._do_what_is_due()
            if (taken := self._inbox.take(0)) is None:
                return
            self._take(*taken)

    def flush(self) -> None:
        """Issue a last write of the records that still wait for the disk; call after `run` returned."""
        self._journal.flush()

    def name_lost(self) -> None:
        """Log the records that the disk did not take; call it after the workers have stopped."""
        self._journal.name_lost()

    def next_deadline(self) -> float | None:
        """Return the station's next deadline, in monotonic seconds; None if there is none."""
        screen = self._parts.screen
        times = [next_deadline(self.state), screen.next_due() if screen else None, self._journal.next_due()]
        times += [self._stop_by, self._cards_by if self._early else None]
        return min((time for time in times if time is not None), default=None)

    def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._cards_by = self._parts.clock.now() + FIRST_READ_S
            self._do_what_is_due()

    def _is_over(self) -> bool:
        """Return whether a stop was requested and no visit is under way any more, or the time is up."""
        if not self._is_stopping:
            return False
        now = self._parts.clock.now()
        if self._stop_by is None:
            self._stop_by = now + STOP_S
            if self.state.visits:
                log.info("stopping: %d visits under way, at most %g s", len(self.state.visits), STOP_S)
        is_late = now >= self._stop_by
        self._handle(StopRequested(max(now, self._last_at), is_final=is_late))
        return is_late or not self.state.visits

    def _do_what_is_due(self) -> None:
        now = self._parts.clock.now()
        if self._inbox.is_empty:  # otherwise a waiting event may still be in time
            self._tick_if_due(now)
        for event in self._journal.do_what_is_due(now):
            self._handle(event)
        if self._early and self._knows_cards(now):
            self._take_early_taps()
        if self._parts.screen is not None:
            self._parts.screen.write(self.state, self._journal.known, self._parts.workers)

    def _tick_if_due(self, now: float) -> None:
        due = next_deadline(self.state)
        if due is not None and due <= now:
            self._handle(Tick(now))

    # --- events ---------------------------------------------------------------------------------

    def _take(self, event: Event | None, posted: float) -> None:
        if event is None:
            return
        # Threads may post slightly out of order, but for the state machine time must never go back; and an
        # event of the future would make every wait overdue.
        self._last_at = max(self._last_at, min(event.at, self._parts.clock.now()))
        event = replace(event, at=self._last_at)
        self._tick_if_due(self._last_at)
        match event:
            case Tapped() | Pressed() if self._is_stopping:
                log.info("%s came during the stop; no lid opens any more", type(event).__name__)
            case Tapped() if not self._knows_cards(self._last_at):
                self._early.append((event, posted))
            case Tapped():
                self._handle_tap(event, posted)
            case Ordered():
                self._take_order(event)
            case JournalRead():
                for found in self._journal.handle_read(event):
                    self._handle(found)
                self._take_early_taps()
            case BacklogDrained():
                for found in self._journal.handle_drained(event):
                    self._handle(found)
            case _:
                self._handle(event)

    def _take_order(self, event: Ordered) -> None:
        remote = self._parts.remote
        if remote is not None and remote.admit(event.command, is_stopping=self._is_stopping):
            self._handle(event)

    def _knows_cards(self, now: float) -> bool:
        """Return whether blocked cards are known, or the wait for them is over."""
        return self._journal.has_answered or now >= self._cards_by

    def _take_early_taps(self) -> None:
        self._last_at = max(self._last_at, self._parts.clock.now())  # the waits of these taps begin now
        while self._early:
            self._handle_tap(*self._early.popleft())

    def _handle_tap(self, tap: Tapped, posted: float) -> None:
        is_held = self._held.is_held(tap, self._rules.waits.held_card_s)
        if not is_held and not self._is_proven(tap):
            return
        self._held = self._held.seen(tap)
        if not is_held:
            now = replace(tap, at=self._last_at)
            self._handle(decide(now, self._journal.known.roster), posted)

    def _is_proven(self, tap: Tapped) -> bool:
        """Return whether this is a card and not noise: it is known, or its reader has seen it twice."""
        if tap.card in self._journal.known.roster or not tap.again_s:
            return True
        is_second = self._unproven.is_held(tap, tap.again_s)
        self._unproven = self._unproven.seen(tap)
        return is_second

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
            self._offer_clips(before, event.at)

    def _offer_clips(self, before: State, at: float) -> None:
        self._clips, offers = self._clips.step(before, self.state, at)
        for offer in offers:
            self._parts.offer(offer)

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
                return  # already carried out, before everything else
            case Capture(visit, deposit, _):
                busy: Event = CaptureFailed(at, visit, deposit, busy=True)
                self._submit("camera", lambda: device_jobs.capture(parts, command), busy)
            case Classify(visit, deposit, _):
                busy = ClassifyFailed(at, visit, deposit, busy=True)
                self._submit("classifier", lambda: device_jobs.classify(parts, command), busy)
            case Record(visit, facts):
                if not self._journal.add(Entry(facts, self._stamp(), visit)):
                    self._handle(RecordFailed(at, visit))
                self._journal.write(at)
            case Alarm(fault, part, raised):
                log.warning("%s: %s %s", part, fault, "began" if raised else "is over")
                self._note(AlarmFacts(str(fault), part, raised))
                if (latch := parts.latches.get(fault)) is not None:
                    self._submit("latch", lambda: latch.keep(is_set=raised), None)
            case Reply() | EndPart():
                self._answer(command)
            case Say():
                self._say(command)

    def _answer(self, command: Reply | EndPart) -> None:
        remote = self._parts.remote
        if remote is not None:
            self._note(remote.end_part(command) if isinstance(command, EndPart) else remote.reply(command))

    def _note(self, facts: NoteFacts | None) -> None:
        """Record what earns nothing."""
        if facts is not None:
            self._journal.add(Entry(facts, self._stamp()))
            self._journal.write(self._last_at)

    def _submit(self, device: str, job: Callable[[], Event | None], busy: Event | None) -> None:
        self._parts.workers.submit(device, job, busy)

    def _say(self, say: Say) -> None:
        if self._parts.screen is not None:
            self._parts.screen.said(say)
        if self._speech.add(say):
            self._submit("speaker", lambda: self._speech.speak(self._parts.speaker), None)

    def _stamp(self) -> Stamp:
        wall = self._parts.clock.wall()
        unix_s = min(max(0.0, wall.unix_s), MAX_WALL_S)
        return Stamp(unix_s, wall.trusted, self._parts.boot, max(0.0, self._parts.clock.now()))
