"""Name where on the broker each message goes: tz/1/{community}/{station}/ and what it is."""

from __future__ import annotations

_ROOT = "tz/1"


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
    if len(parts) != 5 or "/".join(parts[:2]) != _ROOT or not all(parts[2:4]):  # noqa: PLR2004
        msg = f"{topic[:80]!r} names no station"
        raise ValueError(msg)
    return parts[2], parts[3]
