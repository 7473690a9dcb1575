"""The plan of faults: which, where and when; a pure function of the seed.

The processes run in real time, so a replay has the same faults at the same times, but they do not hit the
processes at the same instructions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from random import Random
from typing import TypeVar

Thing = TypeVar("Thing")

GAP_S = (0.2, 1.6)
"""Random pause between two kills."""
START_UP_S = (0.05, 0.5)
"""A second kill of the same process after this time hits it while it starts."""
START_UP_SHARE = 0.15
OTHERS_PER_KILL = 0.6
"""Faults of other kinds for each kill."""
DAY_S = 86_400.0


class Kind(StrEnum):
    """The kinds of faults."""

    KILL = auto()
    """kill -9."""
    CUT = auto()
    """Connections are reset, and none can be made."""
    SILENCE = auto()
    """Connections stay open, but nothing goes through."""
    DELAY = auto()
    THROTTLE = auto()
    DISK_FULL = auto()
    CLOCK_STEP = auto()
    IMAGE = auto()
    """A station's card is copied while the station is off."""
    CARD_RESTORED = auto()
    """A station gets its card's last image; everything written since is lost."""
    BACKUP = auto()
    """The ledger is backed up while it runs."""
    LEDGER_RESTORED = auto()
    """The ledger gets its last backup; stations must send again what it took since."""


ON_A_LINK = (Kind.CUT, Kind.SILENCE, Kind.DELAY, Kind.THROTTLE)
ON_A_STATION = (Kind.DISK_FULL, Kind.IMAGE, Kind.CARD_RESTORED)
ON_THE_LEDGER = (Kind.BACKUP, Kind.LEDGER_RESTORED)
OTHERS = (*ON_A_LINK, *ON_A_STATION, Kind.CLOCK_STEP, *ON_THE_LEDGER, Kind.IMAGE, Kind.BACKUP)
"""Images and backups are made twice as often as they are restored."""


@dataclass(frozen=True, slots=True)
class Cast:
    """What faults can hit, by name."""

    processes: tuple[str, ...]
    links: tuple[str, ...]
    stations: tuple[str, ...]
    stepped: tuple[str, ...]
    """Stations whose calendar can be moved."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `at_s` counts from the plan's begin; `lasts_s` is 0 if it is over at once.

    `amount` is seconds for a delay and for a step of the clock, bytes a second for a throttle, bytes that
    the journal may still grow by for a full disk.
    """

    at_s: float
    kind: Kind
    target: str
    lasts_s: float = 0.0
    amount: float = 0.0

    def __str__(self) -> str:
        """One line of the timeline."""
        lasts = f" for {self.lasts_s:.1f} s" if self.lasts_s else ""
        amount = f" ({self.amount:g})" if self.amount else ""
        return f"{self.kind.replace('_', ' ')} {self.target}{amount}{lasts} (due at {self.at_s:.2f} s)"


def make_plan(seed: int, kills: int, cast: Cast) -> tuple[Fault, ...]:
    """Draw this many kills, with other faults among them, in the order of time."""
    rng = Random(seed)  # noqa: S311 (a seeded generator is what repeats a plan)
    killed = list(_kills(rng, kills, cast.processes))
    end_s = killed[-1].at_s if killed else 0.0
    others = [
        _other(rng, kind, rng.uniform(0.0, end_s), cast)
        for kind in _bag(rng, round(kills * OTHERS_PER_KILL), OTHERS)
    ]
    return tuple(sorted([*killed, *others], key=lambda fault: fault.at_s))


def _kills(rng: Random, kills: int, processes: Sequence[str]) -> Iterator[Fault]:
    at_s, target = 0.0, ""
    targets = iter(_bag(rng, kills, processes))
    for number in range(kills):
        again = number > 0 and rng.random() < START_UP_SHARE
        at_s += rng.uniform(*(START_UP_S if again else GAP_S))
        target = target if again else next(targets)
        yield Fault(round(at_s, 3), Kind.KILL, target)


def _bag(rng: Random, count: int, things: Sequence[Thing]) -> list[Thing]:
    """Draw `count` of `things`; none comes twice before all have come once."""
    drawn: list[Thing] = []
    while len(drawn) < count:
        drawn += rng.sample(things, len(things))
    return drawn[:count]


def _other(rng: Random, kind: Kind, at_s: float, cast: Cast) -> Fault:
    lasts_s = round(rng.uniform(0.5, 4.0), 1)
    at_s = round(at_s, 3)
    if kind in ON_A_LINK:
        amount = {Kind.DELAY: rng.uniform(0.05, 0.6), Kind.THROTTLE: rng.uniform(500, 8000)}.get(kind, 0.0)
        return Fault(at_s, kind, rng.choice(cast.links), lasts_s, round(amount, 2))
    if kind is Kind.DISK_FULL:
        return Fault(at_s, kind, rng.choice(cast.stations), lasts_s, rng.choice([0, 0, 1500, 4096, 9000]))
    if kind is Kind.CLOCK_STEP:
        return Fault(at_s, kind, rng.choice(cast.stepped), amount=_step_s(rng))
    if kind in ON_THE_LEDGER:
        return Fault(at_s, kind, "ledger")
    return Fault(at_s, kind, rng.choice(cast.stations))


def _step_s(rng: Random) -> float:
    """Draw a step: from a boot without a clock (decades back) to a calendar that is days ahead."""
    return rng.choice([-50 * 365 * DAY_S, -3 * DAY_S, -3600.0, -40.0, 40.0, 3600.0, 2 * DAY_S, 45 * DAY_S])
