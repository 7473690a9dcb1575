"""Finds the deposits of one opening in a scale's readings. Pure.

While the lid is shut, the tare follows the reading: slowly for a small difference (drift by temperature), at
once for a fall (the bin was emptied, a person stopped leaning on it), and after `retare_s` for a rise.
While the lid is open, each rise that comes to rest adds a load. Each fall removes loads: a person stopped
leaning on the bin, or took something out. The loads that are left when the lid shuts are the deposits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

ALIKE = 0.1
"""A fall removes a load whose weight differs from it by at most this share of the fall."""


@dataclass(frozen=True, slots=True)
class WeighingRules:
    """Thresholds of rest and change, in seconds and grams."""

    least_g: float = 20.0
    """A smaller change is not a deposit."""
    settle_s: float = 0.6
    """A reading is at rest when it has been stable for this long: things bounce."""
    drift_s: float = 60.0
    """Time in which the tare follows a small difference while the lid is shut."""
    retare_s: float = 30.0
    """A rise while the lid is shut becomes the tare after this long: a new sack, not a person leaning."""

    @property
    def still_g(self) -> float:
        """Readings that differ by at most this much count as equal."""
        return self.least_g / 2


@dataclass(frozen=True, slots=True)
class WeightRise:
    """A rise that no fall has removed. `is_new`: it came during this opening, not before."""

    grams: float
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Weighing:
    """One bin on its scale. `level`: the tare while the lid is shut, the last weight at rest while open."""

    is_open: bool = False
    level: float | None = None
    anchor: float | None = None
    """The reading at `since`; later readings equal it within `still_g`."""
    since: float = 0.0
    looked_at: float = 0.0
    loads: tuple[WeightRise, ...] = ()
    missing_g: float = 0.0
    """Grams taken out during this opening: if they are put back, that is not a deposit."""


def weigh(weighing: Weighing, grams: float, now: float, rules: WeighingRules) -> tuple[Weighing, bool]:
    """Return the bin after a reading, and whether a new load came.

    Call it again with the same reading to let time pass. `now` never decreases.
    """
    passed_s = now - weighing.looked_at
    weighing = replace(weighing, looked_at=now)
    if weighing.anchor is None or abs(grams - weighing.anchor) > rules.still_g:
        return replace(weighing, anchor=grams, since=now), False
    if now < weighing.since + rules.settle_s:
        return weighing, False
    if weighing.level is None:
        return replace(weighing, level=grams), False
    if weighing.is_open:
        after = _changed(weighing, grams, rules)
        return after, _new(after) > _new(weighing)
    return replace(weighing, level=_tare(weighing, weighing.level, grams, passed_s, rules)), False


def lid_opened(weighing: Weighing, rules: WeighingRules) -> Weighing:
    """Begin an opening; weight above the tare that is there already is not a deposit."""
    if weighing.is_open:
        return weighing
    opened = replace(weighing, is_open=True, loads=(), missing_g=0.0)
    if opened.level is None or opened.anchor is None:
        return replace(opened, level=opened.anchor)  # not at rest yet, but the best guess
    before_g = opened.anchor - opened.level
    if before_g < rules.least_g:
        return opened
    return replace(opened, level=opened.anchor, loads=(WeightRise(before_g, is_new=False),))


def lid_shut(weighing: Weighing, rules: WeighingRules) -> tuple[Weighing, tuple[int, ...]]:
    """End an opening; return the bin and the grams of each deposit, in order."""
    if not weighing.is_open:
        return weighing, ()
    if weighing.level is not None and weighing.anchor is not None:
        weighing = _changed(weighing, weighing.anchor, rules)  # the last deposit may not be at rest yet
    deposits = tuple(round(load.grams) for load in weighing.loads if load.is_new)
    return replace(weighing, is_open=False, loads=(), missing_g=0.0), deposits


def _new(weighing: Weighing) -> int:
    return sum(load.is_new for load in weighing.loads)


def _tare(weighing: Weighing, tare: float, grams: float, passed_s: float, rules: WeighingRules) -> float:
    """Return the tare after `passed_s` more seconds of a reading at rest while the lid is shut."""
    change_g = grams - tare
    if abs(change_g) < rules.least_g:
        return tare + change_g * min(1.0, passed_s / rules.drift_s)
    has_stayed = weighing.looked_at >= weighing.since + rules.retare_s
    return grams if change_g < 0 or has_stayed else tare


def _changed(weighing: Weighing, grams: float, rules: WeighingRules) -> Weighing:
    """Return the open bin after a new weight at rest."""
    change_g = grams - (weighing.level or 0.0)
    if abs(change_g) < rules.least_g:
        return weighing
    weighing = replace(weighing, level=grams)
    return _risen(weighing, change_g, rules) if change_g > 0 else _fallen(weighing, -change_g, rules)


def _risen(weighing: Weighing, grams: float, rules: WeighingRules) -> Weighing:
    put_back_g = min(weighing.missing_g, grams)
    weighing = replace(weighing, missing_g=weighing.missing_g - put_back_g)
    if grams - put_back_g < rules.least_g:
        return weighing
    return replace(weighing, loads=(*weighing.loads, WeightRise(grams - put_back_g)))


def _fallen(weighing: Weighing, grams: float, rules: WeighingRules) -> Weighing:
    """Remove the load of that weight; without one, reduce the heaviest loads first.

    What exceeds all loads was in the bin before this opening: add it to `missing_g`.
    """
    loads = list(weighing.loads)
    like = min(loads, key=lambda load: abs(load.grams - grams), default=None)
    if like is not None and abs(like.grams - grams) <= max(rules.least_g, ALIKE * grams):
        loads.remove(like)
        return replace(weighing, loads=tuple(loads))
    for load in sorted(loads, key=lambda load: -load.grams):
        place, taken_g = loads.index(load), min(load.grams, grams)
        loads[place], grams = replace(load, grams=load.grams - taken_g), grams - taken_g
    kept = tuple(load for load in loads if load.grams >= rules.least_g)
    return replace(weighing, loads=kept, missing_g=weighing.missing_g + grams)
