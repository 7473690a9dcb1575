"""Pages that belong to no app: home, health, the city's colours, not found."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.sorting import Sorting


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Say what this site is; the page shows nobody's data."""
    return render(request, "home.html", {"ledger": settings.LEDGER.ledger})


@require_safe
def health(_request: HttpRequest) -> JsonResponse:
    """Answer 200 while the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=503)
    return JsonResponse({"status": "ok"})


@require_safe
def colours(_request: HttpRequest) -> HttpResponse:
    """Return the city's colour for each category as a stylesheet."""
    sorting: Sorting = settings.SORTING
    rules = [
        f'[data-category="{category}"] {{ --colour: {face.hex}; }}'
        for category, face in sorting.category.items()
    ]
    return HttpResponse(
        "\n".join(rules), content_type="text/css", headers={"Cache-Control": "public, max-age=3600"}
    )


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 (Django's signature)
    """Show the page for a URL that does not exist, or no longer works."""
    return render(request, "404.html", status=404)
