"""Keeps clips of chosen deposits: waits for the seconds after, has them made, and stores them.

Nothing here delays a verdict: the station's word is taken without waiting, frames are only referred to, and
everything slow happens on one thread of its own and in the maker's process.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from random import Random
from zoneinfo import ZoneInfo

from config.process.threads import Complaints, thread
from config.sorting import Category
from edge.eye.clips.child import MakeError
from edge.eye.clips.choose import (
    Budget,
    Chances,
    ClipReason,
    KeptClip,
    SeenDeposit,
    admit,
    reason_of,
    worth_of,
)
from edge.eye.clips.mask import Point
from edge.eye.clips.record import AFTER_S, BEFORE_S, ClipJob, ClipRecord, MadeClip, Shares, VisitName
from edge.eye.clips.retention import Keeping, surplus
from edge.eye.clips.ring import RingFrame
from edge.eye.clips.store import ClipStore
from edge.eye.health.calendar import Calendar
from edge.eye.protocol import KeepClip
from edge.faults import FaultCode
from edge.messages import FaultCleared, FaultRaised
from edge.part_kinds import EYE, STATION
from edge.ports import Clock, Inbox
from models.verdict import Ballot

log = logging.getLogger(__name__)

MOST_PENDING = 32
"""Most deposits whose two seconds after are not over: more than all bins together can have."""
MOST_WAITING = 4
"""Most clips that wait to be made, about 2 MB each; a further one is dropped and counted."""
TEND_S = 60.0
"""How often old clips are looked for, and a disk that refused is tried again."""
_DAY_S = 86_400
_STOP_S = 3.0


@dataclass(frozen=True, slots=True)
class ClipBin:
    """A bin that clips may be kept of."""

    category: Category
    tray: tuple[Point, ...]
    region: Shares


@dataclass(frozen=True, slots=True)
class ClipRules:
    """Whose clips are kept, how many, and how long."""

    community: str
    station: str
    timezone: ZoneInfo
    bins: Mapping[str, ClipBin]
    budget: Budget
    keeping: Keeping


@dataclass(frozen=True, slots=True)
class JudgedCrop:
    """What the model said of a deposit's pictures, where in the frame they were cut, and when taken."""

    ballot: Ballot
    box: Shares
    at: float


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A deposit that was chosen."""

    id: str
    keep: KeepClip
    bin: ClipBin
    reason: ClipReason
    judged: JudgedCrop | None
    frames: tuple[RingFrame, ...] = ()

    @property
    def worth(self) -> float:
        return worth_of(self.reason, None if self.judged is None else self.judged.ballot.verdict)


class Recorder:
    """Chooses, makes and stores clips. `want` and `turn` are called from the eye's own thread."""

    def __init__(  # noqa: PLR0913 (all that clips depend on)
        self,
        rules: ClipRules,
        past: Callable[[str, float, float], tuple[RingFrame, ...]],
        store: ClipStore,
        make: Callable[[ClipJob], MadeClip],
        clock: Clock,
        inbox: Inbox,
        *,
        random: Random,
        tend_s: float = TEND_S,
    ) -> None:
        """Take frames of a bin from `past(bin, begin, end)`; have clips made by `make`, which may block."""
        self._rules, self._past, self._store, self._make = rules, past, store, make
        self._clock, self._inbox, self._random, self._tend_s = clock, inbox, random, tend_s
        self._pending: dict[str, _Wanted] = {}
        self._queue: queue.Queue[_Wanted | None] = queue.Queue(MOST_WAITING)
        self._complaints = Complaints(log)
        self._calendar = Calendar()
        self._is_stepped = self._is_refused = self._has_begun = False
        self.dropped = 0
        """Chosen deposits of which no clip could be made because too many waited."""
        self._thread = thread(self._run, "clips")

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def stop(self) -> None:
        """Let the clip that is being stored be finished, and end."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            self._queue.get_nowait()
            self._queue.put_nowait(None)
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    # --- on the eye's own thread ----------------------------------------------------------------

    def want(self, keep: KeepClip, judged: JudgedCrop | None) -> None:
        """Keep a clip of a deposit if it is worth one. Returns at once."""
        its_bin = self._rules.bins.get(keep.bin)
        name = f"{keep.boot[:8]}-{round(keep.visit_at * 1000)}-{keep.deposit}"
        if its_bin is None or len(self._pending) >= MOST_PENDING:
            return
        seen = SeenDeposit(
            its_bin.category,
            None if judged is None else judged.ballot.verdict,
            votes_differ=judged is not None and judged.ballot.votes_differ,
            has_alarm=keep.has_alarm,
            is_appealed=keep.is_appealed,
        )
        chances = Chances(self._random.random(), self._random.random())
        reason = reason_of(seen, self._rules.budget, chances)
        if reason is not None:
            self._pending[name] = _Wanted(name, keep, its_bin, reason, judged)

    def turn(self) -> None:
        """Take the frames of deposits whose seconds after are over; call it every half second."""
        now = self._clock.now()
        self._look_at_the_calendar(now)
        for wanted in [one for one in self._pending.values() if now >= one.keep.at + AFTER_S]:
            del self._pending[wanted.id]
            at = wanted.keep.at
            frames = self._past(wanted.keep.bin, at - BEFORE_S, at + AFTER_S)
            if not frames:
                log.warning("no clip of %s: the camera gave no picture around it", wanted.id)
                continue
            try:
                self._queue.put_nowait(replace(wanted, frames=frames))
            except queue.Full:
                self.dropped += 1
                log.warning("no clip of %s: too many wait; %d were dropped so far", wanted.id, self.dropped)

    def _look_at_the_calendar(self, now: float) -> None:
        before, self._calendar = self._calendar, self._calendar.look(self._clock.wall(), now)
        if self._calendar.doubted_until > before.doubted_until:
            log.error("the calendar was stepped; no clip is deleted for its age until it is steady")
        if self._calendar.is_doubted(now) is not self._is_stepped:
            self._is_stepped = not self._is_stepped
            kind = FaultRaised if self._is_stepped else FaultCleared
            self._inbox.post(kind(now, FaultCode.CLOCK_STEPPED, STATION))

    # --- on the thread of clips -----------------------------------------------------------------

    def _run(self) -> None:
        while True:
            try:
                wanted = self._queue.get(timeout=self._tend_s)
            except queue.Empty:
                self._guarded(self._tend)
                continue
            if wanted is None:
                return
            self._guarded(partial(self._keep, wanted))

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do something with the disk; a refusal is a fault until the disk takes something again."""
        try:
            if not self._has_begun:
                self._store.begin()
                self._has_begun = True
            work()
        except OSError as error:
            if self._complaints.is_new(str(error)):
                log.error("clips cannot be stored (%s); verdicts go on", error)  # noqa: TRY400 (no bug)
            if not self._is_refused:
                self._inbox.post(FaultRaised(self._clock.now(), FaultCode.CLIPS_FAILED, EYE))
            self._is_refused = True
        else:
            self._complaints.over()
            if self._is_refused:
                self._inbox.post(FaultCleared(self._clock.now(), FaultCode.CLIPS_FAILED, EYE))
            self._is_refused = False

    def _keep(self, wanted: _Wanted) -> None:
        day = self._day()
        new = KeptClip(wanted.id, wanted.reason, wanted.worth)
        others = tuple(kept for kept in self._store.of_day(day) if kept.id != wanted.id)
        admission = admit(new, others, self._rules.budget)
        if admission is None:
            log.info("no clip of %s (%s): the day has more informative ones", wanted.id, wanted.reason)
            return
        try:
            made = self._make(self._job(wanted))
        except MakeError as error:
            log.error("no clip of %s: %s", wanted.id, error)  # noqa: TRY400 (no bug)
            return
        record = self._store.put(self._record(wanted, made, day), made)
        log.info("clip %s is kept: %s%s", record.id, record.reason, record.no_clip and f"; {record.no_clip}")
        if admission.instead_of is not None:
            self._store.delete(admission.instead_of, f"clip {wanted.id} is more informative")
        self._tend()

    def _job(self, wanted: _Wanted) -> ClipJob:
        judged = wanted.judged
        return ClipJob(
            frames=tuple((frame.at, frame.jpeg) for frame in wanted.frames),
            tray=wanted.bin.tray,
            still_at=wanted.keep.at if judged is None else judged.at,
            box=wanted.bin.region if judged is None else judged.box,
            wants_clip=wanted.keep.consents,
        )

    def _record(self, wanted: _Wanted, made: MadeClip, day: str) -> ClipRecord:
        keep, judged, wall = wanted.keep, wanted.judged, self._clock.wall()
        refused = "" if keep.consents else "the household has not agreed to clips"
        return ClipRecord(
            id=wanted.id,
            community=self._rules.community,
            station=self._rules.station,
            visit=VisitName(keep.boot, keep.visit_at),
            deposit=keep.deposit,
            bin=keep.bin,
            bin_category=wanted.bin.category,
            reason=wanted.reason,
            worth=wanted.worth,
            at_s=keep.at,
            wall_s=wall.unix_s,
            trusted=wall.trusted and not self._is_stepped,
            day=day,
            box=made.box,
            size=made.size,
            faces=made.faces,
            judged=None if judged is None else judged.ballot,
            no_clip=refused or made.why,
        )

    def _day(self) -> str:
        """Return the day whose budget counts; without a trusted calendar, a day of this boot."""
        wall = self._clock.wall()
        if not wall.trusted or self._is_stepped:
            return f"boot {int(self._clock.now() // _DAY_S)}"
        return datetime.fromtimestamp(wall.unix_s, self._rules.timezone).date().isoformat()

    def _tend(self) -> None:
        """Delete what is old or in the way, and see whether the disk takes something."""
        wall = self._clock.wall()
        now_s = wall.unix_s if wall.trusted and not self._is_stepped else None
        keeping, free = self._rules.keeping, self._store.free_bytes()
        for gone in list(surplus(self._store.clips(), keeping, now_s, free)):
            self._store.delete(gone.id, gone.why)
        if self._is_refused:
            self._store.probe()
