"""What the station measured last, read from the live state that it writes for its panel."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cloud_sync.wire.station_state import MAX_AGE_S, CabinetReading, CabinetReadings
from edge.ports import Clock
from edge.screen.state import STATE_FILE, STATE_STALE_S


class _Live(msgspec.Struct, frozen=True):
    """The fields of `LiveState` that matter here."""

    written_s: float
    readings: CabinetReadings = ()


def live_readings(folder: Path, clock: Clock) -> tuple[CabinetReading, ...]:
    """Return the readings in the runtime folder `folder`, as old as they are now.

    None of a station that does not run. Nor of a file that cannot be read: the station writes it whole or not
    at all and logs why it cannot, and the state is told without readings meanwhile.
    """
    try:
        live = msgspec.json.decode((folder / STATE_FILE).read_bytes(), type=_Live)
    except (OSError, msgspec.DecodeError):
        return ()
    # A clock that was set back must not keep a dead station's readings alive: hence abs().
    elapsed_s = abs(clock.wall().unix_s - live.written_s)
    if elapsed_s > STATE_STALE_S:
        return ()
    return tuple(
        msgspec.structs.replace(reading, age_s=round(min(reading.age_s + elapsed_s, MAX_AGE_S), 1))
        for reading in live.readings
    )
