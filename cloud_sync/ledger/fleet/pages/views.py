"""The pages of stations: all of them, and each."""

from __future__ import annotations

from contextlib import suppress

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cloud_sync.ledger.fleet.pages.alarms import proposed_until, zone_of
from cloud_sync.ledger.fleet.pages.history import HowFar
from cloud_sync.ledger.fleet.pages.listing import Filter, list_page
from cloud_sync.ledger.fleet.pages.one import station_page
from cloud_sync.ledger.fleet.status import standing_of
from cloud_sync.ledger.office.actions import pop_notice
from cloud_sync.ledger.office.views import chosen_communities
from cloud_sync.ledger.officers.grants import rights_of
from cloud_sync.ledger.officers.guard import permitted
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.stations.models import Community
from config.errors import InputError

MOST_PAGES = 10_000


@permitted(Deed.SEE_STATIONS)
@require_safe
def stations(request: HttpRequest) -> HttpResponseBase:
    """Show the stations; `?community=`, `?show=` and `?page=` choose among them."""
    shown, choices = chosen_communities(request, Deed.SEE_STATIONS)
    filter_, page = Filter.ALL, 1
    with suppress(ValueError):
        filter_ = Filter(request.GET.get("show", ""))
    with suppress(ValueError):
        page = min(int(request.GET.get("page", "1")[:6]), MOST_PAGES)
    now = timezone.now()
    listed = list_page(shown, choices, filter_, page, now)
    until = proposed_until(now, zone_of(next(iter(shown.communities), None)))
    return render(request, "stations.html", {"page": listed, "until": until, "notice": pop_notice(request)})


@permitted(Deed.SEE_STATIONS)
@require_safe
def station(request: HttpRequest, community: Community, slug: str) -> HttpResponseBase:
    """Show one station; `?span=` chooses how far back its readings go. 404 for an unknown one."""
    span, now = HowFar.DAY, timezone.now()
    with suppress(ValueError):
        span = HowFar(request.GET.get("span", ""))
    try:
        one = standing_of(community, slug, now)
    except InputError:
        raise Http404 from None
    chosen_community = request.GET.get("community", "")
    back = f"?community={community.slug}" if chosen_community == community.slug else ""
    page = station_page(one, rights_of(request.user), back, span, now)
    return render(request, "station.html", {"page": page, "back": back, "notice": pop_notice(request)})
