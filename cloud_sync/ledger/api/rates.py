"""How often one caller may ask: counted in each process, by station, by signed-in caller, or by address."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.throttling import SimpleRateThrottle

from cloud_sync.ledger.officers.throttle import network

ORDINARY = "120/m"
"""Of one caller. A station asks every ten minutes, and after each change."""


class CallerRate(SimpleRateThrottle):
    """Counts a caller's requests; those of strangers by the network that one subscriber has."""

    def __init__(self, rate: str = ORDINARY, scope: str = "api") -> None:
        self.scope = scope
        super().__init__(rate)

    def get_cache_key(self, request: HttpRequest) -> str:
        """Return what this request is counted under."""
        caller = getattr(request, "auth", None) or network(request.META.get("REMOTE_ADDR", ""))
        return self.cache_format % {"scope": self.scope, "ident": str(caller).replace(" ", "-")}
