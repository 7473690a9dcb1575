"""The devices of one station: real ones, or a simulated world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cloud_sync.wire.commands import Part
from cloud_sync.wire.station_state import CabinetReading
from edge.eye.eyes import Eyes, blind
from edge.hardware.controller.cabinet import Cabinet
from edge.hardware.weight.scale import Scale
from edge.loop.inbox import QueueInbox
from edge.ports import Camera, Clock, Lid, Mover


@dataclass(frozen=True, slots=True)
class Hardware:
    """Lids by bin, their movers, the camera; `start` lets events come, `stop` leaves everything safe."""

    lids: Mapping[str, Lid]
    movers: tuple[Mover, ...]
    camera: Camera
    start: Callable[[], None]
    stop: Callable[[], None]
    eyes: Eyes = field(default_factory=blind)
    scales: Mapping[str, Scale] = field(default_factory=dict)
    """Real scales by bin, for `station check` to show their readings."""
    cabinets: Mapping[str, Cabinet] = field(default_factory=dict)
    """The cabinets of controllers, by the controller's id."""

    ends: Mapping[Part, Callable[[], bool]] = field(default_factory=dict)
    """Has a process of the station end, so that systemd starts it again; returns False if it is not there."""

    def readings(self) -> tuple[CabinetReading, ...]:
        """Return the last readings of every cabinet. Call it from any thread."""
        return tuple(reading for cabinet in self.cabinets.values() for reading in cabinet.readings())


BuildHardware = Callable[[QueueInbox, Clock], Hardware]
"""Builds hardware that posts its events to the inbox and takes its time from the clock."""
