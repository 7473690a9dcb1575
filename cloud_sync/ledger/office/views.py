"""The office's pages: what waits for a person, and debts."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from cloud_sync.ledger.office.actions import pop_notice
from cloud_sync.ledger.office.debts import debts_page
from cloud_sync.ledger.office.page import make_page
from cloud_sync.ledger.office.pending import find_debt
from cloud_sync.ledger.officers.register import called
from cloud_sync.ledger.officers.sign_in import for_officers
from cloud_sync.ledger.points.corrections import forgive
from cloud_sync.ledger.stations.models import Community
from config.errors import InputError


@for_officers
@require_safe
def office(request: HttpRequest, community: Community) -> HttpResponseBase:
    """Show what waits for a person, with the outcome of the action that led here."""
    shown = {"page": make_page(community, timezone.now()), "notice": pop_notice(request)}
    return render(request, "office.html", shown)


@for_officers
@require_safe
def debts(request: HttpRequest, community: Community) -> HttpResponseBase:
    """Show what households owe; `?wrong=` names a debt whose reason was not accepted."""
    shown = {"page": debts_page(community, timezone.now()), "wrong": request.GET.get("wrong", "")}
    return render(request, "debts.html", shown)


@for_officers
@require_POST
def forgive_debt(request: HttpRequest, community: Community, number: int) -> HttpResponseBase:
    """Waive a debt for the reason given; a reason that will not do is named on the page.

    A debt that ended meanwhile stays as it is. 404 for an unknown debt.
    """
    try:
        debt = find_debt(community, number)
    except InputError:
        raise Http404 from None
    wrong = ""
    try:
        forgive(debt, called(request.user), request.POST.get("reason", ""), timezone.now())
    except InputError:
        debt.refresh_from_db()
        wrong = f"?wrong={number}" if debt.left else ""
    return HttpResponseRedirect(f"{reverse('office-debts')}{wrong}#debt-{number}")
