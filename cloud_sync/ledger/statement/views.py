"""A household's statement as a page."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cloud_sync.ledger.statement.links import household_of
from cloud_sync.ledger.statement.page import make_statement

LONGEST_KEY = 18
"""Digits that surely fit the database's integers."""


@require_safe
def statement(request: HttpRequest, token: str) -> HttpResponse:
    """The statement that a link leads to; 404 for a link that is wrong or too old."""
    household = household_of(token)
    if household is None:
        raise Http404
    shown = make_statement(household, timezone.now(), _event(request.GET.get("before", "")))
    return render(request, "statement.html", {"statement": shown})


def _event(text: str) -> int | None:
    """An event's key; None for what cannot be one, as somebody's own typing may well be."""
    return int(text) if text.isdecimal() and len(text) <= LONGEST_KEY else None
