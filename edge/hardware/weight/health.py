"""Whether a scale can be believed: silent, stuck and saturated ones are found out. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.faults import FaultCode

MOST_COUNTS = 2**23 - 1
"""An HX711 that reads beyond its range says this, or one less than its negative (24 bits)."""
FIRST_S = 3.0
"""A controller reports every scale within this time of a new link."""
SILENT_S = 15.0
"""A controller reports a scale that it can read every 5 s at least."""
STUCK_S = 30.0
"""The lowest bits of a working converter always change; equal readings for this long mean a fault."""
SATURATED_S = 3.0
"""Shorter overloads are people who sit or lean on the bin."""


@dataclass(frozen=True, slots=True)
class ScaleHistory:
    """What came of one scale since the link began at `told_at`; `counts` is None before the first reading."""

    told_at: float
    counts: int | None = None
    same_since: float = 0.0

    @property
    def is_saturated(self) -> bool:
        """Whether the last reading is beyond the converter's range."""
        return self.counts is not None and not -MOST_COUNTS <= self.counts < MOST_COUNTS


def with_reading(before: ScaleHistory, counts: int, now: float) -> ScaleHistory:
    """The scale after one more reading."""
    same_since = before.same_since if counts == before.counts else now
    return replace(before, told_at=now, counts=counts, same_since=same_since)


def fault_of(scale: ScaleHistory | None, now: float) -> FaultCode | None:
    """What is wrong with a scale, if anything; None for `scale` is one without a link."""
    if scale is None:
        return FaultCode.SCALE_SILENT
    if now > scale.told_at + (FIRST_S if scale.counts is None else SILENT_S):
        return FaultCode.SCALE_SILENT
    if scale.is_saturated:
        return FaultCode.SCALE_SATURATED if now >= scale.same_since + SATURATED_S else None
    if scale.counts is not None and now >= scale.same_since + STUCK_S:
        return FaultCode.SCALE_STUCK
    return None
