"""The station's live state for its screen, written to a folder in memory and never to the disk.

The panel is another process and may be killed or missing; nothing here waits for it.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec

from cloud_sync.rules.award_rules import Outcome
from cloud_sync.wire.station_state import CabinetReadings
from config.process.atomic import write_atomic
from config.reading.private import make_private_folder
from config.sorting import Category
from edge.faults import Fault, FaultCode, residents_are_blocked, station_is_blocked
from edge.visit.state import OpeningPhase, State, VisitRules
from models.verdict import VerdictState

STATE_FILE = "state.json"
PICTURE_FILE = "picture.jpg"
STATE_STALE_S = 5.0
"""A state older than this is not valid: the station is starting or down."""


class LidPhase(StrEnum):
    """A lid as the screen draws it."""

    SHUT = "shut"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"


class NextAction(StrEnum):
    """What the resident does next; its words are in config/prompts.toml."""

    TAP = "tap"
    CHOOSE = "choose"
    THROW = "throw"
    WAIT = "wait"
    STAND_BACK = "stand_back"
    STOPPED = "stopped"
    """An emergency: residents can do nothing until staff ends it."""
    CLOSED = "closed"
    """The office took the station out of service."""
    IDENTIFY = "identify"
    """The office asks which station this is."""


class LiveBin(msgspec.Struct, frozen=True):
    """One bin on the screen."""

    id: str
    category: Category
    lid: LidPhase
    faulty: bool
    full: bool


class LiveText(msgspec.Struct, frozen=True):
    """A text in both languages."""

    zh: str
    en: str


class LiveVerdict(msgspec.Struct, frozen=True):
    """The last deposit's verdict. `label` is None when nothing was recognised."""

    bin: str
    outcome: Outcome
    state: VerdictState | None
    category: Category | None
    label: LiveText | None
    probability: float | None


class LivePoints(msgspec.Struct, frozen=True):
    """What one visit earned; `held` until its card is registered to a household.

    `before`: another visit has begun, so these are the points of the visitor before.
    """

    points: int
    held: bool
    visit: int = 0
    before: bool = False


class LiveFault(msgspec.Struct, frozen=True):
    """An active fault: its code in the catalogue, the kind of its part, and the part's id in that kind."""

    code: str
    part: str
    kind: str = ""


class LiveState(msgspec.Struct, frozen=True):
    """Everything the screen shows. `picture` counts up with each new picture; 0 while a visit has none."""

    community: str
    station: str
    written_s: float
    """Unix time of writing: if it stops, the screen reports the station as down."""
    next: NextAction
    bins: tuple[LiveBin, ...]
    verdict: LiveVerdict | None
    said: LiveText | None
    points: LivePoints | None
    faults: tuple[LiveFault, ...]
    picture: int
    outbox: int
    """Events that the ledger has not receipted yet."""
    roster_age_s: float | None = None
    """Seconds since the ledger last confirmed its list of cards; None if it never has."""
    name: LiveText = LiveText("", "")
    """Names of community and station for people; see `station.name_zh` in config/station.py."""
    readings: CabinetReadings = ()
    """Last readings of cabinets, for the installer's page and for the `state` topic."""


def bins_of(state: State, rules: VisitRules, faulty: frozenset[str]) -> tuple[LiveBin, ...]:
    """Return every bin in the order of the configuration; if no resident may open any, all are faulty."""
    if residents_are_blocked(state.faults):
        faulty = frozenset(rules.bins)
    return tuple(
        LiveBin(rule.id, rule.category, _lid(state, rule.id), rule.id in faulty, rule.id in state.full)
        for rule in rules.bins.values()
    )


def _lid(state: State, bin_id: str) -> LidPhase:
    held = state.holder(bin_id)
    if held is not None:
        return LidPhase(held[1].phase.value)
    stands_open = {Fault(code, bin_id) for code in (FaultCode.LID_STUCK_OPEN, FaultCode.LID_FORCED)}
    return LidPhase.OPEN if stands_open & state.faults else LidPhase.SHUT


def next_action(state: State) -> NextAction:  # noqa: PLR0911 (one row an action)
    """Return what the resident in front of the station should do now."""
    if station_is_blocked(state.faults):
        return NextAction.STOPPED
    visit = state.visit(state.current)
    if visit is None:
        if any(opening for other in state.visits for opening in other.openings):
            return NextAction.STAND_BACK
        return NextAction.CLOSED if residents_are_blocked(state.faults) else NextAction.TAP
    phases = {opening.phase for opening in visit.openings}
    if phases & {OpeningPhase.OPEN, OpeningPhase.OPENING}:
        return NextAction.THROW
    if OpeningPhase.CLOSING in phases:
        return NextAction.STAND_BACK
    if visit.is_busy:
        return NextAction.WAIT
    return NextAction.CHOOSE if not visit.closed else NextAction.TAP


class LiveFolder:
    """Writes the live files, each of them atomically. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        """Write to `folder`; make it if it is missing."""
        self._folder = folder

    def write_state(self, live: LiveState) -> None:
        """Replace the state."""
        self._replace(STATE_FILE, msgspec.json.encode(live))

    def write_picture(self, jpeg: bytes) -> None:
        """Replace the last picture."""
        self._replace(PICTURE_FILE, jpeg)

    def drop_picture(self) -> None:
        """Remove the last picture, if there is one."""
        (self._folder / PICTURE_FILE).unlink(missing_ok=True)

    def _replace(self, name: str, content: bytes) -> None:
        make_private_folder(self._folder)
        write_atomic(self._folder / name, content)  # not durable: the folder is in memory
