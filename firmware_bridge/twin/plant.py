"""A lid's mechanics: its position and the levels of its inputs. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from firmware_bridge.h_bridge import Drive
from firmware_bridge.lid_motion import LidInputs

SHUT, OPEN = 0.0, 1000.0
TRAVEL_MS = 300.0
_DIRECTIONS = {Drive.OPEN: 1.0, Drive.SHUT: -1.0, Drive.OFF: 0.0}


@dataclass(slots=True)
class PlantLid:
    """One lid, moved by its motor and by hands; its place is between SHUT and OPEN."""

    place: float = SHUT
    travel_ms: float = TRAVEL_MS
    drive: Drive = Drive.OFF
    is_jammed: bool = False
    is_obstructed: bool = False
    open_switch: bool | None = None
    """A forced level of the switch; None for the true one."""
    shut_switch: bool | None = None

    def advance(self, seconds: float) -> None:
        """Let the motor run for this time."""
        if not self.is_jammed:
            way = _DIRECTIONS[self.drive] * seconds * 1000 / self.travel_ms * OPEN
            self.place = min(max(self.place + way, SHUT), OPEN)

    def seen(self) -> LidInputs:
        """Return the levels of the lid's inputs."""
        opened = self.place >= OPEN if self.open_switch is None else self.open_switch
        closed = self.place <= SHUT if self.shut_switch is None else self.shut_switch
        return LidInputs(opened, closed, self.is_obstructed)
