"""How a station is, as it says on its `state` topic: records that station and ledger share. Pure.

The message is retained and unsigned: it informs people and decides nothing. Unknown fields are ignored, so
that an older reader understands a newer station.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from cloud_sync.wire.facts import Count, Name

MAX_AGE_S = 366 * 86_400.0
MAX_READINGS = 12
"""Three of each of a station's four controllers."""
COLDEST_C, HOTTEST_C = -100.0, 200.0
MAX_VOLTS = 100.0

AgeS = Annotated[float, Meta(ge=0, le=MAX_AGE_S)]
"""Seconds since the controller reported a value. It reports when the value changes."""


class TemperatureReading(Struct, frozen=True, gc=False, tag_field="kind", tag="temperature"):
    """A cabinet's temperature; `part` is its controller."""

    part: Name
    value: Annotated[float, Meta(ge=COLDEST_C, le=HOTTEST_C)]
    age_s: AgeS
    unit: Literal["°C"] = "°C"


class SupplyReading(Struct, frozen=True, gc=False, tag_field="kind", tag="supply"):
    """The voltage of a controller's motor supply."""

    part: Name
    value: Annotated[float, Meta(ge=0, le=MAX_VOLTS)]
    age_s: AgeS
    unit: Literal["V"] = "V"


class DoorReading(Struct, frozen=True, gc=False, tag_field="kind", tag="door"):
    """Whether a cabinet's door stands open."""

    part: Name
    is_open: bool
    age_s: AgeS


CabinetReading = TemperatureReading | SupplyReading | DoorReading
CabinetReadings = Annotated[tuple[CabinetReading, ...], Meta(max_length=MAX_READINGS)]


class StationState(Struct, frozen=True, omit_defaults=True):
    """What the `state` topic says, retained; the last will says `online: false`."""

    online: bool
    outbox: Count | None = None
    unanswered_s: Annotated[float, Meta(ge=0)] | None = None
    """For how long batches have gone out without a receipt that freed anything; null if none is awaited."""
    key_retired: bool = False
    """The ledger no longer believes this station's key: its events wait here."""
    readings: CabinetReadings = ()
    """What cabinets measured last; empty where nothing is wired or the station does not run."""
