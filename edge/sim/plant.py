"""A simulated station's hardware below the drivers: lids, and bins that things fall into."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from config.station import BinSection, StationSettings
from edge.messages import ChamberChanged, LevelChanged, Tapped
from edge.ports import Inbox, Lid
from edge.readers.registry import kind_of
from edge.sim.lid import SimLid
from edge.sim.photos.thrown import Thing
from edge.sim.timeline import Timeline

GAP = 0.5
"""A thing passes a lid that is at least this far open."""
SETTLE_S = 0.3
"""How long a thing rolls before it lies still; always shorter than a lid needs to shut over it."""


class SimBin:
    """One bin behind its lid: its top thing and its level."""

    def __init__(
        self, section: BinSection, capacity: int, settle_s: float, plant: BasePlant[WorldLid]
    ) -> None:
        """Begin empty; with `capacity` things the bin counts as full."""
        self.top: Thing | None = None
        """What the camera sees."""
        self._section = section
        self._capacity = capacity
        self._settle_s = settle_s
        self._plant = plant
        self._level = 0

    @property
    def is_full(self) -> bool:
        """Whether the level sensor says full; a light next to the lid shows it."""
        return self._level >= self._capacity

    def drop(self, thing: Thing) -> bool:
        """Let a thing fall in. It comes to rest a moment later, and then the sensors tell.

        False for one that cannot be laid where the eye looks: it was not thrown.
        """
        section, lay = self._section, self._plant.lay
        if lay is not None and section.camera is not None:
            at = self._plant.timeline.clock.now() + self._settle_s
            if not lay(section.id, thing, at, thing.weight_g if section.has_scale else None):
                return False
        self._plant.timeline.call_in(self._settle_s, lambda: self._settled(thing))
        return True

    def _settled(self, thing: Thing) -> None:
        at, section = self._plant.timeline.clock.now(), self._section
        self.top = thing
        # Where neither camera nor scale looks, nothing can tell that something fell in. An eye in another
        # process tells by itself.
        by_eye = self._plant.lay is not None and section.camera is not None
        if not by_eye and (section.camera is not None or section.has_scale):
            weight_g = thing.weight_g if section.has_scale else None
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


class WorldLid(Lid, Protocol):
    """A lid as people see it, and what they do to it."""

    @property
    def position(self) -> float:
        """0 shut, 1 open."""
        ...

    @property
    def opened_at(self) -> float:
        """When it last opened fully by command; -inf before."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether it is fully open."""
        ...

    @property
    def has_opened(self) -> bool:
        """Whether it has been fully open since it was last shut."""
        ...

    @property
    def is_shut(self) -> bool:
        """Whether it rests shut."""
        ...

    @property
    def is_closing(self) -> bool:
        """Whether it is closing."""
        ...

    def obstruct(self) -> None:
        """Put something in the lid's way."""
        ...

    def clear(self) -> None:
        """Remove what was in the lid's way."""
        ...


_LidT_co = TypeVar("_LidT_co", bound=WorldLid, covariant=True)


class BasePlant(Generic[_LidT_co]):
    """Lids, readers and bins of one station; the lids may be simulated or a controller's."""

    def __init__(
        self,
        settings: StationSettings,
        timeline: Timeline,
        inbox: Inbox,
        capacity: int,
        lids: Mapping[str, _LidT_co],
    ) -> None:
        """Put a bin with room for `capacity` things behind each of `lids`, which are by bin."""
        self.timeline = timeline
        self.inbox = inbox
        self.lay: Callable[[str, Thing, float, int | None], bool] | None = None
        """Lays a thing where the eye of another process looks: bin, thing, moment and weight."""
        self.lids = lids
        self._credentials = {section.id: kind_of(section).credential for section in settings.reader}
        settle_s = min(SETTLE_S, settings.visit.travel_s * GAP / 2)
        self.bins = {section.id: SimBin(section, capacity, settle_s, self) for section in settings.bin}

    @property
    def is_shut(self) -> bool:
        """Whether every lid rests shut."""
        return all(lid.is_shut for lid in self.lids.values())

    def throw(self, bin_id: str, thing: Thing) -> bool:
        """Throw a thing into a bin; False if it does not get in: its lid is not open far enough."""
        if self.lids[bin_id].position < GAP:
            return False
        return self.bins[bin_id].drop(thing)

    def read(self, reader: str, card: str) -> None:
        """Have a reader report a card once."""
        self.inbox.post(Tapped(self.timeline.clock.now(), reader, card, self._credentials[reader]))


class Plant(BasePlant[SimLid]):
    """A station with simulated lids."""

    def __init__(self, settings: StationSettings, timeline: Timeline, inbox: Inbox, capacity: int) -> None:
        """Build what the settings describe; each bin has room for `capacity` things."""
        lids = {section.id: SimLid(section.id, settings.visit, timeline, inbox) for section in settings.bin}
        super().__init__(settings, timeline, inbox, capacity, lids)

    def stop_motors(self) -> None:
        """Turn every lid's motor off until `resume_motors`. Implements `edge.ports.Mover`."""
        for lid in self.lids.values():
            lid.stop_motors()

    def resume_motors(self) -> None:
        """Let motors run again at the next request."""
        for lid in self.lids.values():
            lid.resume_motors()

    def power_off(self) -> None:
        """Cut the power of every lid."""
        for lid in self.lids.values():
            lid.power_off()

    def power_on(self) -> None:
        """Restore the power of every lid."""
        for lid in self.lids.values():
            lid.power_on()
