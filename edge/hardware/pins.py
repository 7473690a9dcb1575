"""The Pi's pins: contacts to ground, H-bridges, servos, relays. Only this file imports gpiozero.

Classes and functions take a pin factory: `real_pins` on a Pi, gpiozero's MockFactory elsewhere.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gpiozero import DigitalInputDevice, DigitalOutputDevice, Factory, GPIOZeroError, PWMOutputDevice

from config.errors import InputError
from config.reading.private import make_private_folder
from firmware_bridge.h_bridge import Drive

__all__ = ["Contact", "Factory", "HBridge", "Relay", "ServoSignal", "hold_low", "pin_errors", "real_pins"]

SERVO_HZ = 50


def real_pins(work_dir: Path) -> Factory:
    """Return the pins of this Raspberry Pi; InputError if there are none, or they cannot be used.

    lgpio writes a FIFO to `work_dir`, or to the folder of temporary files if `work_dir` cannot be written.
    Without this setting it would use the current folder, which a service often cannot write.
    """
    os.environ.setdefault("LG_WD", _writable(work_dir))
    try:
        # Chosen explicitly: gpiozero's default falls back to libraries that do not work on a Pi 5.
        from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415 (lgpio exists on a Pi only)

        return LGPIOFactory()
    except ImportError as error:
        raise InputError(f"no library for the Pi's pins ({error})", "pip install lgpio on the Pi") from error
    except pin_errors() as error:
        what = f"this machine's pins cannot be used ({error})"
        mend = 'run on a Raspberry Pi as a user of the group gpio, or set station.devices = "simulated"'
        raise InputError(what, mend) from error


def _writable(folder: Path) -> str:
    try:
        make_private_folder(folder)
        with tempfile.TemporaryFile(dir=folder):
            return str(folder)
    except OSError:
        return tempfile.gettempdir()


def pin_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions that reading or setting a pin may raise."""
    lgpio = sys.modules.get("lgpio")
    return (GPIOZeroError, OSError) if lgpio is None else (GPIOZeroError, OSError, lgpio.error)


class Contact:
    """A contact between a pin and ground, with the pin's pull-up. InputError if the pin cannot be used."""

    def __init__(self, pin: int, changed: Callable[[], None], factory: Factory) -> None:
        """Call `changed` from gpiozero's thread at every edge, false ones too."""
        with _claiming(pin):
            self._device = DigitalInputDevice(pin, pull_up=True, pin_factory=factory)
            self._device.when_activated = changed
            self._device.when_deactivated = changed

    @property
    def is_closed(self) -> bool:
        """Whether the contact connects the pin to ground now; a broken wire is an open contact."""
        return bool(self._device.is_active)

    def close(self) -> None:
        """Release the pin."""
        self._device.close()


class HBridge:
    """Two pins that drive a motor either way, never both high. InputError if they cannot be used.

    Both are low as soon as they are outputs.
    """

    def __init__(self, open_pin: int, close_pin: int, factory: Factory) -> None:
        with _claiming(open_pin):
            self._open = DigitalOutputDevice(open_pin, initial_value=False, pin_factory=factory)
        try:
            with _claiming(close_pin):
                self._shut = DigitalOutputDevice(close_pin, initial_value=False, pin_factory=factory)
        except InputError:
            self._open.close()
            raise

    def set(self, drive: Drive) -> None:
        """Set the motor's direction, or turn it off."""
        if drive is not Drive.OPEN:
            self._open.off()
        if drive is not Drive.SHUT:
            self._shut.off()
        if drive is Drive.OPEN:
            self._open.on()
        elif drive is Drive.SHUT:
            self._shut.on()

    def close(self) -> None:
        """Stop the motor and release the pins. They then float: the bridge needs its own pull-downs."""
        self.set(Drive.OFF)
        self._open.close()
        self._shut.close()


class ServoSignal:
    """A servo's signal; it starts without pulses. InputError if the pin cannot be used."""

    def __init__(self, pin: int, factory: Factory) -> None:
        with _claiming(pin):
            self._device = PWMOutputDevice(pin, frequency=SERVO_HZ, initial_value=0, pin_factory=factory)
        self._pulse_s = 0.0

    def set(self, pulse_s: float) -> None:
        """Send pulses of this length; 0 sends none, and the servo goes limp."""
        if pulse_s != self._pulse_s:  # setting the same value again would cut the current pulse short
            self._device.value = pulse_s * SERVO_HZ
            self._pulse_s = pulse_s

    def close(self) -> None:
        """End the pulses and release the pin."""
        self.set(0)
        self._device.close()


class Relay:
    """A pin that energises a relay while it is high; it starts low. InputError if it cannot be used."""

    def __init__(self, pin: int, factory: Factory) -> None:
        with _claiming(pin):
            self._device = DigitalOutputDevice(pin, initial_value=False, pin_factory=factory)

    def set(self, *, energised: bool) -> None:
        """Energise or release the relay."""
        if energised:
            self._device.on()
        else:
            self._device.off()

    def close(self) -> None:
        """Release the relay and the pin. It then floats: the relay's board needs its own pull-down."""
        self._device.off()
        self._device.close()


def hold_low(pins: Iterable[int], factory: Factory) -> list[str]:
    """Make each pin a low output and release it; return a message for each pin that cannot be used.

    A Raspberry Pi's kernel keeps an output's level when its program dies, unless config.txt has
    dtparam=strict_gpiod (raspberrypi/linux, pull requests 6117 and 6150).
    """
    failures: tuple[type[Exception], ...] = (InputError, *pin_errors())
    failed = []
    for pin in pins:
        try:
            Relay(pin, factory).close()
        except failures as error:
            failed.append(str(error))
    return failed


@contextmanager
def _claiming(pin: int) -> Iterator[None]:
    try:
        yield
    except pin_errors() as error:
        mend = "stop the program that uses it, or name another pin"
        raise InputError(f"pin {pin} cannot be used ({error})", mend) from error
