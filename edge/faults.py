"""The fault catalogue: the severity of each fault, what it blocks, and who may clear it. Pure data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from types import MappingProxyType


class Severity(StrEnum):
    """How soon a person should look at the fault."""

    WARNING = auto()
    ERROR = auto()


class Blocks(StrEnum):
    """What stops working while a fault is active."""

    NOTHING = auto()
    BIN = auto()
    """Residents cannot open the bin that is the fault's part; staff can."""
    SEEING = auto()
    """Deposits go unseen and earn the neutral amount."""
    WEIGHING = auto()
    """Deposits of the bin are not weighed; where no camera looks, they earn the neutral amount."""
    RESIDENTS = auto()
    """No lid opens for residents; staff can open each."""
    STATION = auto()
    """No lid opens, not even for staff."""


class ClearedBy(StrEnum):
    """Who ends a fault."""

    OWNER = auto()
    """The part that raised it, when it works again."""
    RESTART = auto()
    """Only a restart, after a person has repaired it."""
    STAFF = auto()
    """Only a staff card, tapped at the station; see edge/visit/emergency.py."""
    OFFICE = auto()
    """Only a command of the office; see edge/visit/orders.py."""


class FaultCode(StrEnum):
    """Names that logs, screens and the ledger use; never reuse one for another fault."""

    LID_STUCK_SHUT = auto()
    LID_STUCK_OPEN = auto()
    LID_FORCED = auto()
    LID_UNREACHABLE = auto()
    LID_MISSING = auto()
    LID_UNPOWERED = auto()
    SUPPLY_LOW = auto()
    CABINET_HOT = auto()
    CABINET_OPEN = auto()
    CONTROLLER_LOST = auto()
    CONTROLLER_FOREIGN = auto()
    CONTROLLER_VERSION = auto()
    CONTROLLER_NOISY = auto()
    PORT_BUSY = auto()
    SMOKE = auto()
    PANIC = auto()
    SCALE_SILENT = auto()
    SCALE_STUCK = auto()
    SCALE_SATURATED = auto()
    EMERGENCY_STOP = auto()
    OUT_OF_SERVICE = auto()
    EYE_LOST = auto()
    CLIPS_FAILED = auto()
    CLOCK_STEPPED = auto()
    CAMERA_FAILED = auto()
    CAMERA_TORN = auto()
    CAMERA_DARK = auto()
    CAMERA_COVERED = auto()
    MODEL_REFUSED = auto()
    MODEL_FAILED = auto()
    READER_FAILED = auto()
    READER_QUIET = auto()
    READER_GARBLED = auto()
    JOURNAL_FAILED = auto()
    JOURNAL_FULL = auto()
    JOURNAL_SILENT = auto()
    JOURNAL_FOREIGN = auto()
    JOURNAL_NEWER = auto()
    JOURNAL_MISPLACED = auto()
    JOURNAL_RECOVERED = auto()
    EVENTS_REFUSED = auto()
    STATION_KEY_RETIRED = auto()
    ROSTER_OLD = auto()
    PUBLICATION_REFUSED = auto()
    CARD_KEY_UNREADABLE = auto()
    SYNC_KEYS_UNREADABLE = auto()


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One row of the catalogue; its words are in config/prompts.toml."""

    severity: Severity
    blocks: Blocks
    cleared_by: ClearedBy


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """An active fault of one part: a bin, reader, camera or controller, the station's journal, model or eye.

    For a controller's smoke and panic inputs and its cabinet, the part is the controller. For the emergency
    and a panic button on the Pi itself, it is the station.
    """

    code: FaultCode
    part: str


CATALOGUE: Mapping[FaultCode, FaultKind] = MappingProxyType(
    {
        FaultCode.LID_STUCK_SHUT: FaultKind(Severity.ERROR, Blocks.BIN, ClearedBy.OWNER),
        FaultCode.LID_STUCK_OPEN: FaultKind(Severity.ERROR, Blocks.BIN, ClearedBy.OWNER),
        FaultCode.LID_FORCED: FaultKind(Severity.WARNING, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.LID_UNREACHABLE: FaultKind(Severity.ERROR, Blocks.BIN, ClearedBy.OWNER),
        FaultCode.LID_MISSING: FaultKind(Severity.ERROR, Blocks.BIN, ClearedBy.OWNER),
        FaultCode.LID_UNPOWERED: FaultKind(Severity.ERROR, Blocks.BIN, ClearedBy.OWNER),
        FaultCode.SUPPLY_LOW: FaultKind(Severity.WARNING, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.CABINET_HOT: FaultKind(Severity.WARNING, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.CABINET_OPEN: FaultKind(Severity.WARNING, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.CONTROLLER_LOST: FaultKind(Severity.ERROR, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.CONTROLLER_FOREIGN: FaultKind(Severity.ERROR, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.CONTROLLER_VERSION: FaultKind(Severity.ERROR, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.CONTROLLER_NOISY: FaultKind(Severity.WARNING, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.PORT_BUSY: FaultKind(Severity.ERROR, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.SMOKE: FaultKind(Severity.ERROR, Blocks.STATION, ClearedBy.OWNER),
        FaultCode.PANIC: FaultKind(Severity.ERROR, Blocks.STATION, ClearedBy.OWNER),
        FaultCode.EMERGENCY_STOP: FaultKind(Severity.ERROR, Blocks.STATION, ClearedBy.STAFF),
        FaultCode.OUT_OF_SERVICE: FaultKind(Severity.WARNING, Blocks.RESIDENTS, ClearedBy.OFFICE),
        FaultCode.SCALE_SILENT: FaultKind(Severity.ERROR, Blocks.WEIGHING, ClearedBy.OWNER),
        FaultCode.SCALE_STUCK: FaultKind(Severity.ERROR, Blocks.WEIGHING, ClearedBy.OWNER),
        FaultCode.SCALE_SATURATED: FaultKind(Severity.ERROR, Blocks.WEIGHING, ClearedBy.OWNER),
        FaultCode.EYE_LOST: FaultKind(Severity.ERROR, Blocks.SEEING, ClearedBy.OWNER),
        FaultCode.CLIPS_FAILED: FaultKind(Severity.WARNING, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.CLOCK_STEPPED: FaultKind(Severity.WARNING, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.CAMERA_FAILED: FaultKind(Severity.ERROR, Blocks.SEEING, ClearedBy.OWNER),
        FaultCode.CAMERA_TORN: FaultKind(Severity.WARNING, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.CAMERA_DARK: FaultKind(Severity.ERROR, Blocks.SEEING, ClearedBy.OWNER),
        FaultCode.CAMERA_COVERED: FaultKind(Severity.ERROR, Blocks.SEEING, ClearedBy.OWNER),
        FaultCode.MODEL_REFUSED: FaultKind(Severity.ERROR, Blocks.SEEING, ClearedBy.OWNER),
        FaultCode.MODEL_FAILED: FaultKind(Severity.ERROR, Blocks.SEEING, ClearedBy.OWNER),
        FaultCode.READER_FAILED: FaultKind(Severity.ERROR, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.READER_QUIET: FaultKind(Severity.WARNING, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.READER_GARBLED: FaultKind(Severity.WARNING, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.JOURNAL_FAILED: FaultKind(Severity.ERROR, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.JOURNAL_FULL: FaultKind(Severity.ERROR, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.JOURNAL_SILENT: FaultKind(Severity.ERROR, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.JOURNAL_FOREIGN: FaultKind(Severity.ERROR, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.JOURNAL_NEWER: FaultKind(Severity.ERROR, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.JOURNAL_MISPLACED: FaultKind(Severity.ERROR, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.JOURNAL_RECOVERED: FaultKind(Severity.WARNING, Blocks.NOTHING, ClearedBy.RESTART),
        FaultCode.EVENTS_REFUSED: FaultKind(Severity.WARNING, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.STATION_KEY_RETIRED: FaultKind(Severity.ERROR, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.ROSTER_OLD: FaultKind(Severity.WARNING, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.PUBLICATION_REFUSED: FaultKind(Severity.WARNING, Blocks.NOTHING, ClearedBy.OWNER),
        FaultCode.CARD_KEY_UNREADABLE: FaultKind(Severity.ERROR, Blocks.NOTHING, ClearedBy.RESTART),
        FaultCode.SYNC_KEYS_UNREADABLE: FaultKind(Severity.ERROR, Blocks.NOTHING, ClearedBy.RESTART),
    }
)


LIDS_AWAY = frozenset({FaultCode.LID_UNREACHABLE, FaultCode.LID_MISSING})
"""Faults of a bin whose lid cannot receive commands."""
JOURNAL_REFUSALS = frozenset(
    {
        FaultCode.JOURNAL_FAILED,
        FaultCode.JOURNAL_FULL,
        FaultCode.JOURNAL_SILENT,
        FaultCode.JOURNAL_FOREIGN,
        FaultCode.JOURNAL_NEWER,
        FaultCode.JOURNAL_MISPLACED,
    }
)
"""Reasons why the journal takes no records; only one is active, and visits wait in memory meanwhile."""
EMERGENCIES = frozenset({FaultCode.SMOKE, FaultCode.PANIC})
"""Inputs that stop every motor of the station, wherever they are wired."""


def blocked_bins(faults: Iterable[Fault]) -> frozenset[str]:
    """Return the bins that residents cannot open."""
    return frozenset(fault.part for fault in faults if CATALOGUE[fault.code].blocks is Blocks.BIN)


def station_is_blocked(faults: Iterable[Fault]) -> bool:
    """Return whether nobody may open any bin."""
    return any(CATALOGUE[fault.code].blocks is Blocks.STATION for fault in faults)


def residents_are_blocked(faults: Iterable[Fault]) -> bool:
    """Return whether no resident may open any bin."""
    return any(CATALOGUE[fault.code].blocks in {Blocks.RESIDENTS, Blocks.STATION} for fault in faults)


def seeing_is_blocked(faults: Iterable[Fault], parts: frozenset[str]) -> bool:
    """Return whether deposits go unseen because of faults of `parts` (a camera, the model) or of the eye.

    No camera has the model's name: the configuration forbids it.
    """
    return any(
        fault.code is FaultCode.EYE_LOST
        or (CATALOGUE[fault.code].blocks is Blocks.SEEING and fault.part in parts)
        for fault in faults
    )


def weighing_is_blocked(faults: Iterable[Fault], bin_id: str) -> bool:
    """Return whether a fault makes a bin's weights invalid."""
    return any(CATALOGUE[fault.code].blocks is Blocks.WEIGHING and fault.part == bin_id for fault in faults)
