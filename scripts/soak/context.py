"""A running soak: its options, its progress, and how it waits."""

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
from scripts.soak.telemetry import Telemetry
from scripts.testbed.engines import Tier

LOOK_S = 0.05
TELL_S = 10.0
"""Pause between two lines of progress."""
START_S = 120.0
"""Timeout of the start of engines and stations."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """The soak's options. `visits` is the least number of records of the quick stations."""

    root: Path
    seed: int
    kills: int
    tier: Tier
    visits: int
    first_port: int

    @property
    def replay(self) -> str:
        """The command that repeats the same faults."""
        return f"tongzhan soak --engine {self.tier} --seed {self.seed} --kills {self.kills}"


@dataclass
class Running:
    """A soak from its first fault to its verdict."""

    wishes: Wishes
    system: System
    telemetry: Telemetry
    losses: Losses
    blocked: frozenset[str]
    """Cards for which no lid may open."""
    town: Town
    looks: Mapping[str, str]
    """The stand-in's verdict on each thing, by its name."""
    tell: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    timeline: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    """Faults struck, by kind."""
    _told_at: float = 0.0

    def tell_progress(self, more: str = "") -> None:
        """Print the progress now and then."""
        now = time.monotonic()
        if now - self._told_at >= TELL_S:
            self._told_at = now
            kills = f"{self.done[Kind.KILL]} of {self.wishes.kills} kills"
            self.tell(f"{now - self.began:6.0f} s: {kills}, {len(self.telemetry.told)} records{more}")


def wait(system: System, done: Callable[[], bool], within_s: float, look_s: float = LOOK_S) -> bool:
    """Keep everything running until `done`; return whether that came in time."""
    until = time.monotonic() + within_s
    while not done():
        if time.monotonic() > until:
            return False
        system.keep_up()
        time.sleep(look_s)
    return True


def must(system: System, done: Callable[[], bool]) -> None:
    """Wait until `done`; TimeoutError if that does not come in time."""
    if not wait(system, done, START_S):
        raise TimeoutError(f"the system did not come up in {START_S:.0f} s; its logs say why (--keep DIR)")
