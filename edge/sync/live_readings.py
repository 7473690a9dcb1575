"""What the station measured last, read from the live state that it writes for its panel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from cloud_sync.wire.station_state import MAX_AGE_S, MAX_BINS, BinState, CabinetReadings
from edge.ports import Clock
from edge.screen.state import STATE_FILE, STATE_STALE_S


class Live(msgspec.Struct, frozen=True):
    """The fields of `LiveState` that matter here; empty where the station does not run."""

    written_s: float = 0.0
    readings: CabinetReadings = ()
    bins: Annotated[tuple[BinState, ...], Meta(max_length=MAX_BINS)] = ()


NOTHING = Live()


def live_readings(folder: Path, clock: Clock) -> Live:
    """Return what is in the runtime folder `folder`, its readings as old as they are now.

    Nothing of a station that does not run. Nor of a file that cannot be read: the station writes it whole or
    not at all and logs why it cannot, and the state is told without it meanwhile.
    """
    try:
        live = msgspec.json.decode((folder / STATE_FILE).read_bytes(), type=Live)
    except (OSError, msgspec.DecodeError):
        return NOTHING
    # A clock that was set back must not keep a dead station's readings alive: hence abs().
    elapsed_s = abs(clock.wall().unix_s - live.written_s)
    if elapsed_s > STATE_STALE_S:
        return NOTHING
    readings = tuple(
        msgspec.structs.replace(reading, age_s=round(min(reading.age_s + elapsed_s, MAX_AGE_S), 1))
        for reading in live.readings
    )
    return msgspec.structs.replace(live, readings=readings)
