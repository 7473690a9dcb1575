"""The office's pages: what waits for a person, read-only, and debts, which an officer may forgive.

All other decisions are commands, which ask who and why; here the officer who signed in is who.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from cloud_sync.ledger.office.debts import debts_page
from cloud_sync.ledger.office.officers import called, is_officer, username
from cloud_sync.ledger.office.page import make_page
from cloud_sync.ledger.office.pending import find_debt
from cloud_sync.ledger.office.throttle import SIGN_IN, TryLaterError
from cloud_sync.ledger.points.corrections import forgive
from cloud_sync.ledger.stations.models import Community
from config.errors import InputError

TOO_MANY_REQUESTS = 429
LONGEST_NAME = 64
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

    def post(self, request: HttpRequest, *given: Any, **named: Any) -> HttpResponse:  # noqa: ANN401 (as above)
        """Check the password, unless too many were tried: then say when to try again."""
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


def for_officers(view: View) -> View:
    """Let only officers of this ledger's community in; the view is given the community too."""

    @with_origin
    @login_required
    @wraps(view)
    def respond(request: HttpRequest, **given: Any) -> HttpResponseBase:  # noqa: ANN401 (any view's)
        community = _community()
        if not is_officer(request.user, community):
            return auth.redirect_to_login(request.path)
        return view(request, community, **given)

    return respond


@for_officers
@require_safe
def office(request: HttpRequest, community: Community) -> HttpResponseBase:
    """What waits for a person."""
    return render(request, "office.html", {"page": make_page(community, timezone.now())})


@for_officers
@require_safe
def debts(request: HttpRequest, community: Community) -> HttpResponseBase:
    """What households owe; `?wrong=` names a debt whose reason would not do."""
    shown = {"page": debts_page(community, timezone.now()), "wrong": request.GET.get("wrong", "")}
    return render(request, "debts.html", shown)


@for_officers
@require_POST
def forgive_debt(request: HttpRequest, community: Community, number: int) -> HttpResponseBase:
    """Let a household off what it owes, for the reason given; the page says what is wrong with one.

    What ended meanwhile is left as it is. 404 for a debt that is not here.
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


def _community() -> Community:
    return get_object_or_404(Community, slug=settings.LEDGER.ledger.community)
