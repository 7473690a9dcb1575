"""The guard of the office's pages: every one names the deed that it is, and lets in who may do it.

Whatever an officer may not do, or not there, is answered as if it did not exist: 404, as for an unknown
community.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from cloud_sync.ledger.audit.acting import acting
from cloud_sync.ledger.officers.confirm import ask_again
from cloud_sync.ledger.officers.factor import codes
from cloud_sync.ledger.officers.grants import rights_of
from cloud_sync.ledger.officers.register import called
from cloud_sync.ledger.officers.rights import Deed, Rights
from cloud_sync.ledger.officers.sign_in import View, with_origin
from cloud_sync.ledger.stations.models import Community

SAFE = ("GET", "HEAD")
GUARDED_BY = "guarded_by"
"""Attribute of a guarded view: the deed."""


def permitted(deed: Deed) -> Callable[[View], View]:
    """Let in officers who may do a deed; a view of an address with a community gets that Community.

    An address without a community is open to who may do the deed anywhere; its view shows only communities
    of `seen_by`. Signed-out visitors are led to the sign-in page. A form of a deed that asks again who the
    officer is comes to the view only after that. Before all this comes the second factor, for officers who
    have one or must have one.
    """

    def make(view: View) -> View:
        @with_origin
        @wraps(view)
        def respond(request: HttpRequest, **given: Any) -> HttpResponseBase:  # noqa: ANN401 (any view's)
            if not isinstance(request.user, User):
                return redirect_to_login(_came_for(request))
            rights = rights_of(request.user)
            if not rights.grants:
                return render(request, "no_role.html", status=HTTPStatus.NOT_FOUND)
            if not codes.is_given(request.session, request.user, rights):
                return HttpResponseRedirect(_for_the_code(request))
            there = [_allowed(rights, deed, given.pop("community"))] if "community" in given else []
            if not there and not may_anywhere(rights, deed):
                raise Http404
            if deed.asks_again and request.method not in SAFE and (page := ask_again(request, deed)):
                return page
            why = request.POST.get("reason", "") if request.method not in SAFE else ""
            with acting(called(request.user), " ".join(why.split()) or deed.value):
                return view(request, *there, **given)

        setattr(respond, GUARDED_BY, deed)
        return respond

    return make


def may_anywhere(rights: Rights, deed: Deed) -> bool:
    """Return whether an officer may do a deed in the town or in any community."""
    return rights.may(deed, None) or any(rights.may(deed, place) for _, place in rights.grants)


def _allowed(rights: Rights, deed: Deed, slug: str) -> Community:
    """Return the community of that slug; 404 if it is unknown or the deed is not allowed there."""
    found = Community.objects.filter(slug=slug).first()
    if found is None or not rights.may(deed, found.pk):
        raise Http404
    return found


def _for_the_code(request: HttpRequest) -> str:
    """Return the address of the second factor's page, which leads back to where the officer was going."""
    return f"{reverse('office-second-factor')}?{urlencode({'next': _came_for(request)})}"


def _came_for(request: HttpRequest) -> str:
    """Return where to go after the sign-in: the page, or for a form, which is not sent again, the office."""
    return request.get_full_path() if request.method in SAFE else reverse("office")
