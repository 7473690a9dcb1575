"""What was thrown in, by weight: a stream of readings becomes the deposits of one opening. Pure.

While the lid is shut, the tare follows the reading: slowly where it drifts with the temperature, at once
where it fell (the bin was emptied, a person no longer leans on it), and after a while where it rose.
While the lid is open, each rise that comes to rest is a load, and each fall takes loads away again: a person
who leaned on the bin, or what was taken out. What is left when the lid shuts was thrown in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

ALIKE = 0.1
"""A fall that differs from a load by this share of itself at most is that load, gone again."""


@dataclass(frozen=True, slots=True)
class WeighingRules:
    """When a reading counts as at rest, and when a change as one. Seconds and grams."""

    least_g: float = 20.0
    """A smaller change is no deposit."""
    settle_s: float = 0.6
    """A reading is at rest when it has stood for so long: things bounce."""
    drift_s: float = 60.0
    """How slowly the tare follows a small difference while the lid is shut."""
    retare_s: float = 30.0
    """A rise while the lid is shut is the new tare after so long: a fresh sack, not somebody leaning."""

    @property
    def still_g(self) -> float:
        """Readings this near to each other are one."""
        return self.least_g / 2


@dataclass(frozen=True, slots=True)
class WeightRise:
    """A rise that has not gone again. `is_new`: it came during this opening, and not before."""

    grams: float
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Weighing:
    """One bin on its scale. `level` is the tare while the lid is shut, the last weight at rest while open."""

    is_open: bool = False
    level: float | None = None
    anchor: float | None = None
    """What was read at `since`, and has stood since then."""
    since: float = 0.0
    looked_at: float = 0.0
    loads: tuple[WeightRise, ...] = ()
    missing_g: float = 0.0
    """What was taken out during this opening: put back, it is no deposit."""


def weigh(weighing: Weighing, grams: float, now: float, rules: WeighingRules) -> tuple[Weighing, bool]:
    """The bin after a reading, also the same one; whether a new load came. `now` never steps back."""
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
    """The lid stands open. What already lies or leans on the scale, above the tare, was not thrown in."""
    if weighing.is_open:
        return weighing
    opened = replace(weighing, is_open=True, loads=(), missing_g=0.0)
    if opened.level is None or opened.anchor is None:
        return replace(opened, level=opened.anchor)  # it has not come to rest yet: better than nothing
    before_g = opened.anchor - opened.level
    if before_g < rules.least_g:
        return opened
    return replace(opened, level=opened.anchor, loads=(WeightRise(before_g, is_new=False),))


def lid_shut(weighing: Weighing, rules: WeighingRules) -> tuple[Weighing, tuple[int, ...]]:
    """The lid is shut: the bin as it goes on, and the grams of each deposit, in their order."""
    if not weighing.is_open:
        return weighing, ()
    if weighing.level is not None and weighing.anchor is not None:
        weighing = _changed(weighing, weighing.anchor, rules)  # what fell in last may still be rolling
    deposits = tuple(round(load.grams) for load in weighing.loads if load.is_new)
    return replace(weighing, is_open=False, loads=(), missing_g=0.0), deposits


def _new(weighing: Weighing) -> int:
    return sum(load.is_new for load in weighing.loads)


def _tare(weighing: Weighing, tare: float, grams: float, passed_s: float, rules: WeighingRules) -> float:
    """What the tare is after `passed_s` more seconds of a reading at rest while the lid is shut."""
    change_g = grams - tare
    if abs(change_g) < rules.least_g:
        return tare + change_g * min(1.0, passed_s / rules.drift_s)
    has_stayed = weighing.looked_at >= weighing.since + rules.retare_s
    return grams if change_g < 0 or has_stayed else tare


def _changed(weighing: Weighing, grams: float, rules: WeighingRules) -> Weighing:
    """The open bin with another weight at rest."""
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
    """Take away the load that fits; where none does, of the heaviest first, and remember what is missing."""
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
