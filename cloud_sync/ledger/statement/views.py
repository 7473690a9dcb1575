"""A household's statement as a page."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cloud_sync.ledger.site.middleware import language_for
from cloud_sync.ledger.statement.links import household_of
from cloud_sync.ledger.statement.page import make_statement

LONGEST_KEY = 18
"""Digits that fit the database's integers."""


@require_safe
def statement(request: HttpRequest, token: str) -> HttpResponse:
    """Show the statement that a link leads to; 404 for a link that is wrong, too old or taken back."""
    household = household_of(token)
    if household is None:
        raise Http404
    with language_for(request, household.community.language):
        shown = make_statement(household, timezone.now(), _event(request.GET.get("before", "")))
        return render(request, "statement.html", {"statement": shown})


def _event(text: str) -> int | None:
    """Parse an event's key; None for text that is not one."""
    return int(text) if text.isdecimal() and len(text) <= LONGEST_KEY else None
