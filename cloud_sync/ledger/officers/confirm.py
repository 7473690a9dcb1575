"""Asks an officer again who they are before a deed that moves points or a lid; what was typed stays."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from cloud_sync.ledger.communities.register import all_communities
from cloud_sync.ledger.officers import throttle
from cloud_sync.ledger.officers.factor import codes
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.officers.texts import deed_text
from cloud_sync.ledger.stations.names import place_name

CONFIRMED_AT = "confirmed_at"
LASTS_S = 5 * 60.0
TYPED = "confirmation"
"""The form's field that holds the password or the code."""
NOT_KEPT = frozenset({TYPED, "csrfmiddlewaretoken"})


def is_confirmed(session: SessionBase, now: datetime) -> bool:
    """Return whether the officer said who they are within the last minutes."""
    since_s = now.timestamp() - float(session.get(CONFIRMED_AT, 0.0))
    return 0.0 <= since_s <= LASTS_S


def note_confirmed(session: SessionBase, now: datetime) -> None:
    """Remember in a session that the officer has just said who they are."""
    session[CONFIRMED_AT] = now.timestamp()


def ask_again(request: HttpRequest, deed: Deed) -> HttpResponse | None:
    """Return a page that asks for the password, or for the phone's code, and keeps the form; else None.

    A right answer makes the form go on at once: nothing is typed twice.
    """
    now = timezone.now()
    if is_confirmed(request.session, now):
        return None
    user = request.user
    assert isinstance(user, User)  # noqa: S101 (officers are; the guard let them in)
    if TYPED not in request.POST:
        return _page(request, user, deed)
    account, address = user.get_username(), request.META.get("REMOTE_ADDR", "")
    has_phone = codes.device_of(user) is not None
    tries = throttle.CODES if has_phone else throttle.SIGN_IN
    try:
        with tries.attempt(account, address):
            typed = request.POST[TYPED]
            is_right = bool(codes.check(user, typed, now)) if has_phone else user.check_password(typed)
    except throttle.TryLaterError as later:
        answer = _page(request, user, deed, wait_s=later.wait_s)
        answer.status_code = HTTPStatus.TOO_MANY_REQUESTS
        answer.headers["Retry-After"] = str(later.wait_s)
        return answer
    if not is_right:
        return _page(request, user, deed, is_wrong=True)
    tries.succeeded(account, address)
    note_confirmed(request.session, now)
    return None


def _page(
    request: HttpRequest, user: User, deed: Deed, *, is_wrong: bool = False, wait_s: int = 0
) -> HttpResponse:
    kept = [
        (name, value) for name, values in request.POST.lists() if name not in NOT_KEPT for value in values
    ]
    shown = {
        "place": place_name(all_communities()),
        "deed": deed_text(deed),
        "kept": kept,
        "name": user.get_username(),
        "by_code": codes.device_of(user) is not None,
        "typed_name": TYPED,
        "is_wrong": is_wrong,
        "wait_s": wait_s,
    }
    return render(request, "confirm.html", shown)
