"""What moves a lid at the Pi's own pins: one class a kind, each doing what the lid's rules want."""

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
"""How often a relay that is held is asked for again, as a guard of the motors wants it."""
PULSE_S = 0.0015
"""A servo's pulse at 0 degrees."""
PULSE_PER_DEGREE_S = 0.0005 / 90


class Output(Protocol):
    """What a motor's pins do, as one number: 0 is off.

    Of an H-bridge 1 drives open and -1 shut, of a servo it is the pulse in seconds, 1 energises a relay.
    """

    def set(self, value: float) -> None:
        """Do this from now on."""
        ...

    def close(self) -> None:
        """Turn it off and give the pins back."""
        ...


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

    def __init__(self, output: Output) -> None:
        """Drive by this output."""
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
        """Stop the motor and give the pins back."""
        self._output.close()


class ServoMotor:
    """A servo: it is sent to one of two angles, and left limp while its lid rests."""

    def __init__(self, wires: ServoLid, output: Output) -> None:
        """Send its pulses by this output."""
        self._output = output
        self._pulses_s = {
            Drive.OFF: 0.0,
            Drive.OPEN: PULSE_S + wires.open_degrees * PULSE_PER_DEGREE_S,
            Drive.SHUT: PULSE_S + wires.closed_degrees * PULSE_PER_DEGREE_S,
        }

    def obey(self, motion: Motion, now: float) -> float:
        """Send it where the rules want; it needs no rest to turn round."""
        del now
        self._output.set(self._pulses_s[motion.drive])
        return inf

    def halt(self) -> None:
        """Leave it limp."""
        self._output.set(OFF)

    def close(self) -> None:
        """Leave it limp and give the pin back."""
        self._output.close()


class RelayMotor:
    """An opener that holds its lid open while it is energised; a spring or weight shuts it."""

    def __init__(self, output: Output) -> None:
        """Energise it by this output."""
        self._output = output

    def obey(self, motion: Motion, now: float) -> float:
        """Hold the lid open, or let it go."""
        self._output.set(1.0 if motion.holds_open else OFF)
        return now + ENERGISED_AGAIN_S if motion.holds_open else inf

    def halt(self) -> None:
        """Let the lid go."""
        self._output.set(OFF)

    def close(self) -> None:
        """Let the lid go and give the pin back."""
        self._output.close()


def motor_of(wires: GpioLidSection, output: Output) -> Motor:
    """The motor of a lid, driven by this output."""
    match wires:
        case HBridgeLid():
            return BridgeMotor(output)
        case ServoLid():
            return ServoMotor(wires, output)
        case RelayLid():
            return RelayMotor(output)


def output_of(wires: GpioLidSection, factory: Factory) -> Output:
    """The pins of a lid's motor, claimed and off; InputError for a pin that cannot be had."""
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
