"""Where communities went and came from, for lists and scripts."""

from __future__ import annotations

from datetime import datetime

from cloud_sync.ledger.moving.models import Arrival, Departure
from cloud_sync.ledger.stations.models import Community


def moves(community: Community) -> list[dict[str, object]]:
    """Return every move of a community that this ledger knows, the oldest first."""
    found: list[dict[str, object]] = [
        {"what": "came", "at": _at(came.came_at), "from_key": came.from_key, **_who(came)}
        for came in Arrival.objects.filter(community=community)
    ]
    for gone in Departure.objects.filter(community=community).order_by("pk"):
        ended = None
        if gone.ended_at is not None:
            ended = {"at": _at(gone.ended_at), "by": gone.ended_by, "reason": gone.ended_reason}
        confirmed = None if gone.confirmed_at is None else _at(gone.confirmed_at)
        row = {"what": "left", "at": _at(gone.left_at), "to": gone.to, "to_key": gone.to_key}
        found.append({**row, **_who(gone), "confirmed_at": confirmed, "undone": ended})
    return found


def move_lines(community: Community) -> list[str]:
    """Return the moves as lines for a person."""
    return [_line(row) for row in moves(community)]


def _line(row: dict[str, object]) -> str:
    end = f"by {row['by']}: {row['reason']}"
    if row["what"] == "came":
        return f"{row['at']}  came from the ledger with the key {row['from_key']}, {end}"
    stands = "confirmed" if row["confirmed_at"] else "undone" if row["undone"] else "not confirmed yet"
    return f"{row['at']}  moved out to {row['to']}, {end} ({stands})"


def _who(row: Arrival | Departure) -> dict[str, object]:
    return {"by": row.by, "reason": row.reason, **row.shown}


def _at(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
