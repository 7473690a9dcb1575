"""Find wiring mistakes of a real station: pins, ports and controller numbers used twice, unsafe pins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import ceil, inf
from typing import TypeVar

from config.errors import Problem
from config.station import BinSection, OpenBy, StationSettings
from config.wiring import (
    ControllerLid,
    ControllerSection,
    GpioLidSection,
    HBridgeLid,
    LidSection,
    ReaderSection,
    RelayLid,
    ScaleSection,
    ServoLid,
)

_PULLED_UP = range(9)
"""Pins that a Pi pulls up from power-on until a program sets them (BCM2711 ARM Peripherals, 5.3)."""
UART_PINS = (14, 15)
"""TX and RX of the serial port on the header's pins 8 and 10."""
HEADER_UART = re.compile(r"/dev/(serial[01]|ttyAMA0|ttyS0|tongzhan/uart-0)")
"""Names of that port: they depend on the Pi's model, and on whether Bluetooth uses the better UART."""
LEAST_COUNTS = 200
"""A controller treats smaller weight changes as noise (firmware/core/sensors.c)."""
MOST_LEAST_G = 5000
_T = TypeVar("_T", int, str, tuple[str, str, int])


def wiring_problems(settings: StationSettings) -> list[Problem]:
    """Return the wiring mistakes of a station with real devices, each with its mend."""
    found: list[Problem] = []
    for number, bin_ in enumerate(settings.bin):
        found += _bin_problems(f"bin[{number}]", bin_)
    for number, reader in enumerate(settings.reader):
        found += _reader_problems(f"reader[{number}]", reader, settings.station.card_bits)
    for number, controller in enumerate(settings.controller):
        found += _supply_problems(f"controller[{number}]", controller)
    found += _unknown_controllers(settings) + _uart_problems(settings)
    found += [
        (f"{later}: {port} is already {earlier}", "give each its own port")
        for port, earlier, later in _twice(_ports(settings))
    ]
    found += [
        (f"{later}: pin {pin} is already {earlier}", "give each wire its own pin")
        for pin, earlier, later in _twice(used_pins(settings))
    ]
    return found + [
        (f"{later}: {what} {number} of {controller} is already {earlier}", "give each its own number")
        for (controller, what, number), earlier, later in _twice(_numbers(settings))
    ]


def motor_pins(lid: GpioLidSection) -> dict[str, int]:
    """Return the pins that move a lid, by key."""
    match lid:
        case HBridgeLid():
            return {"open_pin": lid.open_pin, "close_pin": lid.close_pin}
        case ServoLid():
            return {"servo_pin": lid.servo_pin}
        case RelayLid():
            return {"relay_pin": lid.relay_pin}


def _bin_problems(key: str, bin_: BinSection) -> list[Problem]:
    found = []
    if bin_.lid is None:
        found.append(
            (f"{key}.lid: missing, and devices are real", "add [bin.lid] with its pins below that [[bin]]")
        )
    elif not isinstance(bin_.lid, ControllerLid):
        found += _motor_problems(f"{key}.lid", bin_.lid)
    if bin_.open_by is OpenBy.BUTTON and bin_.button is None:
        found.append((f'{key}.button: missing, and open_by is "button"', "name the button's pin"))
    if bin_.weighed and bin_.scale is None:
        mend = "add [bin.scale] with controller, number and counts_per_g, or take weighed away"
        found.append((f"{key}.scale: missing, and the bin is weighed", mend))
    if bin_.scale is not None:
        found += _scale_problems(f"{key}.scale", bin_.scale)
    if bin_.level is not None and bin_.full_switch is not None:
        found.append((f"{key}.level: the bin has a full_switch too", "keep one of the two"))
    return found


def _scale_problems(key: str, scale: ScaleSection) -> list[Problem]:
    factor = abs(scale.counts_per_g)
    if not 0 < factor < inf:
        return [
            (f"{key}.counts_per_g: {scale.counts_per_g:g} is not a factor", "calibrate it: docs/wiring.md")
        ]
    if scale.least_g * factor >= LEAST_COUNTS:
        return []
    least_g = ceil(LEAST_COUNTS / factor)
    what = f"{scale.least_g} g are {scale.least_g * factor:.0f} counts, a controller needs {LEAST_COUNTS}"
    mend = (
        f"set it to {least_g} or more"
        if least_g <= MOST_LEAST_G
        else "calibrate counts_per_g: docs/wiring.md"
    )
    return [(f"{key}.least_g: {what} or more", mend)]


def _motor_problems(key: str, lid: GpioLidSection) -> list[Problem]:
    """Find motor pins that are high while the Pi starts: they would move the lid unsupervised."""
    found = [
        (f"{key}.{name}: pin {pin} is high while the Pi starts and would run the motor", "use 9 to 27")
        for name, pin in motor_pins(lid).items()
        if pin in _PULLED_UP
    ]
    if isinstance(lid, ServoLid) and lid.open_degrees == lid.closed_degrees:
        found.append((f"{key}.open_degrees: the same as closed_degrees", "measure both angles"))
    return found


def _reader_problems(key: str, reader: ReaderSection, card_bits: int) -> list[Problem]:
    found = [(f"{key}.{problem}", mend) for problem, mend in reader.problems()]
    if reader.fob_bits is not None and card_bits > reader.fob_bits:
        what = f"{key}.kind: it sends {reader.fob_bits} bits of a fob, but station.card_bits is {card_bits}"
        found.append((what, f"set station.card_bits to {reader.fob_bits} or less in the whole community"))
    return found


def _supply_problems(key: str, controller: ControllerSection) -> list[Problem]:
    least_v, low_v = controller.least_v, controller.low_v
    if least_v is None or low_v is None or least_v < low_v:
        return []
    return [(f"{key}.least_v: {least_v:g} V is not below low_v, {low_v:g} V", "warn before lids stay shut")]


def _unknown_controllers(settings: StationSettings) -> list[Problem]:
    known = [controller.id for controller in settings.controller]
    named = [(f"{key}.controller", name) for key, name, _ in _at_controllers(settings)]
    return [
        (f"{key}: no controller {name}", f"known: {', '.join(known) or 'none'}")
        for key, name in named
        if name not in known
    ]


def _uart_problems(settings: StationSettings) -> list[Problem]:
    """Find wires on the pins of the header's serial port while that port is in use.

    A byte sent to a controller would run a motor, and a motor's pin would be lost to the port.
    """
    ports = [(port, key) for port, key in _ports(settings) if HEADER_UART.fullmatch(port)]
    if not ports:
        return []
    port, user = ports[0]
    return [
        (f"{key}: pin {pin} is a wire of the serial port {port}, which is {user}", "use another pin or port")
        for pin, key in used_pins(settings)
        if pin in UART_PINS
    ]


def _at_controllers(settings: StationSettings) -> Iterator[tuple[str, str, tuple[str, int]]]:
    """Yield everything wired to a controller: key path, controller, kind of input and its number."""
    for number, bin_ in enumerate(settings.bin):
        if isinstance(bin_.lid, ControllerLid):
            yield f"bin[{number}].lid", bin_.lid.controller, ("lid", bin_.lid.number)
        if bin_.scale is not None:
            yield f"bin[{number}].scale", bin_.scale.controller, ("scale", bin_.scale.number)
        if bin_.level is not None:
            yield f"bin[{number}].level", bin_.level.controller, ("level sensor", bin_.level.number)
    for number, reader in enumerate(settings.reader):
        if (wired := reader.wiring.input) is not None:
            yield f"reader[{number}]", wired.controller, (wired.kind.value, wired.number)


def _numbers(settings: StationSettings) -> Iterator[tuple[tuple[str, str, int], str]]:
    for key, controller, (what, number) in _at_controllers(settings):
        yield (controller, what, number), f"{key}.number"


def _ports(settings: StationSettings) -> Iterator[tuple[str, str]]:
    for number, controller in enumerate(settings.controller):
        yield controller.port, f"controller[{number}].port"
    for number, reader in enumerate(settings.reader):
        if (port := reader.wiring.port) is not None:
            yield port, f"reader[{number}].port"


def used_pins(settings: StationSettings) -> Iterator[tuple[int, str]]:
    """Yield every pin of the Pi that the station uses, and the key that names it."""
    if settings.panic is not None:
        yield settings.panic.pin, "panic.pin"
    for number, bin_ in enumerate(settings.bin):
        pins = {"button": bin_.button, "full_switch": bin_.full_switch, **_lid_pins(bin_.lid)}
        for name, pin in pins.items():
            if pin is not None:
                yield pin, f"bin[{number}].{name}"
    for number, reader in enumerate(settings.reader):
        for name, pin in reader.wiring.pins.items():
            yield pin, f"reader[{number}].{name}"


def _lid_pins(lid: LidSection | None) -> dict[str, int | None]:
    if lid is None or isinstance(lid, ControllerLid):
        return {}
    contacts = {name: getattr(lid, name) for name in ("opened_switch", "closed_switch", "obstruction")}
    return {f"lid.{name}": pin for name, pin in (motor_pins(lid) | contacts).items()}


def _twice(uses: Iterable[tuple[_T, str]]) -> Iterator[tuple[_T, str, str]]:
    """Yield each thing used twice: the thing, its first key and the later key."""
    first: dict[_T, str] = {}
    for thing, key in uses:
        if thing in first:
            yield thing, first[thing], key
        else:
            first[thing] = key
