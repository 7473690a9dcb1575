"""Events and their settlement, as the judge reads them from journals and the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cloud_sync.wire.facts import Stamp, VisitFacts

EventId = tuple[str, str, int]
"""Station, epoch, sequence."""


@dataclass(frozen=True, slots=True)
class Row:
    """One event of a journal and the points of its award; an alarm has no award and no card."""

    digest: str
    points: int | None
    card: str | None
    receipted: bool
    visit: VisitFacts | None = None
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True)
class Journal:
    """All rows of one journal; `gone` if its card was replaced by an older image."""

    station: str
    rows: Mapping[EventId, Row]
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """The ledger's settlement of one visit, and what its transfers moved."""

    provisional: int
    settled: int
    held: int
    lowered: int
    given: int
    """Points from the issuing account for this visit, less what went back there."""
    waiting: int
    """The part of these points that is still in suspense."""
    lowered_by: str = ""
    held_by: str = ""
    day: str = ""
    """Whose caps it counted to."""
    timed: str = ""
    order: int = 0
    """The ledger settled in the order of these."""
