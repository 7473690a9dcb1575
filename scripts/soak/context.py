"""A soak while it runs: what was asked of it, what it has done, and how it waits."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scripts.soak.faults import Losses
from scripts.soak.judge.reckoning import Town
from scripts.soak.plan import Kind
from scripts.soak.system import System
from scripts.soak.telemetry import Hearing
from scripts.testbed.engines import Tier

LOOK_S = 0.05
TELL_S = 10.0
"""Between two lines of progress."""
START_S = 120.0
"""So long may engines and stations take to be up."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked of the soak. `visits` is the least number of records by quick stations."""

    root: Path
    seed: int
    kills: int
    tier: Tier
    visits: int
    first_port: int

    @property
    def replay(self) -> str:
        """The command that strikes in the same way again."""
        return f"tongzhan soak --engine {self.tier} --seed {self.seed} --kills {self.kills}"


@dataclass
class Running:
    """A soak from its first fault to its judgement."""

    wishes: Wishes
    system: System
    hearing: Hearing
    losses: Losses
    blocked: frozenset[str]
    """Cards that no lid may open for."""
    town: Town
    looks: Mapping[str, str]
    """What each thing looks like to the stand-in, by its name."""
    tell: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    timeline: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    """Faults struck, by kind."""
    _told_at: float = 0.0

    def tell_progress(self, more: str = "") -> None:
        """Say how far it is, now and then."""
        now = time.monotonic()
        if now - self._told_at >= TELL_S:
            self._told_at = now
            kills = f"{self.done[Kind.KILL]} of {self.wishes.kills} kills"
            self.tell(f"{now - self.began:6.0f} s: {kills}, {len(self.hearing.told)} records{more}")


def wait(system: System, done: Callable[[], bool], within_s: float, look_s: float = LOOK_S) -> bool:
    """Keep everything up until something is so; whether it came within that time."""
    until = time.monotonic() + within_s
    while not done():
        if time.monotonic() > until:
            return False
        system.keep_up()
        time.sleep(look_s)
    return True


def must(system: System, done: Callable[[], bool]) -> None:
    """Wait for what has to come; TimeoutError if it does not."""
    if not wait(system, done, START_S):
        raise TimeoutError(f"the system did not come up in {START_S:.0f} s; its logs say why (--keep DIR)")
