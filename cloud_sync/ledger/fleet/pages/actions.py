"""What officers do about alarms: each form is carried out once and leads back to its page with a notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import wraps
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from cloud_sync.ledger.fleet import decisions
from cloud_sync.ledger.fleet.models import StationAlarm
from cloud_sync.ledger.fleet.status import standing_of
from cloud_sync.ledger.office.actions import NOTICE, Notice, back_to
from cloud_sync.ledger.officers.grants import rights_of
from cloud_sync.ledger.officers.guard import permitted
from cloud_sync.ledger.officers.register import called
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.officers.sign_in import View
from cloud_sync.ledger.stations.models import Community, Station
from config.errors import InputError

Act = Callable[[HttpRequest, StationAlarm, Community, datetime], str]


def _of_alarm(deed: Deed) -> Callable[[Act], View]:
    """Make a view of an act about an open alarm: POST only, for who may do it there."""

    def make(act: Act) -> View:
        @permitted(deed)
        @require_POST
        @wraps(act)
        def respond(request: HttpRequest, community: Community, number: int) -> HttpResponseBase:
            try:
                row = _find(request, community, number, deed)
            except InputError:
                text = gettext("Nothing was changed: somebody else has dealt with it meanwhile.")
                return _back(request, Notice(text, failed=True), community, None)
            try:
                notice = Notice(act(request, row, community, timezone.now()))
            except InputError:
                notice = _wrong_form()
            return _back(request, notice, community, row.station)

        return respond

    return make


def _find(request: HttpRequest, community: Community, number: int, deed: Deed) -> StationAlarm:
    """Return the open alarm of this number, of the community or, for who may, of the town."""
    try:
        return decisions.find_open(community, number)
    except InputError:
        if not rights_of(request.user).may(deed, None):
            raise
        return decisions.find_open(None, number)


@_of_alarm(Deed.ACKNOWLEDGE_ALARM)
def acknowledge(request: HttpRequest, row: StationAlarm, community: Community, now: datetime) -> str:
    """Keep an alarm silent until an hour."""
    until = decisions.read_until(request.POST.get("until", ""), ZoneInfo(community.timezone), now)
    decisions.acknowledge(row.pk, until, called(request.user), request.POST.get("reason", ""), now)
    return gettext("The alarm is acknowledged. It speaks again at that hour, or if it comes again.")


@_of_alarm(Deed.CLOSE_ALARM)
def close(request: HttpRequest, row: StationAlarm, community: Community, now: datetime) -> str:
    """Close an alarm."""
    del community
    decisions.close(row.pk, called(request.user), request.POST.get("reason", ""), now)
    return gettext("The alarm is closed.")


@permitted(Deed.ACKNOWLEDGE_ALARM)
@require_POST
def maintain(request: HttpRequest, community: Community, slug: str) -> HttpResponseBase:
    """Begin or end a station's maintenance; 404 for an unknown station."""
    now, by = timezone.now(), called(request.user)
    try:
        station = standing_of(community, slug, now).station
    except InputError:
        raise Http404 from None
    try:
        if "end" in request.POST:
            decisions.end_maintenance(station, by, now)
            notice = Notice(gettext("The maintenance is over: alarms of this station speak again."))
        else:
            until = decisions.read_until(request.POST.get("until", ""), ZoneInfo(community.timezone), now)
            decisions.begin_maintenance(station, until, by, request.POST.get("reason", ""), now)
            notice = Notice(gettext("Alarms of this station are silent until that hour."))
    except InputError:
        notice = _wrong_form()
    return _back(request, notice, community, station)


def _wrong_form() -> Notice:
    text = gettext(
        "Give a reason in one line, of 200 characters at most, and an hour within the next 30 days."
    )
    return Notice(text, failed=True)


def _back(
    request: HttpRequest, notice: Notice, community: Community, station: Station | None
) -> HttpResponseRedirect:
    request.session[NOTICE] = asdict(notice)
    query = back_to(request)
    page = reverse("stations") if station is None else reverse("station", args=[community.slug, station.slug])
    return HttpResponseRedirect(page + (f"?{urlencode(query)}" if query else ""))
