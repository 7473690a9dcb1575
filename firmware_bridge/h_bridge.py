"""Commands of a motor's H-bridge: one direction at a time, with a rest before it reverses. Pure.

A motor thrown into reverse draws twice its stall current; a geared one has stopped after REST_S.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto
from math import inf

REST_S = 0.1


class Drive(StrEnum):
    """Where a motor pushes its lid."""

    OFF = auto()
    OPEN = auto()
    SHUT = auto()


@dataclass(frozen=True, slots=True)
class Bridge:
    """What the bridge does, which way it last drove, and since when it is off."""

    drive: Drive = Drive.OFF
    last: Drive = Drive.OFF
    off_since: float = -inf


def command(bridge: Bridge, wanted: Drive, now: float) -> Bridge:
    """The bridge as it may be at `now`; call again at `rest_ends` when it is not as wanted yet."""
    if wanted is bridge.drive:
        return bridge
    if bridge.drive is not Drive.OFF:
        bridge = Bridge(Drive.OFF, bridge.drive, now)
    turns_round = wanted is not bridge.last
    if wanted is Drive.OFF or (turns_round and now < rest_ends(bridge)):
        return bridge
    return Bridge(wanted, wanted, bridge.off_since)


def rest_ends(bridge: Bridge) -> float:
    """When a bridge that is off may drive either way."""
    return bridge.off_since + REST_S
