"""A household's statement as a page."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cloud_sync.ledger.points.statement import household_of, make_statement


@require_safe
def statement(request: HttpRequest, token: str) -> HttpResponse:
    """The statement that a link leads to; 404 for a link that is wrong or too old."""
    household = household_of(token)
    if household is None:
        raise Http404
    before = request.GET.get("before", "")
    shown = make_statement(household, timezone.now(), int(before) if before.isdecimal() else None)
    return render(request, "statement.html", {"statement": shown})
