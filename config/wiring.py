"""What is wired to what: controllers, readers, lids and level sensors as station.toml names them. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

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
Degrees = Annotated[float, Meta(ge=-180, le=180)]


class ControllerSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One microcontroller that drives lids and hears readers and sensors; docs/protocol.md is its wire."""

    id: Slug
    port: Annotated[str, Meta(min_length=1)]
    """Its serial port, by a name that stays: one under /dev/serial/by-id, or from a udev rule."""


class ReaderKind(StrEnum):
    """What a card reader is."""

    RDM6300 = "rdm6300"
    WIEGAND = "wiegand"


class ReaderSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One card reader: on a serial port of the Pi, or at a controller. Real devices need one of the two."""

    id: Slug
    kind: ReaderKind = ReaderKind.RDM6300
    port: Annotated[str, Meta(min_length=1)] | None = None
    """Serial port of an RDM6300. The Pi takes no Wiegand: its pulses want a controller."""
    controller: Slug | None = None
    number: Index | None = None
    """Which of the controller's inputs for this kind of reader, from 0."""
    quiet_hours: Annotated[float, Meta(ge=0, le=8760)] = 36.0
    """One that sent nothing at all for so long raises a warning; 0: never, for one that is seldom used."""


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
    else could tell when to let go.
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
    """A lighter thing is no deposit. At least 200 counts: a controller tells no smaller change at once."""


class LevelSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A controller's ultrasonic sensor over a bin: it looks down and measures how far the waste is."""

    controller: Slug
    number: Index
    full_mm: Annotated[int, Meta(gt=0, le=5000)]
    """Waste as near as this means a full bin."""
