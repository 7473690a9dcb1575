"""Name the broker's topics: tz/1/{community}/{station}/ and the kind of message."""

from __future__ import annotations

_ROOT = "tz/1"
MOST_LETTERS = 64
"""Longest name accepted in a topic: twice what a station's name may have."""


def events(community: str, station: str) -> str:
    """Return the topic of a station's signed batches; `+` for either name subscribes to all."""
    return f"{_ROOT}/{community}/{station}/events"


def receipts(community: str, station: str) -> str:
    """Return the retained topic of the ledger's receipts for a station."""
    return f"{_ROOT}/{community}/{station}/receipts"


def state(community: str, station: str) -> str:
    """Return the retained topic of a station's state; its last will goes there too."""
    return f"{_ROOT}/{community}/{station}/state"


def commands(community: str, station: str) -> str:
    """Return the topic of the ledger's commands to a station: at QoS 0, never retained."""
    return f"{_ROOT}/{community}/{station}/commands"


def answers(community: str, station: str) -> str:
    """Return the topic of a station's answers to commands, at QoS 0; `+` subscribes to all."""
    return f"{_ROOT}/{community}/{station}/answers"


def notice(community: str) -> str:
    """Return a community's retained topic of what the ledger publishes and in which version."""
    return f"{_ROOT}/{community}/notice"


def kind_of(topic: str) -> str:
    """Return the kind of message that a topic carries, such as `receipts`: its last part."""
    return topic.rpartition("/")[2]


def station_of(topic: str) -> tuple[str, str]:
    """Return the (community, station) of a topic; ValueError if the topic is not ours."""
    parts = topic.split("/")
    is_ours = len(parts) == 5 and "/".join(parts[:2]) == _ROOT  # noqa: PLR2004
    if not is_ours or not all(0 < len(name) <= MOST_LETTERS for name in parts[2:4]):
        msg = f"{topic[:80]!r} names no station"
        raise ValueError(msg)
    return parts[2], parts[3]
