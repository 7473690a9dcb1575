"""The page where an officer sets up a second factor, or gives its code after the password."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import segno
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from cloud_sync.ledger.audit.acting import acting
from cloud_sync.ledger.communities.register import all_communities
from cloud_sync.ledger.officers import throttle
from cloud_sync.ledger.officers.confirm import note_confirmed
from cloud_sync.ledger.officers.factor import codes
from cloud_sync.ledger.officers.grants import rights_of
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.officers.sign_in import with_origin
from cloud_sync.ledger.stations.names import place_name

KEY = "second_factor_key"
"""In a session: the key that its QR code shows, until a code of it was given."""


@with_origin
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponseBase:
    """Ask for a code, or for a phone to be set up; only for who has signed in with the password."""
    user = request.user
    if not isinstance(user, User):
        return redirect_to_login(reverse("office"))
    device = codes.device_of(user)
    if device is not None and request.session.get(codes.FACTOR) == device.pk:
        return HttpResponseRedirect(_next(request))
    if request.method != "POST":
        return _page(request, user)
    try:
        with throttle.CODES.attempt(user.username, request.META.get("REMOTE_ADDR", "")):
            answer = _set_up(request, user) if device is None else _sign_in(request, user)
    except throttle.TryLaterError as later:
        answer = _page(request, user, wait_s=later.wait_s)
        answer.status_code = HTTPStatus.TOO_MANY_REQUESTS
        answer.headers["Retry-After"] = str(later.wait_s)
    return answer


def _sign_in(request: HttpRequest, user: User) -> HttpResponse:
    with acting(user.username, Deed.KEEP_SIGN_IN.value):
        device = codes.check(user, request.POST.get("code", ""), timezone.now())
    if device is None:
        return _page(request, user, is_wrong=True)
    _let_in(request, user, device.pk)
    return HttpResponseRedirect(_next(request))


def _set_up(request: HttpRequest, user: User) -> HttpResponse:
    key, now = request.session.get(KEY), timezone.now()
    if key is None:  # the page was not opened in this session
        return HttpResponseRedirect(request.get_full_path())
    with acting(user.username, Deed.KEEP_SIGN_IN.value):
        made = codes.set_up(user, key, request.POST.get("code", ""), now)
    device = codes.device_of(user)
    if made is None or device is None:
        return _page(request, user, is_wrong=True)
    del request.session[KEY]
    _let_in(request, user, device.pk)
    shown = {"place": place_name(all_communities()), "codes": made, "next": _next(request)}
    return render(request, "recovery_codes.html", shown)


def _let_in(request: HttpRequest, user: User, device: int) -> None:
    throttle.CODES.succeeded(user.username, request.META.get("REMOTE_ADDR", ""))
    request.session.cycle_key()
    request.session[codes.FACTOR] = device
    note_confirmed(request.session, timezone.now())


def _page(request: HttpRequest, user: User, *, is_wrong: bool = False, wait_s: int = 0) -> HttpResponse:
    shown: dict[str, Any] = {
        "place": place_name(all_communities()),
        "is_wrong": is_wrong,
        "wait_s": wait_s,
        "next": _next(request),
    }
    if codes.device_of(user) is not None:
        return render(request, "second_factor.html", shown)
    key = request.session.setdefault(KEY, codes.new_key())
    picture = segno.make(codes.key_address(user, key), error="m")
    shown |= {
        "qr": picture.svg_inline(scale=5, border=4, light="#ffffff", omitsize=True),
        "letters": codes.key_in_letters(key),
        "is_needed": codes.is_needed(rights_of(user)),
    }
    return render(request, "second_factor_setup.html", shown)


def _next(request: HttpRequest) -> str:
    """Return where the officer was going, on this site; else the office."""
    wanted = request.POST.get("next", request.GET.get("next", ""))
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else reverse("office")
