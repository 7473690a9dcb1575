"""What station and ledger agree on about HTTPS requests: paths, header names, bounds. Pure.

A station signs each request (RFC 9421) with its own key; `cloud_sync.transport.signed_http` does both ends.
docs/protocol.md describes the exchange.
"""

from __future__ import annotations

import msgspec

ROOT = "/api/v1"
STATION = "/station"
"""Where a station's own requests are, below ROOT."""
WHOAMI = f"{STATION}/whoami"

NONCE = "Tongzhan-Nonce"
"""Answer header: what the next request's signature must carry as its `nonce`."""
NONCE_S = 15 * 60
"""How long a nonce is good, by the ledger's clock."""
TAG = "tongzhan-station"
"""`tag` of a station's signatures: one made for another purpose is no request."""


def publication(kind: str, have: int) -> str:
    """Return the path of a kind of publication for a station that holds version `have`."""
    return f"{STATION}/published/{kind}?have={have}"


MAX_BODY_BYTES = 64 * 1024
"""Longest body of a request, unless a path states another."""
MAX_ERROR_BYTES = 4 * 1024
"""Longest answer to a request that failed."""


class Asker(msgspec.Struct, frozen=True):
    """Whom the ledger takes the caller for; the answer at WHOAMI."""

    community: str
    station: str
    key: str
