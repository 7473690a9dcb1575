"""Which line is cut: groups stations that fell silent together, so that one alarm names the cause. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

TOGETHER_S = 120.0
"""Stations that fell silent within this time fell silent together."""
OF_A_COMMUNITY, OF_THE_TOWN = 0.6, 0.3
"""Shares of stations that fell silent together, from which on their line is the cause."""
FEWEST = 2
"""Stations of a group: one alone has its own alarm."""
RETURNING_S = 180.0
"""A station that is heard again still counts with its group for so long: they return one by one."""


@dataclass(frozen=True, slots=True)
class HeardStation:
    """A station that was heard before; times in seconds of one clock."""

    station: int
    community: int
    gone_s: float | None
    """Since when it is silent, or was in its last silence."""
    back_s: float | None
    """When that silence ended; None while it lasts."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A cause of silence: the town's (both None), a community's line, or a station of its own."""

    community: int | None
    station: int | None
    silent: int
    """Stations that it silences now."""
    of: int
    """Stations that were heard before, in the town or community."""


def find_cuts(stations: Collection[HeardStation], now_s: float) -> list[Cut]:
    """Return the fewest causes that explain all silence at `now_s`.

    A station that fell silent a moment ago has no alarm of its own yet: others may follow.
    """
    gone = [one for one in stations if _counts(one, now_s)]
    found: list[Cut] = []
    group = _largest_group(gone)
    is_wide = len({one.community for one in group}) > 1
    if is_wide and len(group) >= OF_THE_TOWN * len(stations):
        gone = _explained(gone, group, Cut(None, None, 0, len(stations)), found)
    for community in sorted({one.community for one in gone}):
        theirs = [one for one in gone if one.community == community]
        count = sum(one.community == community for one in stations)
        group = _largest_group(theirs)
        if len(group) >= max(FEWEST, OF_A_COMMUNITY * count):
            gone = _explained(gone, group, Cut(community, None, 0, count), found)
    alone = [one for one in gone if one.back_s is None and one.gone_s is not None]
    found += [
        Cut(one.community, one.station, 1, 1) for one in alone if now_s - (one.gone_s or 0.0) >= TOGETHER_S
    ]
    return found


def _counts(one: HeardStation, now_s: float) -> bool:
    return one.gone_s is not None and (one.back_s is None or now_s - one.back_s < RETURNING_S)


def _explained(
    gone: Iterable[HeardStation], group: Sequence[HeardStation], cut: Cut, found: list[Cut]
) -> list[HeardStation]:
    """Add a cut for a group if it still silences a station; return those that it does not explain."""
    silent = sum(one.back_s is None for one in group)
    if silent:
        found.append(Cut(cut.community, cut.station, silent, cut.of))
    members = {one.station for one in group}
    return [one for one in gone if one.station not in members]


def _largest_group(gone: Iterable[HeardStation]) -> list[HeardStation]:
    """Return the most stations that fell silent within TOGETHER_S of each other, the latest such group."""
    ordered = sorted(gone, key=lambda one: one.gone_s or 0.0)
    best: list[HeardStation] = []
    first = 0
    for last, one in enumerate(ordered):
        while (one.gone_s or 0.0) - (ordered[first].gone_s or 0.0) > TOGETHER_S:
            first += 1
        if last - first + 1 >= len(best):
            best = ordered[first : last + 1]
    return best
