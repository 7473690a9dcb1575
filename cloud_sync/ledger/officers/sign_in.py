"""Signing in to the office, and keeping everybody else out."""

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

from cloud_sync.ledger.officers.register import is_officer, username
from cloud_sync.ledger.officers.throttle import SIGN_IN, TryLaterError
from cloud_sync.ledger.stations.models import Community

TOO_MANY_REQUESTS = 429
LONGEST_NAME = 64
View = Callable[..., HttpResponseBase]


class OfficerForm(AuthenticationForm):
    """User name and password of an officer of this ledger's community."""

    def clean_username(self) -> str:
        """Return the user name as the database has it."""
        return username(_community(), self.cleaned_data["username"])


class Login(auth.LoginView):
    """The sign-in page; a wrong password keeps the user name."""

    template_name = "login.html"
    authentication_form = OfficerForm

    def get_context_data(self, **given: Any) -> dict[str, Any]:  # noqa: ANN401 (Django's signature)
        """Return what the template shows."""
        typed = self.request.POST.get("username", "")[:LONGEST_NAME]
        return super().get_context_data(**given) | {"ledger": settings.LEDGER.ledger, "typed": typed}

    def post(self, request: HttpRequest, *given: Any, **named: Any) -> HttpResponse:  # noqa: ANN401 (as above)
        """Check the password; after too many tries say when to try again."""
        account = request.POST.get("username", "").strip().lower()[:LONGEST_NAME]
        address = request.META.get("REMOTE_ADDR", "")
        try:
            with SIGN_IN.attempt(account, address):
                answer = super().post(request, *given, **named)
        except TryLaterError as later:
            return self._try_later(later.wait_s)
        if request.user.is_authenticated:
            SIGN_IN.succeeded(account, address)
        return answer

    def _try_later(self, wait_s: int) -> HttpResponse:
        shown = self.get_context_data(form=None, wait_s=wait_s)
        answer = render(self.request, self.template_name, shown, status=TOO_MANY_REQUESTS)
        answer.headers["Retry-After"] = str(wait_s)
        return answer

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Let the officer in, and delete sessions that have expired."""
        self.request.session.clear_expired()
        return super().form_valid(form)


def with_origin(view: View) -> View:
    """Let a form say which page it came from, which Django checks; other pages send no referrer."""

    @wraps(view)
    def respond(*args: Any, **given: Any) -> HttpResponseBase:  # noqa: ANN401 (any view's)
        response = view(*args, **given)
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    return respond


login = with_origin(Login.as_view())
logout = auth.LogoutView.as_view()


def for_officers(view: View) -> View:
    """Let only officers of this ledger's community in, and pass the community to the view."""

    @with_origin
    @login_required
    @wraps(view)
    def respond(request: HttpRequest, **given: Any) -> HttpResponseBase:  # noqa: ANN401 (any view's)
        community = _community()
        if not is_officer(request.user, community):
            return auth.redirect_to_login(request.path)
        return view(request, community, **given)

    return respond


def _community() -> Community:
    return get_object_or_404(Community, slug=settings.LEDGER.ledger.community)
