"""Pages that belong to no app: the front door, health, a community's colours, what is not here."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from cloud_sync.ledger.api.errors import not_found
from cloud_sync.ledger.communities.facts import sorting_of
from cloud_sync.ledger.communities.register import all_communities
from cloud_sync.ledger.stations.models import Community
from cloud_sync.ledger.stations.names import community_name, place_name
from cloud_sync.wire.api import ROOT


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Say what this is; nothing here is anyone's."""
    communities = all_communities()
    names = [community_name(community) for community in communities] if len(communities) > 1 else []
    return render(request, "home.html", {"place": place_name(communities), "places": names})


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
def colours(_request: HttpRequest, community: str) -> HttpResponse:
    """A community's colour for each category, as a stylesheet."""
    sorting = sorting_of(get_object_or_404(Community, slug=community))
    rules = [
        f'[data-category="{category}"] {{ --colour: {face.hex}; }}'
        for category, face in sorting.category.items()
    ]
    return HttpResponse(
        "\n".join(rules), content_type="text/css", headers={"Cache-Control": "public, max-age=3600"}
    )


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 (Django's signature)
    """Show the page for a URL that does not exist, or no longer works; to the API's callers as JSON."""
    if request.path.startswith(f"{ROOT}/"):
        return not_found()
    return render(request, "404.html", status=404)
