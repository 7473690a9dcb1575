"""Finds silent, stuck and saturated scales. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.faults import FaultCode

MOST_COUNTS = 2**23 - 1
"""An HX711 beyond its range returns this, or one less than its negative (24 bits)."""
FIRST_S = 3.0
"""A controller reports every scale within this time of a new link."""
SILENT_S = 15.0
"""A controller reports a working scale every 5 s at least."""
STUCK_S = 30.0
"""The lowest bits of a working converter always change; equal readings for this long mean a fault."""
SATURATED_S = 3.0
"""A shorter overload is a person who sits or leans on the bin."""


@dataclass(frozen=True, slots=True)
class ScaleHistory:
    """One scale on one link: `counts` of the last reading, None before the first; `told_at` is its time.

    Before the first reading `told_at` is when the link began. Readings have been equal since `same_since`.
    """

    told_at: float
    counts: int | None = None
    same_since: float = 0.0

    @property
    def is_saturated(self) -> bool:
        """Whether the last reading is beyond the converter's range."""
        return self.counts is not None and not -MOST_COUNTS <= self.counts < MOST_COUNTS


def with_reading(before: ScaleHistory, counts: int, now: float) -> ScaleHistory:
    """Return the history with one more reading."""
    same_since = before.same_since if counts == before.counts else now
    return replace(before, told_at=now, counts=counts, same_since=same_since)


def fault_of(scale: ScaleHistory | None, now: float) -> FaultCode | None:
    """Return a scale's fault, None if it works. `scale` is None while there is no link."""
    if scale is None:
        return FaultCode.SCALE_SILENT
    if now > scale.told_at + (FIRST_S if scale.counts is None else SILENT_S):
        return FaultCode.SCALE_SILENT
    if scale.is_saturated:
        return FaultCode.SCALE_SATURATED if now >= scale.same_since + SATURATED_S else None
    if scale.counts is not None and now >= scale.same_since + STUCK_S:
        return FaultCode.SCALE_STUCK
    return None
