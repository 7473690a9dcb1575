"""The office's page of one station's commands: buttons, and what came of the last ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from cloud_sync.ledger.commanding.models import Command, CommandState
from cloud_sync.ledger.commanding.orders import LID_VERBS, lately, make_command, new_form
from cloud_sync.ledger.commanding.texts import (
    PART_TEXTS,
    PROMPT_TEXTS,
    VERB_TEXTS,
    about_text,
    outcome_text,
)
from cloud_sync.ledger.fleet.status import standing_of
from cloud_sync.ledger.officers.grants import rights_of
from cloud_sync.ledger.officers.guard import permitted
from cloud_sync.ledger.officers.register import called
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.stations.models import Community, Station
from cloud_sync.ledger.stations.names import community_name, station_name
from config.errors import InputError

MOST = 64
"""Letters of a form's key, and of what a command is about."""


@dataclass(frozen=True, slots=True)
class Button:
    """A command that may be given: its form, and what it may be about."""

    verb: str
    label: str
    url: str
    form: str
    choices: tuple[tuple[str, str], ...] = ()
    """Values and words to choose from; none for a bin, whose name is typed, and for what needs nothing."""
    is_about_bin: bool = False
    is_asked_again: bool = False


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A command that was given."""

    what: str
    about: str
    who: str
    why: str
    at: str
    outcome: str
    state: str
    """Which mark is shown: done, failed or under_way."""


@permitted(Deed.SEE_STATIONS)
@require_safe
def commands(request: HttpRequest, community: Community, station: str) -> HttpResponseBase:
    """Show what may be commanded, and the last commands with their outcome; 404 for an unknown station."""
    return _page(request, community, _find(community, station))


@permitted(Deed.COMMAND_LID)
@require_POST
def command_lid(request: HttpRequest, community: Community, station: str) -> HttpResponseBase:
    """Open or shut a lid."""
    return _give(request, community, _find(community, station), LID_VERBS)


@permitted(Deed.COMMAND_STATION)
@require_POST
def command_station(request: HttpRequest, community: Community, station: str) -> HttpResponseBase:
    """Give a command that moves no lid."""
    return _give(request, community, _find(community, station), VERB_TEXTS.keys() - LID_VERBS)


def _give(
    request: HttpRequest, community: Community, station: Station, verbs: frozenset[str] | set[str]
) -> HttpResponseBase:
    """Make the command of a form, then show it; a form that is wrong is shown with what mends it."""
    form = request.POST.get("form", "")[:MOST] or new_form()
    verb = request.POST.get("verb", "")
    if verb not in verbs:
        raise Http404
    about = request.POST.get("about", "").strip()[:MOST]
    reason = request.POST.get("reason", "")
    try:
        make_command(
            station, verb, about, form=form, issuer=called(request.user), reason=reason, now=timezone.now()
        )
    except InputError:
        return _page(request, community, station, wrong=verb)
    return HttpResponseRedirect(reverse("office-commands", args=[community.slug, station.slug]) + "#given")


def _page(request: HttpRequest, community: Community, station: Station, wrong: str = "") -> HttpResponseBase:
    rows = [_row(command, ZoneInfo(community.timezone)) for command in lately(station, timezone.now())]
    shown = {
        "place": community_name(community),
        "station": station_name(station),
        "buttons": _buttons(request, community, station) if station.active else [],
        "rows": rows,
        "wrong": wrong,
        "station_url": reverse("station", args=[community.slug, station.slug]),
        "bins": _bins(station),
        "now": int(timezone.now().timestamp()),
        "refreshes": any(row.state == "under_way" for row in rows),
    }
    status = HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK
    return render(request, "commands.html", shown, status=status)


def _bins(station: Station) -> list[str]:
    """Return the names of a station's bins, as it said them last."""
    if not station.active:
        return []
    return [bin_.id for bin_ in standing_of(station.community, station.slug, timezone.now()).words.bins]


def _buttons(request: HttpRequest, community: Community, station: Station) -> list[Button]:
    rights = rights_of(request.user)
    there = [community.slug, station.slug]
    urls = {
        Deed.COMMAND_LID: reverse("office-command-lid", args=there),
        Deed.COMMAND_STATION: reverse("office-command-station", args=there),
    }
    choices = {"restart": PART_TEXTS, "say": PROMPT_TEXTS}
    found = []
    for verb, label in VERB_TEXTS.items():
        deed = Deed.COMMAND_LID if verb in LID_VERBS else Deed.COMMAND_STATION
        if rights.may(deed, community.pk):
            offered = tuple((value, gettext(text)) for value, text in choices.get(verb, {}).items())
            found.append(
                Button(
                    verb,
                    gettext(label),
                    urls[deed],
                    new_form(),
                    offered,
                    is_about_bin=verb in LID_VERBS,
                    is_asked_again=deed.asks_again,
                )
            )
    return found


def _row(command: Command, zone: ZoneInfo) -> CommandRow:
    return CommandRow(
        what=gettext(VERB_TEXTS[command.verb]),
        about=about_text(command),
        who=command.issuer,
        why=command.reason,
        at=_at(command.made_at, zone),
        outcome=outcome_text(command),
        state=_mark(command),
    )


def _mark(command: Command) -> str:
    if command.ended_at is None:
        return "under_way"
    return "done" if command.state == CommandState.ANSWERED and not command.why else "failed"


def _at(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _find(community: Community, slug: str) -> Station:
    found = Station.objects.select_related("community").filter(community=community, slug=slug).first()
    if found is None:
        raise Http404
    return found
