"""Writes the live state and the last picture for the panel, at most ten times a second."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from msgspec import structs

from cloud_sync.rules.award_rules import outcome_of
from cloud_sync.wire.station_state import CabinetReading
from edge.messages import JournalRead, Photo, Say
from edge.ports import Clock, Workers
from edge.screen.awards import Awards
from edge.screen.prompts import PromptRenderer
from edge.screen.state import LiveFolder, LiveState
from edge.screen.view import (
    LastShown,
    OnScreen,
    StationLabel,
    award_of,
    live_state,
    note_said,
    note_state,
    shown_visit,
)
from edge.visit.deposits import deposit_facts
from edge.visit.state import DepositPhase, State, VisitRules

log = logging.getLogger(__name__)

INTERVAL_S = 0.1
"""The panel gets at most ten states a second; the newest one always arrives."""
HEARTBEAT_S = 2.0
"""An unchanged state is rewritten after this, so that the panel can tell a quiet station from a dead one."""

QUIET_S = 20.0
"""How long the screen shows the last visit's deposits and points; after that they are private.

It counts from the end of the visit, for prompts from when they were said. Faults do not renew it: a fault
that comes and goes for days would keep a resident's picture on the screen.
"""


class Screen:
    """The station's side of its screen. All methods are called from the station's own thread."""

    def __init__(  # noqa: PLR0913 (all that a screen depends on)
        self,
        folder: LiveFolder,
        rules: VisitRules,
        label: StationLabel,
        prompts: PromptRenderer,
        clock: Clock,
        show: Callable[[Photo], bool],
        *,
        readings: Callable[[], tuple[CabinetReading, ...]] = tuple,
    ) -> None:
        """Write to `folder`; `show` writes a photo there as JPEG and returns whether it is written.

        `readings` returns the last readings of cabinets; none by default.
        """
        self._folder = folder
        self._rules = rules
        self._label = label
        self._prompts = prompts
        self._clock = clock
        self._show = show
        self._readings = readings
        self._last = LastShown()
        self._awards = Awards()
        self._pictures = 0
        self._shown_picture = 0
        self._newest_picture: Photo | None = None
        self._written_picture: Photo | None = None
        self._has_picture = True
        self._may_hold_picture = True  # left by an earlier run
        self._newest_state: LiveState | None = None
        self._written_state: LiveState | None = None
        self._due_at = 0.0
        self._visited_at = self._said_at = clock.now()
        self._had_visits = False
        self._is_stale = True
        self._is_refused = False

    def said(self, say: Say) -> None:
        """Show a prompt; an award stays on the screen for a while."""
        self._last = note_said(self._last, say, self._prompts)
        self._said_at = self._clock.now()
        if (award := award_of(say)) is not None:
            self._awards = self._awards.add(award, self._said_at)
            self._visited_at = self._said_at
        self._is_stale = True

    def changed(self, state: State) -> None:
        """Update the screen after a change of the station's state."""
        visit = shown_visit(self._last, state)
        outcomes = {}
        if visit is not None:
            outcomes = {
                deposit.number: outcome_of(deposit_facts(self._rules, visit, deposit))
                for deposit in visit.deposits
                if deposit.phase is DepositPhase.JUDGED
            }
        last = note_state(self._last, state, outcomes, self._prompts)
        if last.visit != self._last.visit:
            self._forget_picture()  # the next visitor must not see the last one's deposit
        self._last = last
        if state.visits or self._had_visits:
            self._visited_at = self._clock.now()
        self._had_visits = bool(state.visits)
        self._is_stale = True

    def show_picture(self, photo: Photo) -> None:
        """Write this picture with the next state."""
        self._pictures += 1
        self._shown_picture = self._pictures
        self._newest_picture = photo
        self._visited_at = self._clock.now()
        self._is_stale = True

    def next_due(self) -> float:
        """Return when to call `write` next, in monotonic seconds."""
        if self._is_stale:
            return self._due_at
        beat_at = self._due_at + HEARTBEAT_S
        award_at = self._awards.next_due(self._clock.now())
        return beat_at if award_at is None else max(self._due_at, min(beat_at, award_at))

    def write(self, state: State, journal: JournalRead, workers: Workers) -> None:
        """Have a worker write the live state and a new picture, if they are due.

        `journal` is its last read: how many events wait, and how old the list of cards is.
        """
        now = self._clock.now()
        if now < self.next_due():
            return
        self._awards = self._awards.at(now, state.current)
        if not state.visits:
            self._forget_what_is_old()
        self._is_stale = False
        self._due_at = now + INTERVAL_S
        self._newest_state = live_state(
            OnScreen(self._last, self._awards.shown, self._shown_picture),
            state,
            self._rules,
            self._label,
            outbox=journal.waiting,
            roster_age_s=journal.roster_age_s,
            written_s=self._clock.wall().unix_s,
            readings=self._readings(),
        )
        workers.submit("screen", self._write_newest, None)

    def _forget_picture(self) -> None:
        self._shown_picture = 0
        self._newest_picture = None

    def _forget_what_is_old(self) -> None:
        """Forget the last visit and the last prompt, each QUIET_S after its end; for use between visits."""
        now = self._clock.now()
        if now - self._visited_at >= QUIET_S:
            self._last = LastShown(said=self._last.said, prompt=self._last.prompt)
            self._awards = self._awards.forget(now)
            self._forget_picture()
        if now - self._said_at >= QUIET_S:
            self._last = replace(self._last, said=None, prompt=None)

    def _write_newest(self) -> None:
        """Write the newest state and picture; runs on a worker.

        A job that was rejected loses nothing: the one that waits writes the newest values.
        """
        # Read the state first: it must not count a picture that is newer than the written one.
        live = self._newest_state
        picture = self._newest_picture
        try:
            if picture is not None and picture is not self._written_picture:
                self._may_hold_picture = True
                self._has_picture = self._show(picture)
                self._written_picture = picture
            if live is not None and live is not self._written_state:
                self._folder.write_state(live if self._has_picture else structs.replace(live, picture=0))
                self._written_state = live
            if picture is None and self._may_hold_picture:
                self._folder.drop_picture()
                self._may_hold_picture = False
        except OSError as error:
            if not self._is_refused:
                log.warning("the screen's folder cannot be written: %s", error)
            self._is_refused = True
        else:
            if self._is_refused:
                log.info("the screen's folder can be written again")
            self._is_refused = False
