"""The page that shows the table of rights."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from cloud_sync.ledger.communities.register import all_communities
from cloud_sync.ledger.officers.grants import rights_of
from cloud_sync.ledger.officers.guard import permitted
from cloud_sync.ledger.officers.rights import TABLE, Deed, OfficerRole, Reach
from cloud_sync.ledger.officers.texts import deed_text, role_text
from cloud_sync.ledger.stations.names import community_name, place_name


@dataclass(frozen=True, slots=True)
class RightsCell:
    """Where one role may do one deed."""

    role: str
    reach: Reach
    where: str
    """In words."""


@dataclass(frozen=True, slots=True)
class RightsRow:
    """One deed, and where each role may do it."""

    deed: str
    asks_again: bool
    cells: tuple[RightsCell, ...]


@permitted(Deed.SEE_RIGHTS)
@require_safe
def rights(request: HttpRequest) -> HttpResponseBase:
    """Show the reader's own roles, and the whole table."""
    shown = {
        "place": place_name(all_communities()),
        "roles": [role_text(role) for role in OfficerRole],
        "rows": [_row(deed) for deed in Deed],
        "own": own_roles(request),
    }
    return render(request, "rights.html", shown)


def own_roles(request: HttpRequest) -> list[str]:
    """Return the roles of who is signed in, in words: those of the town first."""
    names = {one.pk: community_name(one) for one in all_communities()}
    grants = rights_of(request.user).grants
    whole_town = gettext("The whole town")
    ordered = sorted(grants, key=lambda grant: (grant[1] is not None, names.get(grant[1] or 0, ""), grant[0]))
    return [f"{role_text(role)} · {whole_town if place is None else names[place]}" for role, place in ordered]


def _row(deed: Deed) -> RightsRow:
    cells = [RightsCell(role_text(role), reach, _where(reach)) for role, reach in TABLE[deed].items()]
    return RightsRow(deed_text(deed), deed.asks_again, tuple(cells))


def _where(reach: Reach) -> str:
    match reach:
        case Reach.NOWHERE:
            return gettext("no")
        case Reach.OWN:
            return gettext("own")
        case Reach.ANYWHERE:
            return gettext("all")
