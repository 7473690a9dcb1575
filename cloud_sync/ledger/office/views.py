"""The office's pages: what waits for a person, and debts."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from cloud_sync.ledger.office.actions import back_to, pop_notice
from cloud_sync.ledger.office.debts import debts_page
from cloud_sync.ledger.office.items import Choice, Shown
from cloud_sync.ledger.office.page import choices_of, make_page
from cloud_sync.ledger.office.pending import find_debt
from cloud_sync.ledger.officers.grants import rights_of, seen_by
from cloud_sync.ledger.officers.guard import permitted
from cloud_sync.ledger.officers.register import called
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.corrections import forgive
from cloud_sync.ledger.stations.models import Community
from config.errors import InputError


@permitted(Deed.SEE_STATIONS)
@require_safe
def office(request: HttpRequest) -> HttpResponseBase:
    """Show what waits for a person, with the outcome of the last action; `?community=` chooses one."""
    shown, choices = chosen_communities(request, Deed.SEE_STATIONS)
    page = make_page(shown, choices, timezone.now())
    return render(request, "office.html", {"page": page, "notice": pop_notice(request)})


@permitted(Deed.SEE_POINTS)
@require_safe
def debts(request: HttpRequest) -> HttpResponseBase:
    """Show what households owe; `?wrong=` names a debt whose reason was not accepted."""
    page = debts_page(*chosen_communities(request, Deed.SEE_POINTS), timezone.now())
    return render(request, "debts.html", {"page": page, "wrong": request.GET.get("wrong", "")})


@permitted(Deed.FORGIVE_DEBT)
@require_POST
def forgive_debt(request: HttpRequest, community: Community, number: int) -> HttpResponseBase:
    """Waive a debt for the reason given; the page says what is wrong with a reason.

    A debt that ended meanwhile stays as it is. 404 for an unknown debt.
    """
    try:
        debt = find_debt(community, number)
    except InputError:
        raise Http404 from None
    query = back_to(request)
    try:
        forgive(debt, called(request.user), request.POST.get("reason", ""), timezone.now())
    except InputError:
        debt.refresh_from_db()
        if debt.left:
            query["wrong"] = str(number)
    asked = f"?{urlencode(query)}" if query else ""
    return HttpResponseRedirect(f"{reverse('office-debts')}{asked}#debt-{number}")


def chosen_communities(request: HttpRequest, deed: Deed) -> tuple[Shown, tuple[Choice, ...]]:
    """Return what the page shows, and what may be chosen; 404 for a community that is not the officer's."""
    rights = rights_of(request.user)
    seen = seen_by(rights, deed)
    chosen = request.GET.get("community", "")
    shown = [community for community in seen if chosen in {"", community.slug}]
    if chosen and not shown:
        raise Http404
    return Shown(tuple(shown), rights, is_filtered=bool(chosen)), choices_of(seen, chosen)
