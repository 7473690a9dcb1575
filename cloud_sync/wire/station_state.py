"""How a station is, as it says on its `state` topic: records that station and ledger share. Pure.

The message is retained and unsigned: it informs people and decides nothing. Unknown fields are ignored, so
that an older reader understands a newer station.

`start`, `connection` and `sequence` order a station's messages, whatever order they arrive in: a later start
of its sync process outdates all of an earlier one, and a later connection all of an earlier one. Within a
connection the message that says `online: false`, which is the last will, comes after all others.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from cloud_sync.wire.facts import MAX_WALL_S, Count, Name

MAX_AGE_S = 366 * 86_400.0
MAX_READINGS = 12
"""Three of each of a station's four controllers."""
COLDEST_C, HOTTEST_C = -100.0, 200.0
MAX_VOLTS = 100.0
MAX_BINS = 8
MAX_VERSIONS = 8
MAX_STATE_BYTES = 8 * 1024
"""A longer message is not read."""

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


class BinState(Struct, frozen=True, gc=False):
    """One bin; `full` as its level sensor or switch says, always false without either."""

    id: Name
    full: bool


class RosterState(Struct, frozen=True, gc=False):
    """The roster that the station holds, and how long ago the ledger last proved that it is present."""

    version: Count
    """0: none has come yet."""
    age_s: Annotated[float, Meta(ge=0)]


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
    start: Count = 0
    """Grows with each start of the station's sync process, over all boots; 0 from a station of an older
    version, whose messages are taken as they arrive."""
    connection: Count = 0
    """Number of the connection to the broker, of this start."""
    sequence: Count = 0
    """Number of the message, of this start."""
    wall_s: Annotated[float, Meta(ge=0, le=MAX_WALL_S)] | None = None
    """The station's calendar when this was sent, Unix time; right or wrong."""
    bins: Annotated[tuple[BinState, ...], Meta(max_length=MAX_BINS)] = ()
    """Every bin; empty where the station does not run."""
    model: Name | None = None
    """Title of the model bundle that the station is set up with; null if it cannot be read."""
    versions: Annotated[dict[Name, Name], Meta(max_length=MAX_VERSIONS)] = {}
    """Version of each thing that has one, such as `software`."""
    roster: RosterState | None = None
    """Null from a station that fetches none."""
