"""Events that devices post and commands that the station gives. Frozen values, nothing else.

Every event carries `at`, the clock's monotonic seconds. Results of work carry the visit and deposit
they belong to, so that a late one can be told and ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cloud_sync.rules.award_rules import Award
from cloud_sync.wire.facts import Credential, Role, VisitFacts
from config.sorting import Category
from edge.faults import FaultCode
from edge.roster import RosterEntry
from models.verdict import Verdict

Photo = object
"""A picture as the camera gives it; decisions never look inside."""


class Prompt(StrEnum):
    """What the station can say; the words stand in config/prompts.toml."""

    WELCOME = "welcome"
    CHOOSE = "choose"
    TAP_FIRST = "tap_first"
    WAIT = "wait"
    BIN_FULL = "bin_full"
    BIN_FULL_OTHER = "bin_full_other"
    """Full, and another bin of the same category takes waste."""
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
    """Of the visit before: another one has begun."""
    POINTS_HELD_BEFORE = "points_held_before"
    NO_POINTS = "no_points"
    NO_DEPOSIT = "no_deposit"
    NOT_SAVED = "not_saved"
    SAVED_LATER = "saved_later"
    STAFF_DONE = "staff_done"
    EMERGENCY = "emergency"
    EMERGENCY_HELD = "emergency_held"
    EMERGENCY_OVER = "emergency_over"


class RefusedBy(StrEnum):
    """Why a card opens nothing."""

    BLOCKED = "blocked"


# --- events -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tapped:
    """A reader saw a card, already hashed; a held card is seen many times.

    `again_s`: a card that nobody knows opens nothing unless this reader sees it a second time within so many
    seconds. 0 for a reader whose one word is enough.
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
    """The switch at the open end says that the lid is there."""

    at: float
    bin: str


@dataclass(frozen=True, slots=True)
class LidClosed:
    """The switch at the shut end says that the lid is there."""

    at: float
    bin: str


@dataclass(frozen=True, slots=True)
class LidObstructed:
    """Something is in the lid's way; the driver has already reversed it."""

    at: float
    bin: str


@dataclass(frozen=True, slots=True)
class LeaseTaken:
    """What moves a lid has taken the lease: from now on a lid that stays shut is stuck."""

    at: float
    bin: str


@dataclass(frozen=True, slots=True)
class LeaseRefused:
    """What moves a lid answered and does not open it: its motor rests, say. The lid is not at fault."""

    at: float
    bin: str


@dataclass(frozen=True, slots=True)
class ChamberChanged:
    """A bin's region or weight changed and came to rest: something was thrown in."""

    at: float
    bin: str
    weight_g: int | None = None
    by_scale: bool = False
    """Only the scale says so, as the lid shuts: where a camera saw it too, this is its weight."""
    seen_at: float | None = None
    """When the eye saw it, if its word may come after the lid shut."""


@dataclass(frozen=True, slots=True)
class ChamberStirred:
    """A scale feels something new, and the lease is lengthened; what stays is told when the lid shuts."""

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
    """The camera gave no picture of a deposit; `busy`: it had no time or was not asked, no fault of it."""

    at: float
    visit: int
    deposit: int
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Classified:
    """The model's word on one deposit."""

    at: float
    visit: int
    deposit: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ClassifyFailed:
    """No model could look at a deposit; `busy`: it had no time or was not asked, which is no fault of it."""

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
    """The visit is lost: the disk did not take it, and it is not tried again."""

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
    """A fault's owner says that it is over."""

    at: float
    fault: FaultCode
    part: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has come to `at`: whatever was waited for until then is overdue."""

    at: float


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The station is to end: no visit begins, and those under way wind down.

    `is_final`: the time for that is up, and each visit is recorded as far as it is known.
    """

    at: float
    is_final: bool = False


LidEvent = LidOpened | LidClosed | LidObstructed | LeaseTaken | LeaseRefused
"""What a lid, or whatever moves it, tells of it."""
BinEvent = Pressed | LidEvent | ChamberChanged | ChamberStirred | LevelChanged
"""What happens at one bin."""

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
    | StopRequested
    | Tick
)
"""What `edge.visit.machine.step` understands."""


@dataclass(frozen=True, slots=True)
class JournalRead:
    """One read of the journal: known cards, events without a receipt, events refused, faults."""

    at: float
    roster: Mapping[str, RosterEntry] = field(default_factory=dict, repr=False)
    waiting: int = 0
    refused: int = 0
    faults: frozenset[FaultCode] = frozenset()
    refusal: FaultCode | None = None
    """Why the journal could not be read; the rest is then what was known before."""


@dataclass(frozen=True, slots=True)
class BacklogDrained:
    """One attempt to write what waited for the journal: visits kept with their awards, delayed and lost."""

    at: float
    kept: tuple[tuple[int, Award], ...] = ()
    delayed: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()
    refusal: FaultCode | None = None
    """Why the journal refused a record, which is tried again; None if it took all."""


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
    """End a lid's lease now; what is in its way still keeps it open."""

    visit: int
    bin: str


@dataclass(frozen=True, slots=True)
class StopMotors:
    """Turn every motor of the station off now; none runs until `ResumeMotors`."""


@dataclass(frozen=True, slots=True)
class ResumeMotors:
    """Let motors run again when they are next asked to; nothing moves by this."""


@dataclass(frozen=True, slots=True)
class Capture:
    """Photograph a bin's mouth after a deposit."""

    visit: int
    deposit: int
    bin: str


@dataclass(frozen=True, slots=True)
class Classify:
    """Have the model look at a deposit's photos."""

    visit: int
    deposit: int
    photos: tuple[Photo, ...] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """Write a finished visit, its award and its outbox row, all or nothing.

    The journal fills in `facts.rules` and `facts.provisional`: only it knows what the day already gave.
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
class Alarm:
    """Write down that a fault began or ended."""

    fault: FaultCode
    part: str
    raised: bool


Movement = OpenLid | CloseLid | StopMotors | ResumeMotors
"""What goes out before anything else does."""
Command = Movement | Capture | Classify | Record | Say | Alarm
