"""The API's paths by which programs read."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router

from cloud_sync.ledger.api.errors import failures
from cloud_sync.ledger.fleet.status import standing_of, standings_after
from cloud_sync.ledger.fleet.waiting import open_after
from cloud_sync.ledger.points.models import Account, AccountKind
from cloud_sync.ledger.tokens.answers import (
    A_PAGE,
    MOST,
    AlarmAnswer,
    AlarmPageAnswer,
    BalanceAnswer,
    BalancePageAnswer,
    StationAnswer,
    StationPageAnswer,
)
from cloud_sync.ledger.tokens.auth import TokenAuth, community_of
from cloud_sync.ledger.tokens.register import TokenScope
from config.errors import InputError

router = Router(tags=["reading"])
LARGEST = 2**53
SLUG = r"^[a-z0-9-]+$"
FAILURES = failures(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
Place = Annotated[str, Path(pattern=SLUG, max_length=32, description="The community's slug")]
Named = Annotated[str, Path(pattern=SLUG, max_length=32, description="The station's slug")]
After = Annotated[int, Query(ge=0, le=LARGEST, description="The `next` of the last answer")]
Most = Annotated[int, Query(ge=1, le=MOST, description="At most so many")]


@router.get(
    "/communities/{community}/stations",
    response=StationPageAnswer,
    openapi_extra=FAILURES,
    auth=TokenAuth(TokenScope.STATIONS),
)
def read_stations(
    request: HttpRequest,
    community: Place,
    after: Annotated[str, Query(max_length=32, pattern=r"^[a-z0-9-]*$")] = "",
    limit: Most = A_PAGE,
) -> StationPageAnswer:
    """Return the stations in service, by slug, and what each says of itself."""
    found = standings_after(community_of(request, community), after, limit + 1, timezone.now())
    items = [StationAnswer.of(one) for one in found[:limit]]
    return StationPageAnswer(items=items, next=items[-1].slug if len(found) > limit else None)


@router.get(
    "/communities/{community}/stations/{station}",
    response=StationAnswer,
    openapi_extra=FAILURES,
    auth=TokenAuth(TokenScope.STATIONS),
)
def read_station(
    request: HttpRequest,
    community: Place,
    station: Named,
) -> StationAnswer:
    """Return one station in service, and what it says of itself."""
    try:
        return StationAnswer.of(standing_of(community_of(request, community), station, timezone.now()))
    except InputError:
        raise Http404 from None


@router.get(
    "/communities/{community}/alarms",
    response=AlarmPageAnswer,
    openapi_extra=FAILURES,
    auth=TokenAuth(TokenScope.ALARMS),
)
def read_alarms(
    request: HttpRequest, community: Place, after: After = 0, limit: Most = A_PAGE
) -> AlarmPageAnswer:
    """Return the open alarms of stations and of the community's line, by number."""
    found = open_after(community_of(request, community), after, limit + 1, timezone.now())
    items = [AlarmAnswer.of(one) for one in found[:limit]]
    return AlarmPageAnswer(items=items, next=items[-1].number if len(found) > limit else None)


@router.get(
    "/communities/{community}/balances",
    response=BalancePageAnswer,
    openapi_extra=FAILURES,
    auth=TokenAuth(TokenScope.BALANCES),
)
def read_balances(
    request: HttpRequest, community: Place, after: After = 0, limit: Most = A_PAGE
) -> BalancePageAnswer:
    """Return households' points, under their codes and without names."""
    rows = Account.objects.filter(community=community_of(request, community), kind=AccountKind.HOUSEHOLD)
    found = list(rows.filter(pk__gt=after).select_related("household").order_by("pk")[: limit + 1])
    items = [BalanceAnswer.of(one) for one in found[:limit]]
    return BalancePageAnswer(items=items, next=found[limit - 1].pk if len(found) > limit else None)
