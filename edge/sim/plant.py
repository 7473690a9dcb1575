"""A station's hardware below its drivers: lids, and bins that things fall into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.messages import ChamberChanged, LevelChanged
from edge.sim.lid import SimLid

if TYPE_CHECKING:
    from config.station import BinSection, StationSettings
    from edge.ports import Inbox
    from edge.sim.photos import Thing
    from edge.sim.timeline import Timeline

GAP = 0.5
"""A thing passes a lid that is at least this far open."""
SETTLE_S = 0.3
"""How long a thing rolls before it lies still; always less than a lid needs to shut over it."""


class SimBin:
    """One bin behind its lid: what lies on top, how full it is."""

    def __init__(self, section: BinSection, capacity: int, settle_s: float, plant: Plant) -> None:
        """Begin empty, with room for `capacity` things before it counts as full."""
        self.top: Thing | None = None
        """What the camera sees."""
        self._section = section
        self._capacity = capacity
        self._settle_s = settle_s
        self._plant = plant
        self._level = 0

    @property
    def is_full(self) -> bool:
        """Whether the level sensor says full; a light beside the lid shows it."""
        return self._level >= self._capacity

    def drop(self, thing: Thing) -> None:
        """Let a thing fall in. It comes to rest a moment later, and then the sensors tell."""
        self._plant.timeline.call_in(self._settle_s, lambda: self._settled(thing))

    def _settled(self, thing: Thing) -> None:
        at, section = self._plant.timeline.clock.now(), self._section
        self.top = thing
        # Where neither camera nor scale looks, nothing can tell that something fell in.
        if section.camera is not None or section.weighed:
            weight_g = thing.weight_g if section.weighed else None
            self._plant.inbox.post(ChamberChanged(at, section.id, weight_g))
        if thing.category is not None:
            was_full = self.is_full
            self._level += 1
            if self.is_full and not was_full:
                self._plant.inbox.post(LevelChanged(at, section.id, full=True))

    def empty(self) -> None:
        """Take everything out through the service door."""
        was_full = self.is_full
        self._level = 0
        if was_full:
            at = self._plant.timeline.clock.now()
            self._plant.inbox.post(LevelChanged(at, self._section.id, full=False))


class Plant:
    """All lids and bins of one station."""

    def __init__(self, settings: StationSettings, timeline: Timeline, inbox: Inbox, capacity: int) -> None:
        """Build what the settings describe; each bin has room for `capacity` things."""
        self.timeline = timeline
        self.inbox = inbox
        travel_s = settings.visit.travel_s
        settle_s = min(SETTLE_S, travel_s * GAP / 2)
        self.lids = {section.id: SimLid(section.id, travel_s, timeline, inbox) for section in settings.bin}
        self.bins = {section.id: SimBin(section, capacity, settle_s, self) for section in settings.bin}

    @property
    def is_shut(self) -> bool:
        """Whether every lid rests shut."""
        return all(lid.is_shut for lid in self.lids.values())

    def throw(self, bin_id: str, thing: Thing) -> bool:
        """Throw a thing at a bin; False when its lid leaves no gap for it."""
        if self.lids[bin_id].position < GAP:
            return False
        self.bins[bin_id].drop(thing)
        return True

    def power_off(self) -> None:
        """Cut the power of every lid."""
        for lid in self.lids.values():
            lid.power_off()

    def power_on(self) -> None:
        """Bring it back."""
        for lid in self.lids.values():
            lid.power_on()
