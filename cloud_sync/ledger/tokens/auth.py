"""Who reads: the program whose token the request carries, and whether it may read this."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from cloud_sync.ledger.api.errors import ApiError
from cloud_sync.ledger.stations.models import Community
from cloud_sync.ledger.tokens.models import Token
from cloud_sync.ledger.tokens.register import TokenScope, find_token

_CHALLENGE = {"WWW-Authenticate": "Bearer"}
LONGEST = 256


@dataclass(frozen=True, slots=True)
class AskingProgram:
    """The token of a request; `request.auth` of routes that TokenAuth guards."""

    token: Token

    def __str__(self) -> str:
        """Return what its rate of requests is counted under."""
        return f"token {self.token.key}"


class TokenAuth(HttpBearer):
    """Lets in a program whose token counts now and has a scope; `community_of` says where it may read."""

    openapi_description = "A token that an administrator of this ledger made; its scopes say what it reads"

    def __init__(self, scope: TokenScope) -> None:
        super().__init__()
        self._scope = scope

    def __call__(self, request: HttpRequest) -> Any:  # noqa: ANN401 (ninja's signature)
        """Return the program; ApiError says why it is not let in."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise _stranger("the request carries no token", "send it as: Authorization: Bearer TOKEN")
        return self.authenticate(request, token.strip())

    def authenticate(self, request: HttpRequest, token: str) -> AskingProgram:  # noqa: ARG002 (ninja's signature)
        """Return the program of this token; ApiError for one that does not count or has not the scope."""
        found = find_token(token[:LONGEST], timezone.now())
        if found is None:
            raise _stranger(
                "the token does not count, or no longer", "ask the ledger's administrator for one"
            )
        if self._scope not in found.scopes.split():
            raise ApiError(
                HTTPStatus.FORBIDDEN,
                f"the token may not read this: it lacks {self._scope}",
                "ask the ledger's administrator for a token with that scope",
            )
        return AskingProgram(found)


def community_of(request: HttpRequest, slug: str) -> Community:
    """Return the community of that slug; Http404 for an unknown one and for one that is not the token's."""
    program: AskingProgram = request.auth  # type: ignore[attr-defined]  # ninja sets what TokenAuth returns
    own = program.token.community_id
    found = Community.objects.filter(slug=slug).first()
    if found is None or own not in {None, found.pk}:
        raise Http404
    return found


def _stranger(error: str, mend: str) -> ApiError:
    return ApiError(HTTPStatus.UNAUTHORIZED, error, mend, _CHALLENGE)
