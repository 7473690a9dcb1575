"""Interfaces that the station needs; drivers and the simulated world implement them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from cloud_sync.rules.award_rules import Award
from cloud_sync.wire.facts import NoteFacts, Stamp, VisitFacts
from edge.faults import FaultCode
from edge.messages import Event, Photo, Say
from edge.roster import RosterEntry
from models.verdict import Verdict


@dataclass(frozen=True, slots=True)
class WallTime:
    """Calendar time, and whether it can be trusted."""

    unix_s: float
    trusted: bool


class Clock(Protocol):
    """Time, passed in."""

    def now(self) -> float:
        """Return the monotonic seconds of this boot; never steps back."""
        ...

    def wall(self) -> WallTime:
        """Return the calendar time, which may be untrusted."""
        ...


class Inbox(Protocol):
    """Receives events of devices; safe from any thread, never blocks."""

    def post(self, event: Event) -> None:
        """Give an event to the station."""
        ...


class Lid(Protocol):
    """One bin's lid. It posts LidOpened, LidClosed and LidObstructed."""

    def open(self, lease_s: float) -> None:
        """Open, or stay open, for at most `lease_s` seconds from now. Returns at once."""
        ...

    def end_lease(self) -> None:
        """Let the lid shut now; an obstruction still keeps it open. Returns at once."""
        ...


class Mover(Protocol):
    """Drives one or more lids: a controller, the keeper of the Pi's own pins, a simulated plant."""

    def stop_motors(self) -> None:
        """Turn every motor off now; none runs until `resume_motors`, even on a command. Returns at once.

        A device that cannot be reached is told as soon as it can be.
        """
        ...

    def resume_motors(self) -> None:
        """Let motors run again at their next command, and post the lids' positions. This moves nothing.

        A device that cannot be reached stays stopped, and EMERGENCY_STOP is posted when it is back.
        """
        ...


class Latch(Protocol):
    """Remembers across restarts that the station stopped its motors in an emergency."""

    def keep(self, *, is_set: bool) -> None:
        """Store this; an error of the disk is logged."""
        ...


class DeviceError(Exception):
    """A device did not do what was asked. `is_fault`: because of its own fault, not another part's."""

    def __init__(self, what: str, *, is_fault: bool = True) -> None:
        self.is_fault = is_fault
        super().__init__(what)


class CameraError(DeviceError):
    """A camera gave no fresh picture."""


class Camera(Protocol):
    """Looks at the mouths of bins."""

    def take(self, bin_id: str) -> tuple[Photo, ...]:
        """Return a few fresh frames of one bin's region; blocks. CameraError if there is none."""
        ...


class ClassifierError(DeviceError):
    """A model could not classify a deposit."""


class Classifier(Protocol):
    """Classifies deposits."""

    def classify(self, pictures: Sequence[Photo]) -> Verdict:
        """Return one verdict over several frames of one deposit; blocks. ClassifierError if it cannot."""
        ...


class Speaker(Protocol):
    """The station's voice."""

    def say(self, say: Say) -> None:
        """Speak a prompt; return when it is spoken. Runs on a worker; `edge.voice.speech` has the queue."""
        ...


class JournalError(Exception):
    """The journal refused; nothing of a record was kept. `fault` is the cause, for the panel."""

    def __init__(self, what: str, fault: FaultCode = FaultCode.JOURNAL_FAILED) -> None:
        self.fault = fault
        super().__init__(what)


class OutboxDepth(NamedTuple):
    """Events of the journal that the ledger has not accepted."""

    waiting: int
    """Without a receipt."""
    refused: int
    """Refused by the ledger."""


class Journal(Protocol):
    """The records that survive a power cut."""

    def record_visit(self, facts: VisitFacts, stamp: Stamp) -> Award:
        """Write visit, award and outbox row in one transaction; JournalError if the disk refuses."""
        ...

    def record_note(self, facts: NoteFacts, stamp: Stamp) -> None:
        """Write an alarm or a command, and its outbox row; JournalError if the disk refuses."""
        ...

    def roster(self) -> Mapping[str, RosterEntry]:
        """Return the known cards by hash; cheap if nothing has changed since the last call."""
        ...

    def outbox(self) -> OutboxDepth:
        """Return how many events wait for their receipt, and how many the ledger refused."""
        ...

    def faults(self) -> frozenset[FaultCode]:
        """Return the faults that only the journal knows: its own, and those reported by the sync process."""
        return frozenset()


class Workers(Protocol):
    """Runs blocking jobs away from the station's own thread."""

    def submit(self, device: str, job: Callable[[], Event | None], busy: Event | None) -> None:
        """Run `job` on the device's worker and post its result; post `busy` if its queue is full."""
        ...

    def stop(self) -> None:
        """Finish running and waiting jobs, and end the threads; do not wait for a job that hangs."""
        ...
