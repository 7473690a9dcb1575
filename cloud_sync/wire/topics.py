"""Name where on the broker each message goes: tz/1/{community}/{station}/ and what it is."""

from __future__ import annotations

_ROOT = "tz/1"
MOST_LETTERS = 64
"""Of a name that is worth telling of: twice what a station's may have."""


def events(community: str, station: str) -> str:
    """Signed batches, from a station; `+` for either name subscribes to all."""
    return f"{_ROOT}/{community}/{station}/events"


def receipts(community: str, station: str) -> str:
    """What the ledger holds of a station, retained."""
    return f"{_ROOT}/{community}/{station}/receipts"


def state(community: str, station: str) -> str:
    """Whether a station is online and how it is, retained, with a last will."""
    return f"{_ROOT}/{community}/{station}/state"


def station_of(topic: str) -> tuple[str, str]:
    """The (community, station) that a topic names; ValueError for a topic that is not ours."""
    parts = topic.split("/")
    is_ours = len(parts) == 5 and "/".join(parts[:2]) == _ROOT  # noqa: PLR2004
    if not is_ours or not all(0 < len(name) <= MOST_LETTERS for name in parts[2:4]):
        msg = f"{topic[:80]!r} names no station"
        raise ValueError(msg)
    return parts[2], parts[3]
