"""What the station says of itself on its `state` topic, in the order in which it is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import msgspec

from cloud_sync.wire.facts import MAX_WALL_S
from cloud_sync.wire.station_state import RosterState, StationState
from config.errors import InputError
from config.station import ModelSection
from edge.ports import Clock
from edge.sync.live_readings import NOTHING, Live
from models.bundle import SHIPPED_BUNDLE, load_title


@dataclass(frozen=True, slots=True)
class Fixed:
    """What does not change while the process runs."""

    start: int = 0
    """See `starts.next_start`."""
    model: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


def fixed_facts(start: int, model: ModelSection) -> Fixed:
    """Return the facts of this installation; a model bundle that cannot be read has no title."""
    try:
        title = load_title(Path(model.bundle) if model.bundle else SHIPPED_BUNDLE)
    except InputError:
        title = None
    return Fixed(start, title, {"software": version("tongzhan")})


class SelfReport:
    """Makes the station's messages about itself, each with its place in the order."""

    def __init__(
        self,
        clock: Clock,
        fixed: Fixed | None = None,
        live: Callable[[], Live] = lambda: NOTHING,
        roster: Callable[[], RosterState | None] = lambda: None,
    ) -> None:
        """`live` gives what the station measured last, `roster` how old its list of cards is."""
        self._clock, self._fixed, self._live, self._roster = clock, fixed or Fixed(), live, roster
        self._sequence = 0

    def online(self, connection: int) -> StationState:
        """Return the next message of this connection."""
        self._sequence += 1
        live, fixed = self._live(), self._fixed
        return StationState(
            online=True,
            readings=live.readings,
            start=fixed.start,
            connection=connection,
            sequence=self._sequence,
            wall_s=round(min(max(0.0, self._clock.wall().unix_s), MAX_WALL_S), 1),
            bins=live.bins,
            model=fixed.model,
            versions=dict(fixed.versions),
            roster=self._roster(),
        )

    def offline(self, connection: int) -> bytes:
        """Return the message that ends a connection: its last will, or a goodbye."""
        return msgspec.json.encode(StationState(online=False, start=self._fixed.start, connection=connection))
