"""How long ago the ledger last proved that a station's roster is the present one. Pure."""

from __future__ import annotations

from edge.downlink.folder import Confirmed
from edge.ports import WallTime

OLD_S = 24 * 3600.0
"""Beyond this a person should see why; the station works on."""


def age_s(confirmed: Confirmed | None, boot: str, now_s: float, wall: WallTime) -> float:
    """Return the seconds since the last proof; without one, or across boots without a calendar, since boot.

    `now_s` counts from this boot's start.
    """
    if confirmed is None:
        return now_s
    if confirmed.boot == boot:
        return max(0.0, now_s - confirmed.monotonic_s)
    if confirmed.wall_s is None or not wall.trusted:
        return now_s
    return max(now_s, wall.unix_s - confirmed.wall_s)
