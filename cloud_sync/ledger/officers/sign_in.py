"""Sign-in to the office."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from cloud_sync.ledger.communities.register import all_communities
from cloud_sync.ledger.officers.confirm import note_confirmed
from cloud_sync.ledger.officers.register import username
from cloud_sync.ledger.officers.throttle import SIGN_IN, TryLaterError
from cloud_sync.ledger.stations.names import place_name

TOO_MANY_REQUESTS = 429
LONGEST_NAME = 64
View = Callable[..., HttpResponseBase]


class OfficerForm(AuthenticationForm):
    """User name and password of an officer."""

    def clean_username(self) -> str:
        """Return the user name as the database has it."""
        return username(self.cleaned_data["username"])


class Login(auth.LoginView):
    """The sign-in page; a wrong password keeps the user name."""

    template_name = "login.html"
    authentication_form = OfficerForm

    def get_context_data(self, **given: Any) -> dict[str, Any]:  # noqa: ANN401 (Django's signature)
        """Return what the template shows."""
        typed = self.request.POST.get("username", "")[:LONGEST_NAME]
        return super().get_context_data(**given) | {"place": place_name(all_communities()), "typed": typed}

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
        answer = super().form_valid(form)
        note_confirmed(self.request.session, timezone.now())
        return answer


def with_origin(view: View) -> View:
    """Allow a same-origin referrer, because Django checks it for forms; other pages send none."""

    @wraps(view)
    def respond(*args: Any, **given: Any) -> HttpResponseBase:  # noqa: ANN401 (any view's)
        response = view(*args, **given)
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    return respond


login = with_origin(Login.as_view())
logout = auth.LogoutView.as_view()
