"""Pages that belong to no app: the front door, health, the city's colours, what is not here."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.sorting import Sorting


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Say what this is; nothing here is anyone's."""
    return render(request, "home.html", {"ledger": settings.LEDGER.ledger})


@require_safe
def health(_request: HttpRequest) -> JsonResponse:
    """200 while the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=503)
    return JsonResponse({"status": "ok"})


@require_safe
def colours(_request: HttpRequest) -> HttpResponse:
    """The city's colour for each category, as a stylesheet."""
    sorting: Sorting = settings.SORTING
    rules = [
        f'[data-category="{category}"] {{ --colour: {face.hex}; }}'
        for category, face in sorting.category.items()
    ]
    return HttpResponse(
        "\n".join(rules), content_type="text/css", headers={"Cache-Control": "public, max-age=3600"}
    )


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 (Django's signature)
    """What is shown for an address that leads nowhere, or no longer."""
    return render(request, "404.html", status=404)
