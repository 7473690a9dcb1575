"""The station's wiring in station.toml: controllers, readers, lids, scales and level sensors. Pure."""

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
"""A GPIO number in Broadcom's numbering (the 40-pin header has 0 to 27)."""
Index = Annotated[int, Meta(ge=0, le=7)]
"""The number of a controller's lid, reader or sensor."""
Volts = Annotated[float, Meta(gt=0, le=25)]
"""The firmware can measure up to 25 V behind its divider."""
Degrees = Annotated[float, Meta(ge=-180, le=180)]


class ControllerSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A microcontroller that drives lids and reads readers and sensors; docs/protocol.md has its protocol."""

    id: Slug
    port: Annotated[str, Meta(min_length=1)]
    """Its serial port, by a stable name: one under /dev/serial/by-id, or from a udev rule."""
    hot_c: Annotated[float, Meta(ge=30, le=105)] = 70.0
    """A cabinet this hot raises a warning, in degrees Celsius."""
    low_v: Volts | None = None
    """A supply below this raises a warning; None: the supply is shown only."""
    least_v: Volts | None = None
    """Below this the controller's bins stay shut for residents; None: never."""


class PanicSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A panic button on the Pi, for stations without a controller."""

    pin: Pin
    """Closed to ground while the button is released, so that a broken wire acts as a pressed button."""


class ReaderInput(StrEnum):
    """The kinds of a microcontroller's inputs for readers."""

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
    """The port, input and pins that a reader uses, so that nothing is used twice."""

    port: str | None = None
    """A serial port of the Pi, by its path."""
    input: ControllerInput | None = None
    pins: Mapping[str, int] = field(default_factory=dict)
    """GPIO numbers by key."""


class ReaderSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """A card reader: the keys that every kind has. `edge/readers/kinds` has a file for each kind."""

    id: Slug
    quiet_hours: Annotated[float, Meta(ge=0, le=8760)] = 36.0
    """Hours of silence after which a warning is raised; 0: never, for a rarely used reader."""

    @property
    def kind(self) -> str:
        """The kind's name, as `kind` in station.toml."""
        return str(self.__struct_config__.tag)

    @property
    def wiring(self) -> ReaderWiring:
        """What the reader uses; nothing unless its kind says so."""
        return ReaderWiring()

    @property
    def fob_bits(self) -> int | None:
        """How many bits of a fob's number this reader sends; None: all."""
        return None

    def problems(self) -> list[Problem]:
        """Return what is wrong with this table for real devices: each problem names a key and a mend."""
        return []


class WiredLid(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """The contacts of a lid at the Pi's own pins, for every kind of drive.

    A contact connects its pin to ground; the pin has a pull-up. A command does not prove a position, so
    every lid needs the switch that shows it is shut. Without a switch at the open end, a lid counts as open
    once it has been away from the shut switch for its travel time.
    """

    closed_switch: Pin
    """Closed while the lid is shut."""
    opened_switch: Pin | None = None
    """Closed while the lid is fully open."""
    obstruction: Pin | None = None
    """Closed while the lid's way is free, so that a broken wire counts as an obstruction."""


class HBridgeLid(WiredLid, frozen=True, kw_only=True, tag="h_bridge"):
    """A geared motor on an H-bridge, with a switch at each end. The lid stays where the motor stops."""

    open_pin: Pin
    """High: the H-bridge drives the lid open. Use 9 to 27: these stay low while the Pi starts."""
    close_pin: Pin
    """High: the H-bridge drives the lid shut. Use 9 to 27 too."""
    opened_switch: Pin
    """Closed while the lid is fully open: the motor stops there."""


class ServoLid(WiredLid, frozen=True, kw_only=True, tag="servo"):
    """A servo. It gets no pulses while its lid rests: it does not hum, heat up, or push against a hand.

    An angle of 0 is a pulse of 1.5 ms; each 90 degrees are 0.5 ms more or less.
    """

    servo_pin: Pin
    """The servo's signal. Use 9 to 27: these stay low while the Pi starts."""
    open_degrees: Degrees
    closed_degrees: Degrees


class RelayLid(WiredLid, frozen=True, kw_only=True, tag="relay"):
    """An opener behind a relay: it opens and holds the lid while energised; a spring or weight shuts it.

    A power cut releases such a lid, so the spring or weight must be too weak to hurt a hand. An opener
    draws current while it holds the lid and must be made for that. The obstruction input is required,
    because nothing else shows when it is safe to release.
    """

    relay_pin: Pin
    """High: the relay is energised. Use 9 to 27: these stay low while the Pi starts."""
    obstruction: Pin
    """Closed while the lid's way is free."""


class ControllerLid(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="controller"
):
    """A lid that a microcontroller drives, together with its switches and its obstruction input."""

    controller: Slug
    number: Index
    """The controller's number for this lid, from 0."""


GpioLidSection = HBridgeLid | ServoLid | RelayLid
"""The kinds that the lids' process drives from the Pi's own pins."""
LidSection = HBridgeLid | ServoLid | RelayLid | ControllerLid
"""A lid; `kind` says which of these."""


class ScaleSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A controller's HX711 with the load cells below a bin; docs/wiring.md tells how to calibrate it."""

    controller: Slug
    number: Index
    counts_per_g: float
    """Counts for each gram; below 0 if the cells' wires are swapped."""
    least_g: Annotated[int, Meta(ge=1, le=5000)] = 20
    """Lighter things are not deposits. Must be at least 200 counts: smaller changes are reported late."""


class LevelSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A controller's ultrasonic sensor over a bin; it measures the distance down to the waste."""

    controller: Slug
    number: Index
    full_mm: Annotated[int, Meta(gt=0, le=5000)]
    """The bin is full when the waste is this near."""
