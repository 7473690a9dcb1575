"""The state of visits in progress, and the rules of a station. Frozen values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum, auto
from math import inf

from cloud_sync.wire.facts import MAX_DEPOSITS, MAX_OPENINGS, Credential, OpeningFacts, Role
from config.sorting import Category
from config.station import OpenBy, StationSettings, VisitSection
from edge.faults import Fault
from edge.messages import Photo
from edge.roster import UNFILMED, Filming
from models.verdict import Verdict

MODEL = "model"
"""The part in faults of the waste model."""


@dataclass(frozen=True, slots=True)
class BinRule:
    """One bin's properties that a visit needs. `camera` is None for a bin without one."""

    id: str
    category: Category
    open_by: OpenBy
    reader: str | None
    camera: str | None
    weighed: bool


@dataclass(frozen=True, slots=True)
class VisitRules:
    """A station's bins by id, and its timeouts in seconds."""

    bins: dict[str, BinRule]
    waits: VisitSection

    @property
    def lease_s(self) -> float:
        """How long a lid command holds; never longer than the limit of a whole opening."""
        return min(self.waits.lease_s, self.waits.max_open_s)

    @property
    def travel_limit_s(self) -> float:
        """A lid that has not arrived after this long has a fault: twice its travel time plus a second."""
        return 2 * self.waits.travel_s + 1

    @property
    def longest_hold_s(self) -> float:
        """The longest that one opening can keep a bin from the next visit."""
        return self.waits.max_open_s + self.waits.obstructed_s + 2 * self.travel_limit_s

    @property
    def max_visits(self) -> int:
        """Maximum of visits in progress: per bin one still shutting and one being recorded, and a new one."""
        return 2 * len(self.bins) + 1


def visit_rules(settings: StationSettings) -> VisitRules:
    """Return the rules of a station's settings."""
    bins = {
        bin_.id: BinRule(bin_.id, bin_.category, bin_.open_by, bin_.reader, bin_.camera, bin_.has_scale)
        for bin_ in settings.bin
    }
    return VisitRules(bins, settings.visit)


class OpeningPhase(StrEnum):
    """The phases of one lid's opening."""

    WAITING = auto()
    """Another visit's lid must shut first."""
    OPENING = auto()
    OPEN = auto()
    CLOSING = auto()


@dataclass(frozen=True, slots=True)
class Opening:
    """One lid opened, or waited for, by one visit. Times are the clock's monotonic seconds."""

    bin: str
    phase: OpeningPhase
    until: float
    """Deadline of this phase; for OPEN, when the lease ends."""
    opened_at: float = inf
    """When the switch first reported open; inf before."""
    is_leased: bool = False
    """Whether the mover confirmed the lease; without that, a lid that stays shut is not a jam."""
    closing_at: float = inf
    was_blind: bool = False
    """Whether no camera could see the bin for some of the time, so that a deposit may be missing."""


class DepositPhase(StrEnum):
    """The phases of one deposit."""

    CAPTURING = auto()
    CLASSIFYING = auto()
    JUDGED = auto()


@dataclass(frozen=True, slots=True)
class Deposit:
    """One thing thrown in. JUDGED without a verdict means unseen."""

    number: int
    bin: str
    at: float
    phase: DepositPhase
    until: float
    weight_g: int | None = None
    verdict: Verdict | None = None
    by_scale: bool = False
    """Only the scale reported it."""
    photos: tuple[Photo, ...] = field(default=(), compare=False, repr=False)
    """What was classified."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One card's visit, from tap to record."""

    id: int
    card: str
    credential: Credential
    role: Role
    started_at: float
    idle_until: float
    """With no lid open and no deposit to judge, the visit waits for more until then."""
    recording_until: float | None = None
    """Set once the visit is sent to the disk; nothing is added to it after that."""
    openings: tuple[Opening, ...] = ()
    closed: tuple[OpeningFacts, ...] = ()
    deposits: tuple[Deposit, ...] = ()
    filming: Filming = UNFILMED
    is_ordered: bool = False
    """An officer opened the lid from afar: nobody's visit. It is not recorded and has no deposits."""

    @property
    def is_busy(self) -> bool:
        """Whether a lid or a deposit's verdict is still outstanding."""
        return bool(self.openings) or any(d.phase is not DepositPhase.JUDGED for d in self.deposits)

    @property
    def is_full(self) -> bool:
        """Whether this visit's event can hold no further deposit."""
        return len(self.deposits) >= MAX_DEPOSITS

    def has_room_for(self, bins: Iterable[str]) -> bool:
        """Return whether this visit's event can hold openings of these bins, besides the current ones."""
        under_way = {opening.bin for opening in self.openings}
        return len(self.closed) + len(under_way.union(bins)) <= MAX_OPENINGS

    @property
    def is_staff(self) -> bool:
        """Whether the card is staff's, which opens bins that are blocked for residents."""
        return self.role is Role.STAFF


@dataclass(frozen=True, slots=True)
class Jam:
    """A lid that did not open: how often in a row, and when a resident's card may try again."""

    bin: str
    tries: int
    again_at: float


@dataclass(frozen=True, slots=True)
class Awaited:
    """An officer's command that ends when a lid's switch reports, or at `until`."""

    order: str
    bin: str
    is_open: bool
    """Whether the open switch is awaited; else the shut switch."""
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class State:
    """The whole state of the visits. `current`: the visit that new taps and presses belong to."""

    visits: tuple[Visit, ...] = ()
    current: int | None = None
    next_visit: int = 1
    faults: frozenset[Fault] = field(default_factory=frozenset)
    full: frozenset[str] = frozenset()
    jams: tuple[Jam, ...] = ()
    awaited: tuple[Awaited, ...] = ()

    def visit(self, number: int | None) -> Visit | None:
        """Return the visit in progress with this number; None if there is none."""
        return next((visit for visit in self.visits if visit.id == number), None)

    def jam(self, bin_id: str) -> Jam | None:
        """Return the jam of a bin's lid; None if it is not jammed."""
        return next((jam for jam in self.jams if jam.bin == bin_id), None)

    def holder(self, bin_id: str) -> tuple[Visit, Opening] | None:
        """Return the visit and opening that have a bin's lid now, if any; a bin has at most one."""
        return next(
            (
                (visit, opening)
                for visit in self.visits
                for opening in visit.openings
                if opening.bin == bin_id and opening.phase is not OpeningPhase.WAITING
            ),
            None,
        )


def next_deadline(state: State) -> float | None:
    """Return when a Tick is due, in monotonic seconds; None without a deadline."""
    times = [opening.until for visit in state.visits for opening in visit.openings]
    times += [
        deposit.until
        for visit in state.visits
        for deposit in visit.deposits
        if deposit.phase is not DepositPhase.JUDGED
    ]
    times += [one.until for one in state.awaited]
    times += [visit.recording_until for visit in state.visits if visit.recording_until is not None]
    times += [
        visit.idle_until for visit in state.visits if not visit.is_busy and visit.recording_until is None
    ]
    return min(times, default=None)
