"""Events that devices post and commands that the station gives. Frozen values, nothing else.

Every event carries `at`, the clock's monotonic seconds. Results of work carry the visit and deposit
they belong to, so that a late one can be recognised and ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from cloud_sync.rules.award_rules import Award
from cloud_sync.wire.commands import Ending, Part, RemoteCommand, Why
from cloud_sync.wire.facts import Credential, Role, VisitFacts
from config.sorting import Category
from edge.faults import FaultCode
from edge.roster import UNFILMED, Filming, RosterEntry
from models.verdict import Verdict

Photo = object
"""A picture from the camera; decisions never read its content."""


class Prompt(StrEnum):
    """What the station can say; the words are in config/prompts.toml."""

    WELCOME = "welcome"
    CHOOSE = "choose"
    TAP_FIRST = "tap_first"
    WAIT = "wait"
    BIN_FULL = "bin_full"
    BIN_FULL_OTHER = "bin_full_other"
    """The bin is full, and another bin of the same category takes waste."""
    BIN_FAULTY = "bin_faulty"
    BIN_FAULTY_OTHER = "bin_faulty_other"
    NOTHING_OPENS = "nothing_opens"
    """The reader opens no bin, and no bin has a button."""
    CARD_BLOCKED = "card_blocked"
    RIGHT = "right"
    WRONG = "wrong"
    UNSURE = "unsure"
    UNSEEN = "unseen"
    CLEAR_LID = "clear_lid"
    POINTS = "points"
    POINTS_HELD = "points_held"
    POINTS_BEFORE = "points_before"
    """Points of the previous visit: another one has begun."""
    POINTS_HELD_BEFORE = "points_held_before"
    NO_POINTS = "no_points"
    NO_DEPOSIT = "no_deposit"
    NOT_SAVED = "not_saved"
    SAVED_LATER = "saved_later"
    STAFF_DONE = "staff_done"
    EMERGENCY = "emergency"
    EMERGENCY_HELD = "emergency_held"
    EMERGENCY_OVER = "emergency_over"
    OUT_OF_SERVICE = "out_of_service"
    IN_SERVICE = "in_service"
    REMOTE_OPENING = "remote_opening"
    """An officer opens the lid from afar."""
    IDENTIFY = "identify"
    """The office asks which station this is."""


class RefusedBy(StrEnum):
    """Why a card opens nothing."""

    BLOCKED = "blocked"


# --- events -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tapped:
    """A reader saw a card, already hashed; a held card is seen many times.

    `again_s`: an unknown card opens nothing unless this reader sees it a second time within so many seconds.
    0 for a reader whose single reading is reliable.
    """

    at: float
    reader: str
    card: str
    credential: Credential
    again_s: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Granted:
    """A tap that may open lids."""

    at: float
    reader: str
    card: str
    credential: Credential
    role: Role
    filming: Filming = UNFILMED


@dataclass(frozen=True, slots=True)
class Refused:
    """A tap that opens nothing."""

    at: float
    reader: str
    card: str
    reason: RefusedBy


@dataclass(frozen=True, slots=True)
class Pressed:
    """Someone pressed a bin's button."""

    at: float
    bin: str


@dataclass(frozen=True, slots=True)
class LidOpened:
    """The switch at the open end reports the lid."""

    at: float
    bin: str


@dataclass(frozen=True, slots=True)
class LidClosed:
    """The switch at the shut end reports the lid."""

    at: float
    bin: str


@dataclass(frozen=True, slots=True)
class LidObstructed:
    """Something is in the lid's way; the driver has already reversed it."""

    at: float
    bin: str


@dataclass(frozen=True, slots=True)
class LeaseTaken:
    """A lid's mover has taken the lease: a lid that now stays shut is stuck."""

    at: float
    bin: str


@dataclass(frozen=True, slots=True)
class LeaseRefused:
    """A lid's mover refused the lease, for example while its motor rests. The lid is not at fault."""

    at: float
    bin: str


@dataclass(frozen=True, slots=True)
class ChamberChanged:
    """A bin's region or weight changed and came to rest: something was thrown in."""

    at: float
    bin: str
    weight_g: int | None = None
    by_scale: bool = False
    """The scale reports it, as the lid shuts: if a camera saw the deposit too, this is its weight."""
    seen_at: float | None = None
    """When the eye saw it; None from devices whose report cannot come after the lid has shut."""


@dataclass(frozen=True, slots=True)
class ChamberStirred:
    """A scale notices a new load, which renews the lease; it reports deposits when the lid shuts."""

    at: float
    bin: str


@dataclass(frozen=True, slots=True)
class LevelChanged:
    """A bin became full, or was emptied."""

    at: float
    bin: str
    full: bool


@dataclass(frozen=True, slots=True)
class PhotosTaken:
    """Pictures of one deposit."""

    at: float
    visit: int
    deposit: int
    photos: tuple[Photo, ...] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CaptureFailed:
    """The camera gave no picture of a deposit; `busy`: it had no time or was not asked, so no fault."""

    at: float
    visit: int
    deposit: int
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Classified:
    """The model's verdict on one deposit."""

    at: float
    visit: int
    deposit: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ClassifyFailed:
    """No model could judge a deposit; `busy`: it had no time or was not asked, so no fault."""

    at: float
    visit: int
    deposit: int
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """The visit, its award and its outbox row are on the disk."""

    at: float
    visit: int
    award: Award


@dataclass(frozen=True, slots=True)
class RecordDelayed:
    """The disk refused the visit for now; it waits in memory and is tried again."""

    at: float
    visit: int


@dataclass(frozen=True, slots=True)
class RecordFailed:
    """The visit is lost: the disk did not take it, and there is no further attempt."""

    at: float
    visit: int


@dataclass(frozen=True, slots=True)
class FaultRaised:
    """A device or process found a fault in one part."""

    at: float
    fault: FaultCode
    part: str


@dataclass(frozen=True, slots=True)
class FaultCleared:
    """A fault's owner reports that it is over."""

    at: float
    fault: FaultCode
    part: str


@dataclass(frozen=True, slots=True)
class Tick:
    """The time is now `at`: deadlines up to then are over."""

    at: float


@dataclass(frozen=True, slots=True)
class Ordered:
    """A command of an officer came, signed by the ledger and for this station's name."""

    at: float
    command: RemoteCommand


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The station must stop: no visit begins, and those in progress wind down.

    `is_final`: the time for that is over, and each visit is recorded as far as it is known.
    """

    at: float
    is_final: bool = False


LidEvent = LidOpened | LidClosed | LidObstructed | LeaseTaken | LeaseRefused
"""Reports of a lid or its mover."""
BinEvent = Pressed | LidEvent | ChamberChanged | ChamberStirred | LevelChanged
"""Events of one bin."""

VisitEvent = (
    Granted
    | Refused
    | BinEvent
    | PhotosTaken
    | CaptureFailed
    | Classified
    | ClassifyFailed
    | Recorded
    | RecordDelayed
    | RecordFailed
    | FaultRaised
    | FaultCleared
    | Ordered
    | StopRequested
    | Tick
)
"""Events that `edge.visit.machine.step` handles."""


@dataclass(frozen=True, slots=True)
class JournalRead:
    """One read of the journal: known cards, events without a receipt, events refused, faults."""

    at: float
    roster: Mapping[str, RosterEntry] = field(default_factory=dict, repr=False)
    waiting: int = 0
    refused: int = 0
    faults: frozenset[FaultCode] = frozenset()
    refusal: FaultCode | None = None
    """Why the journal could not be read; the other values are then the last known ones."""
    roster_age_s: float | None = None
    """Seconds since the ledger last confirmed its list of cards; None if it never has."""


@dataclass(frozen=True, slots=True)
class BacklogDrained:
    """One attempt to write waiting records: visits kept with their awards, delayed visits, lost visits."""

    at: float
    kept: tuple[tuple[int, Award], ...] = ()
    delayed: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()
    refusal: FaultCode | None = None
    """Why the journal refused a record that will be tried again; None if it took all."""


Event = Tapped | JournalRead | BacklogDrained | VisitEvent
"""What devices and workers may post to the inbox."""


# --- commands -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenLid:
    """Open a lid, or keep it open: at most `lease_s` seconds from now."""

    visit: int
    bin: str
    lease_s: float


@dataclass(frozen=True, slots=True)
class CloseLid:
    """End a lid's lease now; an obstruction still keeps it open."""

    visit: int
    bin: str


@dataclass(frozen=True, slots=True)
class StopMotors:
    """Turn every motor of the station off now; none runs until `ResumeMotors`."""


@dataclass(frozen=True, slots=True)
class ResumeMotors:
    """Let motors run again at their next command; this moves nothing."""


@dataclass(frozen=True, slots=True)
class Capture:
    """Photograph a bin's mouth after a deposit."""

    visit: int
    deposit: int
    bin: str


@dataclass(frozen=True, slots=True)
class Classify:
    """Have the model classify a deposit's photos."""

    visit: int
    deposit: int
    photos: tuple[Photo, ...] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """Write a finished visit, its award and its outbox row, all or nothing.

    The journal fills in `facts.rules` and `facts.provisional`: only it knows the points given earlier today.
    """

    visit: int
    facts: VisitFacts


@dataclass(frozen=True, slots=True)
class Say:
    """Speak a prompt. `bin` is the category of the bin it is about; `belongs` where the waste belongs.

    `visit` is set for an award: each is shown and spoken once, for the visit that earned it.
    """

    prompt: Prompt
    bin: Category | None = None
    belongs: Category | None = None
    label: str | None = None
    points: int | None = None
    visit: int | None = None


@dataclass(frozen=True, slots=True)
class EndPart:
    """Have one of the station's processes end, so that systemd starts it again; answered by a Reply."""

    order: str
    part: Part


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer an officer's command; `order` is its id. `lid` and `after_s`: what a switch reported."""

    order: str
    outcome: Ending
    why: Why | None = None
    lid: Literal["open", "shut"] | None = None
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Record that a fault began or ended."""

    fault: FaultCode
    part: str
    raised: bool


Movement = OpenLid | CloseLid | StopMotors | ResumeMotors
"""Commands that are sent before all others."""
Command = Movement | Capture | Classify | Record | Say | EndPart | Reply | Alarm
