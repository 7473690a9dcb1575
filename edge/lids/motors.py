"""Motors of lids at the Pi's own pins: one class for each kind, driven by the lid's rules."""

from __future__ import annotations

from math import inf
from typing import Protocol

from config.wiring import GpioLidSection, HBridgeLid, RelayLid, ServoLid
from edge.hardware.pins import Factory, HBridge, Relay, ServoSignal
from firmware_bridge import h_bridge
from firmware_bridge.h_bridge import Bridge, Drive
from firmware_bridge.lid_motion import Motion

OFF = 0.0
_BRIDGE = {Drive.OFF: OFF, Drive.OPEN: 1.0, Drive.SHUT: -1.0}
ENERGISED_AGAIN_S = 0.1
"""How often the request for a held relay is repeated, as the guard of the motors requires."""
PULSE_S = 0.0015
"""A servo's pulse at 0 degrees."""
PULSE_PER_DEGREE_S = 0.0005 / 90


class Output(Protocol):
    """A motor's pins, set by one number: 0 is off.

    For an H-bridge 1 drives open and -1 shut; for a servo it is the pulse in seconds; 1 energises a relay.
    """

    def set(self, value: float) -> None:
        """Drive with this value from now on."""
        ...

    def close(self) -> None:
        """Turn the motor off and release the pins."""
        ...


class Motor(Protocol):
    """Moves one lid."""

    def obey(self, motion: Motion, now: float) -> float:
        """Drive as the rules want at `now`; return when to call again, inf if only a new motion needs it."""
        ...

    def halt(self) -> None:
        """Stop driving."""
        ...

    def close(self) -> None:
        """Halt and release the pins."""
        ...


class BridgeMotor:
    """A geared motor, which rests before it changes direction."""

    def __init__(self, output: Output) -> None:
        """Drive through this output."""
        self._output = output
        self._bridge = Bridge()

    def obey(self, motion: Motion, now: float) -> float:
        """Drive as the rules want, after the motor's rest."""
        self._bridge = h_bridge.command(self._bridge, motion.drive, now)
        self._output.set(_BRIDGE[self._bridge.drive])
        return inf if self._bridge.drive is motion.drive else h_bridge.rest_ends(self._bridge)

    def halt(self) -> None:
        """Stop the motor."""
        self._output.set(OFF)

    def close(self) -> None:
        """Stop the motor and release the pins."""
        self._output.close()


class ServoMotor:
    """A servo: driven to one of two angles, and left without pulses while its lid rests."""

    def __init__(self, wires: ServoLid, output: Output) -> None:
        """Send its pulses through this output."""
        self._output = output
        self._pulses_s = {
            Drive.OFF: 0.0,
            Drive.OPEN: PULSE_S + wires.open_degrees * PULSE_PER_DEGREE_S,
            Drive.SHUT: PULSE_S + wires.closed_degrees * PULSE_PER_DEGREE_S,
        }

    def obey(self, motion: Motion, now: float) -> float:
        """Drive to the angle that the rules want; a servo may change direction at once."""
        del now
        self._output.set(self._pulses_s[motion.drive])
        return inf

    def halt(self) -> None:
        """Stop its pulses."""
        self._output.set(OFF)

    def close(self) -> None:
        """Stop its pulses and release the pin."""
        self._output.close()


class RelayMotor:
    """An opener that holds its lid open while it is energised; a spring or weight shuts it."""

    def __init__(self, output: Output) -> None:
        """Energise it through this output."""
        self._output = output

    def obey(self, motion: Motion, now: float) -> float:
        """Hold the lid open, or release it."""
        self._output.set(1.0 if motion.holds_open else OFF)
        return now + ENERGISED_AGAIN_S if motion.holds_open else inf

    def halt(self) -> None:
        """Release the lid."""
        self._output.set(OFF)

    def close(self) -> None:
        """Release the lid and the pin."""
        self._output.close()


def motor_of(wires: GpioLidSection, output: Output) -> Motor:
    """Make the motor of a lid, driven through this output."""
    match wires:
        case HBridgeLid():
            return BridgeMotor(output)
        case ServoLid():
            return ServoMotor(wires, output)
        case RelayLid():
            return RelayMotor(output)


def output_of(wires: GpioLidSection, factory: Factory) -> Output:
    """Claim the pins of a lid's motor, off; InputError for a pin that cannot be claimed."""
    match wires:
        case HBridgeLid():
            return _BridgeOutput(HBridge(wires.open_pin, wires.close_pin, factory))
        case ServoLid():
            return ServoSignal(wires.servo_pin, factory)
        case RelayLid():
            return _RelayOutput(Relay(wires.relay_pin, factory))


class _BridgeOutput:
    def __init__(self, bridge: HBridge) -> None:
        self._bridge = bridge
        self._drives = {value: drive for drive, value in _BRIDGE.items()}

    def set(self, value: float) -> None:
        self._bridge.set(self._drives.get(value, Drive.OFF))

    def close(self) -> None:
        self._bridge.close()


class _RelayOutput:
    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def set(self, value: float) -> None:
        self._relay.set(energised=value != OFF)

    def close(self) -> None:
        self._relay.close()
