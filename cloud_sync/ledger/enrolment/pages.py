"""The office's page on which a station is added: a code as text and as a QR, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_POST, require_safe

from cloud_sync.ledger.enrolment import invitations, qr
from cloud_sync.ledger.enrolment.invitations import CodeStanding
from cloud_sync.ledger.enrolment.models import Invitation
from cloud_sync.ledger.keys import read_signing_key
from cloud_sync.ledger.officers.grants import rights_of, seen_by
from cloud_sync.ledger.officers.guard import permitted
from cloud_sync.ledger.officers.register import called
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.statement.texts import moment
from cloud_sync.ledger.stations.models import Community
from cloud_sync.ledger.stations.names import community_name, place_name, station_name
from config.errors import InputError

STANDINGS: dict[CodeStanding, str] = {
    CodeStanding.OPEN: gettext_noop("Waits for the station."),
    CodeStanding.USED: gettext_noop("Used: the station has its keys."),
    CodeStanding.EXPIRED: gettext_noop("Not used within 15 minutes."),
    CodeStanding.TAKEN_BACK: gettext_noop("Taken back, or replaced by a newer one."),
    CodeStanding.WRONG: gettext_noop("Ended: it was tried wrongly five times."),
}


@dataclass(frozen=True, slots=True)
class ListedCode:
    """A code in the list: never its text, which is shown once."""

    station: str
    place: str
    made: str
    by: str
    reason: str
    standing: CodeStanding
    said: str
    take_back_url: str
    """Empty if there is nothing to take back."""


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code that was just made."""

    station: str
    text: str
    picture: SafeString
    until: datetime
    until_said: str
    standing_url: str


@permitted(Deed.ADD_STATION)
@require_safe
def enrolment(request: HttpRequest) -> HttpResponseBase:
    """Show the form that makes a code, and what became of the codes of the last day."""
    return _page(request)


@permitted(Deed.ADD_STATION)
@require_POST
def invite_station(request: HttpRequest, community: Community) -> HttpResponseBase:
    """Make a code and show it, this once; on a mistake the form again, with what is wrong."""
    sent, now = request.POST, timezone.now()
    try:
        public = read_signing_key(settings.LEDGER.state_dir).public_key().public_bytes_raw()
        place = invitations.place_of(settings.LEDGER, public)
    except InputError:
        return _page(
            request,
            gettext("Stations cannot reach this ledger safely. Ask its administrator about public_url."),
        )
    try:
        made = invitations.invite(
            community,
            sent.get("station", ""),
            place,
            by=called(request.user),
            reason=sent.get("reason", ""),
            now=now,
            name_zh=sent.get("name_zh", ""),
            name_en=sent.get("name_en", ""),
        )
    except InputError:
        wrong = gettext(
            "Nothing was made. A short name has lower-case letters, digits and hyphens; the reason is one "
            "line; a retired station needs a new name."
        )
        return _page(request, wrong)
    shown = ShownCode(
        station_name(made.row.station),
        made.code.text(),
        mark_safe(qr.as_svg(made.code)),  # noqa: S308 (segno's own drawing)
        made.row.expires_at,
        f"{made.row.expires_at.astimezone(ZoneInfo(community.timezone)):%H:%M}",
        reverse("office-code-standing", args=[community.slug, made.row.number]),
    )
    return render(request, "enrolment_code.html", {"place": community_name(community), "made": shown})


@permitted(Deed.ADD_STATION)
@require_POST
def take_code_back(request: HttpRequest, community: Community, number: str) -> HttpResponseBase:
    """End a code that is open; one that is over stays as it is."""
    invitations.take_back(community, number, called(request.user), timezone.now())
    return HttpResponseRedirect(reverse("office-enrolment"))


@permitted(Deed.ADD_STATION)
@require_safe
def code_standing(request: HttpRequest, community: Community, number: str) -> HttpResponseBase:
    """Say as JSON what has become of a code; its page asks every few seconds."""
    del request
    row = get_object_or_404(Invitation, station__community=community, number=number)
    stands = invitations.standing(row, timezone.now())
    return JsonResponse({"standing": stands, "said": gettext(STANDINGS[stands])})


def _page(request: HttpRequest, wrong: str = "") -> HttpResponse:
    communities = seen_by(rights_of(request.user), Deed.ADD_STATION)
    now = timezone.now()
    shown = {
        "place": place_name(communities),
        "communities": [(one.slug, community_name(one)) for one in communities],
        "codes": [_listed(row, now) for row in invitations.lately(communities, now)],
        "wrong": wrong,
        "typed": request.POST,
    }
    return render(request, "enrolment.html", shown, status=422 if wrong else 200)


def _listed(row: Invitation, now: datetime) -> ListedCode:
    community = row.station.community
    stands = invitations.standing(row, now)
    is_open = stands is CodeStanding.OPEN
    return ListedCode(
        station_name(row.station),
        community_name(community),
        moment(row.made_at, now, ZoneInfo(community.timezone)),
        row.by,
        row.reason,
        stands,
        gettext(STANDINGS[stands]),
        reverse("office-take-code-back", args=[community.slug, row.number]) if is_open else "",
    )
