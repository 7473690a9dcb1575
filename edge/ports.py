"""What the station needs of the world; drivers and the simulated world provide it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from cloud_sync.rules.award_rules import Award
from cloud_sync.wire.facts import AlarmFacts, Stamp, VisitFacts
from edge.faults import FaultCode
from edge.messages import Event, Photo, Say
from edge.roster import RosterEntry
from models.verdict import Verdict


@dataclass(frozen=True, slots=True)
class WallTime:
    """The calendar's time, and whether anyone vouches for it."""

    unix_s: float
    trusted: bool


class Clock(Protocol):
    """Time, passed in."""

    def now(self) -> float:
        """Monotonic seconds of this boot; never steps back."""
        ...

    def wall(self) -> WallTime:
        """Calendar time, possibly untrusted."""
        ...


class Inbox(Protocol):
    """Where devices put what happened; safe from any thread, never blocks."""

    def post(self, event: Event) -> None:
        """Hand an event to the station."""
        ...


class Lid(Protocol):
    """One bin's lid. It posts LidOpened, LidClosed and LidObstructed as its switches say."""

    def open(self, lease_s: float) -> None:
        """Open, or stay open, at most `lease_s` seconds from now. Returns at once."""
        ...

    def end_lease(self) -> None:
        """Let the lid shut now, unless something is in its way. Returns at once."""
        ...


class Mover(Protocol):
    """Whatever drives one or more lids: a controller, the keeper of the Pi's own pins, a simulated plant."""

    def stop_motors(self) -> None:
        """Turn every motor off now; none runs, whatever is asked, until `resume_motors`. Returns at once.

        What cannot be reached now is told as soon as it can be.
        """
        ...

    def resume_motors(self) -> None:
        """Let motors run again when next asked, and post where the lids are. Nothing moves by this.

        What cannot be reached now stays stopped, and posts EMERGENCY_STOP when it is back.
        """
        ...


class Latch(Protocol):
    """Remembers across restarts that the station stopped its motors in an emergency."""

    def keep(self, *, is_set: bool) -> None:
        """Remember this; a disk that refuses is logged."""
        ...


class DeviceError(Exception):
    """A device did not do what was asked. `is_fault`: it is at fault; else another part says what is."""

    def __init__(self, what: str, *, is_fault: bool = True) -> None:
        self.is_fault = is_fault
        super().__init__(what)


class CameraError(DeviceError):
    """A camera gave no fresh picture."""


class Camera(Protocol):
    """Looks at the mouths of bins."""

    def take(self, bin_id: str) -> tuple[Photo, ...]:
        """A few fresh frames of one bin's region; blocks. CameraError when there is none."""
        ...


class ClassifierError(DeviceError):
    """A model could not look at a deposit."""


class Classifier(Protocol):
    """Names what a deposit is."""

    def classify(self, pictures: Sequence[Photo]) -> Verdict:
        """One verdict over several frames of one deposit; blocks. ClassifierError when it cannot."""
        ...


class Speaker(Protocol):
    """The station's voice."""

    def say(self, say: Say) -> None:
        """Speak a prompt, and return when it is spoken. Runs on a worker; `edge.voice.speech` queues."""
        ...


class JournalError(Exception):
    """The journal refused; nothing of a record was kept. `fault` is the cause as the panel words it."""

    def __init__(self, what: str, fault: FaultCode = FaultCode.JOURNAL_FAILED) -> None:
        self.fault = fault
        super().__init__(what)


class OutboxDepth(NamedTuple):
    """Events of the journal that are not settled with the ledger."""

    waiting: int
    """Without a receipt."""
    refused: int
    """Set aside by the ledger."""


class Journal(Protocol):
    """What survives a power cut."""

    def record_visit(self, facts: VisitFacts, stamp: Stamp) -> Award:
        """Write visit, award and outbox row in one transaction; JournalError when the disk refuses."""
        ...

    def record_alarm(self, facts: AlarmFacts, stamp: Stamp) -> None:
        """Write an alarm and its outbox row; JournalError when the disk refuses."""
        ...

    def roster(self) -> Mapping[str, RosterEntry]:
        """Known cards by hash; cheap when nothing has changed since the last call."""
        ...

    def outbox(self) -> OutboxDepth:
        """How many events wait for their receipt, and how many the ledger refused."""
        ...

    def faults(self) -> frozenset[FaultCode]:
        """Faults that only the journal knows of: its own, and those that the sync process reported."""
        return frozenset()


class Workers(Protocol):
    """Runs blocking jobs away from the station's own thread."""

    def submit(self, device: str, job: Callable[[], Event | None], busy: Event | None) -> None:
        """Run `job` on the device's worker and post what it returns; post `busy` when it has no room."""
        ...

    def stop(self) -> None:
        """Finish what runs and what waits, end the threads; a job that hangs is left behind."""
        ...
