"""The office's page: what waits for a person, read-only. Decisions are commands, which ask who and why."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cloud_sync.ledger.office.officers import is_officer, username
from cloud_sync.ledger.office.page import make_page
from cloud_sync.ledger.stations.models import Community

View = Callable[..., HttpResponseBase]


class OfficerForm(AuthenticationForm):
    """Name and password of an officer of this ledger's community."""

    def clean_username(self) -> str:
        """The name as the database has it."""
        return username(_community(), self.cleaned_data["username"])


class Login(auth.LoginView):
    """Asks who wants to look."""

    template_name = "login.html"
    authentication_form = OfficerForm

    def get_context_data(self, **given: Any) -> dict[str, Any]:  # noqa: ANN401 (Django's signature)
        """What the page shows."""
        return super().get_context_data(**given) | {"ledger": settings.LEDGER.ledger}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Let the officer in; sessions that are over go."""
        self.request.session.clear_expired()
        return super().form_valid(form)


def with_origin(view: View) -> View:
    """Let a form say which page it came from: under no-referrer a browser hides that from Django too."""

    @wraps(view)
    def respond(*args: Any, **given: Any) -> HttpResponseBase:  # noqa: ANN401 (any view's)
        response = view(*args, **given)
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    return respond


login = with_origin(Login.as_view())
logout = auth.LogoutView.as_view()


@with_origin
@login_required
@require_safe
def office(request: HttpRequest) -> HttpResponseBase:
    """What waits for a person; only for officers of this community."""
    community = _community()
    if not is_officer(request.user, community):
        return auth.redirect_to_login(request.path)
    return render(request, "office.html", {"page": make_page(community, timezone.now())})


def _community() -> Community:
    return get_object_or_404(Community, slug=settings.LEDGER.ledger.community)
