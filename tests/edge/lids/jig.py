"""Real pins for the lids' tests: `scripts/test --real-pins` on a Raspberry Pi with a loop-back jig.

The jig is five jumper wires, each from a pin that the tests drive as a lid's driver does to one that
plays the motor or the switch at its other end, through 1 kilohm each in case two outputs ever meet:

    TONGZHAN_JIG="17=5,27=6,22=12,23=13,24=16" scripts/test --real-pins

17 and 27 are the motor's pins (17 the relay's too), 22 and 23 the switches at the open and the shut end,
24 the obstruction input; the numbers behind them are yours to choose among the pins that are free.
Nothing else may be wired to any of the ten. Tests of servos and of broken chips need the mock pins, and
are skipped.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from gpiozero import DigitalInputDevice, DigitalOutputDevice

from edge.hardware.pins import real_pins

MOTOR, CONTACTS = (17, 27), (22, 23, 24)


class JigBoard:
    """Each of the lid's pins meets its counterpart, which this board reads or drives."""

    def __init__(self, jig: str) -> None:
        """`jig` is pin=counterpart, separated by commas; ValueError for anything else."""
        counterparts = {int(pin): int(other) for pin, other in (pair.split("=") for pair in jig.split(","))}
        if set(counterparts) != {*MOTOR, *CONTACTS} or len(set(counterparts.values())) != len(counterparts):
            raise ValueError(f"TONGZHAN_JIG={jig!r} does not name a counterpart for each of 17,27,22,23,24")
        self.outputs: list[tuple[int, bool]] = []
        self.factory = real_pins(Path(tempfile.gettempdir()))
        self._motors = {pin: self._listener(pin, counterparts[pin]) for pin in MOTOR}
        # An open contact is high, as the pull-up of the lid's own pin would have it.
        self._contacts = {
            pin: DigitalOutputDevice(counterparts[pin], initial_value=True, pin_factory=self.factory)
            for pin in CONTACTS
        }

    def _listener(self, pin: int, counterpart: int) -> DigitalInputDevice:
        device = DigitalInputDevice(counterpart, pull_up=False, pin_factory=self.factory)
        device.when_activated = lambda: self.outputs.append((pin, True))
        device.when_deactivated = lambda: self.outputs.append((pin, False))
        return device

    def level(self, pin: int) -> float:
        return float(self._motors[pin].value)

    def contact(self, pin: int, *, closed: bool) -> None:
        self._contacts[pin].value = not closed

    def close(self) -> None:
        """Give all pins back."""
        for device in (*self._motors.values(), *self._contacts.values()):
            device.close()
        self.factory.close()
