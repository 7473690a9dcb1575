"""What one station may bring in a day, where the community's limit does not fit it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cloud_sync.ledger.chain import records
from cloud_sync.ledger.points.decisions import decide
from cloud_sync.ledger.stations.models import Community
from cloud_sync.ledger.stations.registry import find_station


@transaction.atomic
def set_mint_limit(
    community: Community, slug: str, points: int | None, by: str, reason: str, now: datetime
) -> int:
    """Give a station a limit of its own, or with None the community's; what holds from now on.

    It is a decision, kept with who and why; setting what already holds is none. Points that wait go on
    waiting. InputError if there is no such station.
    """
    station = find_station(community, slug)
    if station.daily_mint_limit != points:
        said = "the community's limit" if points is None else f"{points} points a day"
        decide(community, by, f"station {station}, {said}: {reason}" if reason.strip() else "", now)
        station.daily_mint_limit = points
        station.save(update_fields=["daily_mint_limit"])
        records.register(community.pk, "limit", station, now, by=by.strip())
    return community.daily_mint_limit if points is None else points
