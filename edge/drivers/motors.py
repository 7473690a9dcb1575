"""What moves a lid at the Pi's own pins: one class a kind, each doing what the lid's rules want."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Protocol

from config.wiring import HBridgeLid, RelayLid, ServoLid
from edge.drivers.pins import HBridge, Relay, ServoSignal
from firmware_bridge import h_bridge
from firmware_bridge.h_bridge import Bridge, Drive

if TYPE_CHECKING:
    from config.wiring import GpioLidSection
    from edge.drivers.pins import Factory
    from firmware_bridge.lid_motion import Motion

PULSE_S = 0.0015
"""A servo's pulse at 0 degrees."""
PULSE_PER_DEGREE_S = 0.0005 / 90


class Motor(Protocol):
    """Moves one lid."""

    def obey(self, motion: Motion, now: float) -> float:
        """Do what the rules want at `now`; say when to be asked again, inf for not before that changes."""
        ...

    def halt(self) -> None:
        """Drive nowhere from now on."""
        ...

    def close(self) -> None:
        """Halt and give the pins back."""
        ...


class BridgeMotor:
    """A geared motor, which rests before it turns round."""

    def __init__(self, wires: HBridgeLid, factory: Factory) -> None:
        """Claim its two pins; InputError if they cannot be had."""
        self._pins = HBridge(wires.open_pin, wires.close_pin, factory)
        self._bridge = Bridge()

    def obey(self, motion: Motion, now: float) -> float:
        """Drive as the rules want, after the motor's rest."""
        self._bridge = h_bridge.command(self._bridge, motion.drive, now)
        self._pins.set(self._bridge.drive)
        return inf if self._bridge.drive is motion.drive else h_bridge.rest_ends(self._bridge)

    def halt(self) -> None:
        """Stop the motor."""
        self._pins.set(Drive.OFF)

    def close(self) -> None:
        """Stop the motor and give the pins back."""
        self._pins.close()


class ServoMotor:
    """A servo: it is sent to one of two angles, and left limp while its lid rests."""

    def __init__(self, wires: ServoLid, factory: Factory) -> None:
        """Claim its pin; InputError if it cannot be had."""
        self._signal = ServoSignal(wires.servo_pin, factory)
        self._pulses_s = {
            Drive.OFF: 0.0,
            Drive.OPEN: PULSE_S + wires.open_degrees * PULSE_PER_DEGREE_S,
            Drive.SHUT: PULSE_S + wires.closed_degrees * PULSE_PER_DEGREE_S,
        }

    def obey(self, motion: Motion, now: float) -> float:
        """Send it where the rules want; it needs no rest to turn round."""
        del now
        self._signal.set(self._pulses_s[motion.drive])
        return inf

    def halt(self) -> None:
        """Leave it limp."""
        self._signal.set(0)

    def close(self) -> None:
        """Leave it limp and give the pin back."""
        self._signal.close()


class RelayMotor:
    """An opener that holds its lid open while it is energised; a spring or weight shuts it."""

    def __init__(self, wires: RelayLid, factory: Factory) -> None:
        """Claim its pin; InputError if it cannot be had."""
        self._relay = Relay(wires.relay_pin, factory)

    def obey(self, motion: Motion, now: float) -> float:
        """Hold the lid open, or let it go."""
        del now
        self._relay.set(energised=motion.holds_open)
        return inf

    def halt(self) -> None:
        """Let the lid go."""
        self._relay.set(energised=False)

    def close(self) -> None:
        """Let the lid go and give the pin back."""
        self._relay.close()


def motor_of(wires: GpioLidSection, factory: Factory) -> Motor:
    """The motor of a lid, its pins claimed, at rest; InputError for a pin that cannot be had."""
    match wires:
        case HBridgeLid():
            return BridgeMotor(wires, factory)
        case ServoLid():
            return ServoMotor(wires, factory)
        case RelayLid():
            return RelayMotor(wires, factory)
