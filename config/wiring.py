"""What is wired to what: controllers, readers, lids and level sensors as station.toml names them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from config.errors import Problem

Slug = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9-]{0,31}\Z",
        description="a name of lower-case letters, digits and hyphens, 32 at most, no hyphen first",
    ),
]
"""A name that is safe in an MQTT topic, a file name and an address."""
Pin = Annotated[int, Meta(ge=0, le=27)]
"""A GPIO number as Broadcom counts them (the 40-pin header has 0 to 27)."""
Index = Annotated[int, Meta(ge=0, le=7)]
"""One of a controller's lids, readers or sensors."""
Volts = Annotated[float, Meta(gt=0, le=25)]
"""What the firmware can measure: up to 25 V behind its divider."""
Degrees = Annotated[float, Meta(ge=-180, le=180)]


class ControllerSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One microcontroller that drives lids and hears readers and sensors; docs/protocol.md is its wire."""

    id: Slug
    port: Annotated[str, Meta(min_length=1)]
    """Its serial port, by a name that stays: one under /dev/serial/by-id, or from a udev rule."""
    hot_c: Annotated[float, Meta(ge=30, le=105)] = 70.0
    """A cabinet this hot raises a warning, in degrees Celsius."""
    low_v: Volts | None = None
    """A supply below this raises a warning; None: the supply is shown and not judged."""
    least_v: Volts | None = None
    """Below this the controller's bins stay shut for residents; None: never."""


class PanicSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A panic button on the Pi itself, for stations without a controller."""

    pin: Pin
    """Closed to ground while the button is released, so that a broken wire is a pressed button."""


class ReaderInput(StrEnum):
    """An input of a microcontroller that a reader can be wired to."""

    SERIAL = "serial reader"
    WIEGAND = "Wiegand reader"


@dataclass(frozen=True, slots=True)
class ControllerInput:
    """One input of one microcontroller."""

    controller: str
    number: int
    kind: ReaderInput


@dataclass(frozen=True, slots=True)
class ReaderWiring:
    """What a reader occupies, so that nothing is used twice."""

    port: str | None = None
    """A serial port of the Pi, by its path."""
    input: ControllerInput | None = None
    pins: Mapping[str, int] = field(default_factory=dict)
    """GPIO numbers by their keys."""


class ReaderSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """A card reader: the keys that every kind has. `edge/readers/kinds` has a file with the rest of each."""

    id: Slug
    quiet_hours: Annotated[float, Meta(ge=0, le=8760)] = 36.0
    """Hours of silence after which a warning is raised; 0: never, for a reader that is seldom used."""

    @property
    def kind(self) -> str:
        """The kind's name, as `kind` in station.toml."""
        return str(self.__struct_config__.tag)

    @property
    def wiring(self) -> ReaderWiring:
        """What the reader occupies; nothing unless a kind says otherwise."""
        return ReaderWiring()

    @property
    def fob_bits(self) -> int | None:
        """The most bits of a fob's number that this reader sends; None: all of them."""
        return None

    def problems(self) -> list[Problem]:
        """Return what is wrong with this table where devices are real, each with a key of it and its mend."""
        return []


class WiredLid(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """A lid at the Pi's own pins: what its contacts need, however it is driven.

    A contact connects its pin to ground; the pin's own pull-up does the rest. A command is not a state:
    every lid has the switch that says it is shut. Where there is none at the open end, a lid counts as
    open once it has been away from that switch for its travel time.
    """

    closed_switch: Pin
    """Closed while the lid is shut."""
    opened_switch: Pin | None = None
    """Closed while the lid stands open."""
    obstruction: Pin | None = None
    """Closed while the lid's way is free, so that a broken wire counts as something in the way."""


class HBridgeLid(WiredLid, frozen=True, kw_only=True, tag="h_bridge"):
    """A geared motor on an H-bridge, with a switch at each end. It stays where its motor left it."""

    open_pin: Pin
    """High: the H-bridge drives the lid open. From 9 to 27, which stay low while the Pi starts."""
    close_pin: Pin
    """High: the H-bridge drives the lid shut. From 9 to 27 too."""
    opened_switch: Pin
    """Closed while the lid stands open: there the motor stops."""


class ServoLid(WiredLid, frozen=True, kw_only=True, tag="servo"):
    """A servo, which gets no pulses while its lid rests: it does not hum, heat up, or hold against a hand.

    An angle of 0 is a pulse of 1.5 ms, each 90 degrees are 0.5 ms more or less.
    """

    servo_pin: Pin
    """The servo's signal. From 9 to 27, which stay low while the Pi starts."""
    open_degrees: Degrees
    closed_degrees: Degrees


class RelayLid(WiredLid, frozen=True, kw_only=True, tag="relay"):
    """An opener behind a relay: it opens the lid and holds it while energised; a spring or weight shuts it.

    A power cut lets such a lid go, so what shuts it must be too weak to hurt a hand. Held open it draws
    current: the opener must be made for that. The obstruction input is not optional here, since nothing
    else shows when to let go.
    """

    relay_pin: Pin
    """High: the relay is energised. From 9 to 27, which stay low while the Pi starts."""
    obstruction: Pin
    """Closed while the lid's way is free."""


class ControllerLid(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="controller"
):
    """A lid that a microcontroller drives, together with its switches and its obstruction input."""

    controller: Slug
    number: Index
    """Which of the controller's lids, from 0."""


GpioLidSection = HBridgeLid | ServoLid | RelayLid
"""The kinds that the keeper drives from the Pi's own pins."""
LidSection = HBridgeLid | ServoLid | RelayLid | ControllerLid
"""One lid; `kind` says which of these."""


class ScaleSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A controller's HX711 with the load cells that a bin stands on; docs/wiring.md calibrates it."""

    controller: Slug
    number: Index
    counts_per_g: float
    """By so much its counts rise for each gram; below 0 where the cells' wires are exchanged."""
    least_g: Annotated[int, Meta(ge=1, le=5000)] = 20
    """Lighter things are not deposits. At least 200 counts: a controller reports smaller changes late."""


class LevelSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A controller's ultrasonic sensor over a bin: it looks down and measures how far the waste is."""

    controller: Slug
    number: Index
    full_mm: Annotated[int, Meta(gt=0, le=5000)]
    """Waste as near as this means a full bin."""
