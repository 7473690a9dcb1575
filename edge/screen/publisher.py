"""Leaves the live state and the last picture for the panel, at most ten times a second."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from cloud_sync.rules.award_rules import outcome_of
from edge.messages import Photo, Say
from edge.ports import Clock, Workers
from edge.screen.state import LiveFolder, LiveState
from edge.screen.view import Seen, Vocabulary, Whereabouts, live_state, note_said, note_state, shown_visit
from edge.visit.deposits import deposit_facts
from edge.visit.state import DepositPhase, State, VisitRules

log = logging.getLogger(__name__)

INTERVAL_S = 0.1
"""The panel gets at most ten states a second; the newest one always arrives."""
HEARTBEAT_S = 2.0
"""A state that stands longer is written again, so that the panel can tell a quiet station from a dead one."""

QUIET_S = 20.0
"""So long does the screen show what the last visit threw in and earned; then it is nobody's business.

It counts from the visit alone, and for words from when they were said: a fault that comes and goes for days
would else keep a resident's picture on the screen.
"""


class Screen:
    """The station's side of its screen. All methods are called from the station's own thread."""

    def __init__(
        self,
        folder: LiveFolder,
        rules: VisitRules,
        vocabulary: Vocabulary,
        clock: Clock,
        encode: Callable[[Photo], bytes],
    ) -> None:
        """Write to `folder`; `encode` turns a camera's photo into JPEG bytes."""
        self._folder = folder
        self._rules = rules
        self._vocabulary = vocabulary
        self._clock = clock
        self._encode = encode
        self._seen = Seen()
        self._pictures = 0
        self._shown_picture = 0
        self._newest_picture: Photo | None = None
        self._written_picture: Photo | None = None
        self._may_hold_picture = True  # one of an earlier run
        self._newest_state: LiveState | None = None
        self._written_state: LiveState | None = None
        self._due_at = 0.0
        self._visited_at = self._said_at = clock.now()
        self._had_visits = False
        self._is_stale = True
        self._is_refused = False

    def said(self, say: Say) -> None:
        """A prompt was spoken."""
        self._seen = note_said(self._seen, say, self._vocabulary)
        self._said_at = self._clock.now()
        self._is_stale = True

    def changed(self, state: State) -> None:
        """The station's state changed."""
        visit = shown_visit(self._seen, state)
        outcomes = {}
        if visit is not None:
            outcomes = {
                deposit.number: outcome_of(deposit_facts(self._rules, visit, deposit))
                for deposit in visit.deposits
                if deposit.phase is DepositPhase.JUDGED
            }
        seen = note_state(self._seen, state, outcomes, self._vocabulary)
        if seen.visit != self._seen.visit:
            self._forget_picture()  # what the last visit threw in is none of the next one's business
        self._seen = seen
        if state.visits or self._had_visits:
            self._visited_at = self._clock.now()
        self._had_visits = bool(state.visits)
        self._is_stale = True

    def show_picture(self, photo: Photo) -> None:
        """Leave this picture with the next state."""
        self._pictures += 1
        self._shown_picture = self._pictures
        self._newest_picture = photo
        self._visited_at = self._clock.now()
        self._is_stale = True

    def next_due(self) -> float:
        """When `write` should next be called, in monotonic seconds."""
        return self._due_at if self._is_stale else self._due_at + HEARTBEAT_S

    def write(self, state: State, outbox: int, community: str, station: str, workers: Workers) -> None:
        """Leave the live state and a new picture, if it is time, away from the station's thread."""
        if self._clock.now() < self.next_due():
            return
        if not state.visits:
            self._forget_what_is_old()
        self._is_stale = False
        self._due_at = self._clock.now() + INTERVAL_S
        where = Whereabouts(community, station, self._shown_picture, outbox)
        self._newest_state = live_state(self._seen, state, self._rules, where, self._clock.wall().unix_s)
        workers.submit("screen", self._write_newest, None)

    def _forget_picture(self) -> None:
        self._shown_picture = 0
        self._newest_picture = None

    def _forget_what_is_old(self) -> None:
        """Between visits: drop the last one once it was shown long enough, and likewise what was said."""
        now = self._clock.now()
        if now - self._visited_at >= QUIET_S:
            self._seen = Seen(said=self._seen.said)
            self._forget_picture()
        if now - self._said_at >= QUIET_S:
            self._seen = replace(self._seen, said=None)

    def _write_newest(self) -> None:
        """Runs on a worker. What is newest by then: a job turned away is done by one that still waits."""
        # The state is taken first: it must never count a picture newer than the one written before it.
        live = self._newest_state
        picture = self._newest_picture
        try:
            if picture is not None and picture is not self._written_picture:
                self._may_hold_picture = True
                self._folder.write_picture(self._encode(picture))
                self._written_picture = picture
            if live is not None and live is not self._written_state:
                self._folder.write_state(live)
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
