"""What stands around one station and moves by itself: real devices, or a simulated world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cloud_sync.wire.station_state import CabinetReading
from edge.eye.eyes import Eyes, blind
from edge.hardware.controller.cabinet import Cabinet
from edge.hardware.weight.scale import Scale
from edge.loop.inbox import QueueInbox
from edge.ports import Camera, Clock, Lid, Mover


@dataclass(frozen=True, slots=True)
class Hardware:
    """Lids by bin, all that moves them, the camera; `start` lets events come, `stop` leaves all safe."""

    lids: Mapping[str, Lid]
    movers: tuple[Mover, ...]
    camera: Camera
    start: Callable[[], None]
    stop: Callable[[], None]
    eyes: Eyes = field(default_factory=blind)
    scales: Mapping[str, Scale] = field(default_factory=dict)
    """Real ones by bin, for `station check` to show what they read."""
    cabinets: Mapping[str, Cabinet] = field(default_factory=dict)
    """Those of controllers, by the controller's id."""

    def readings(self) -> tuple[CabinetReading, ...]:
        """Return what every cabinet reported last; callable from any thread."""
        return tuple(reading for cabinet in self.cabinets.values() for reading in cabinet.readings())


BuildHardware = Callable[[QueueInbox, Clock], Hardware]
"""Builds the hardware; its events go to the inbox, its time comes from the clock."""
