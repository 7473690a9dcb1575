"""The page that shows who did what, for admins and auditors."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from cloud_sync.ledger.audit.listing import TOWN, AuditFilter, audit_page
from cloud_sync.ledger.audit.models import MAX_BY
from cloud_sync.ledger.communities.register import all_communities
from cloud_sync.ledger.officers.grants import rights_of
from cloud_sync.ledger.officers.guard import permitted
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.officers.texts import deed_text
from cloud_sync.ledger.stations.names import community_name, place_name

LONGEST_NUMBER = 18
"""Digits that fit the database's integers."""


@permitted(Deed.READ_AUDIT)
@require_safe
def audit(request: HttpRequest) -> HttpResponseBase:
    """Show entries; `?community=`, `?by=` and `?deed=` choose, `?before=` gives the next page."""
    rights = rights_of(request.user)
    communities = all_communities()
    wanted = _wanted(request.GET)
    seen = [one for one in communities if rights.may(Deed.READ_AUDIT, one.pk)]
    places = [(one.slug, community_name(one)) for one in seen]
    if rights.may(Deed.READ_AUDIT, None):
        places.append((TOWN, gettext("The whole town")))
    if wanted.community and wanted.community not in dict(places):
        raise Http404
    shown = {
        "place": place_name(communities),
        "page": audit_page(rights, {one.pk: one for one in communities}, wanted, timezone.now()),
        "wanted": wanted,
        "places": places if len(places) > 1 else (),
        "deeds": [(deed.value, deed_text(deed)) for deed in Deed],
        "older": _older(request.GET),
    }
    return render(request, "audit.html", shown)


def _wanted(query: QueryDict) -> AuditFilter:
    """Return the filter of an address; 404 for what no link of ours holds."""
    before, deed = query.get("before", ""), query.get("deed", "")
    is_number = before.isdecimal() and before.isascii() and len(before) <= LONGEST_NUMBER
    if (before and not is_number) or (deed and deed not in list(Deed)):
        raise Http404
    by = query.get("by", "").strip()[:MAX_BY]
    return AuditFilter(query.get("community", ""), by, deed, int(before) if before else None)


def _older(query: QueryDict) -> str:
    """Return the query of the next page, without the number that it begins at."""
    kept = query.copy()
    kept.pop("before", None)
    kept.pop("lang", None)
    return kept.urlencode()
