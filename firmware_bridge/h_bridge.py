"""Commands of a motor's H-bridge: one direction at a time, with a rest before it reverses. Pure.

A motor that is reversed while it runs draws twice its stall current; a geared motor stops within REST_S.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto
from math import inf

REST_S = 0.1


class Drive(StrEnum):
    """The direction in which a motor drives its lid."""

    OFF = auto()
    OPEN = auto()
    SHUT = auto()


@dataclass(frozen=True, slots=True)
class Bridge:
    """What the bridge does, its last direction, and since when it is off."""

    drive: Drive = Drive.OFF
    last: Drive = Drive.OFF
    off_since: float = -inf


def command(bridge: Bridge, wanted: Drive, now: float) -> Bridge:
    """Return the bridge as near to `wanted` as allowed now; if it differs, call again at `rest_ends`."""
    if wanted is bridge.drive:
        return bridge
    if bridge.drive is not Drive.OFF:
        bridge = Bridge(Drive.OFF, bridge.drive, now)
    turns_round = wanted is not bridge.last
    if wanted is Drive.OFF or (turns_round and now < rest_ends(bridge)):
        return bridge
    return Bridge(wanted, wanted, bridge.off_since)


def rest_ends(bridge: Bridge) -> float:
    """Return when a bridge that is off may drive in either direction."""
    return bridge.off_since + REST_S
