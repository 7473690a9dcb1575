"""Set the mint limit of one station if the community's limit does not fit it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cloud_sync.ledger.audit.write import write
from cloud_sync.ledger.chain import records
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.decisions import decide
from cloud_sync.ledger.stations.models import Community
from cloud_sync.ledger.stations.registry import find_station


@transaction.atomic
def set_mint_limit(
    community: Community, slug: str, points: int | None, by: str, reason: str, now: datetime
) -> int:
    """Set a station's own mint limit, or with None the community's; return the limit from now on.

    A change is recorded as a decision, with who and why. Points that already wait go on waiting.
    InputError if there is no such station.
    """
    station = find_station(community, slug)
    if station.daily_mint_limit != points:
        said = "the community's limit" if points is None else f"{points} points a day"
        decide(community, by, f"station {station}, {said}: {reason}" if reason.strip() else "", now)
        write(station, Deed.CHANGE_STATION, by=by, reason=reason, now=now, daily_mint_limit=points)
        records.register(community.pk, "limit", station, now, by=by.strip())
    return community.daily_mint_limit if points is None else points
