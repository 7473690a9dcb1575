"""Signed HTTPS requests to the ledger, each bounded in time and bytes.

TLS says that the line is private; what must be believed is signed by the ledger besides. A request is signed
with the station's key and the nonce of the last answer; when the ledger finds that nonce no longer good, it
is signed once more with the nonce of that answer.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import urllib3

from cloud_sync.transport.signed_http import signed
from cloud_sync.wire.api import MAX_ERROR_BYTES, NONCE, ROOT
from cloud_sync.wire.publication import CURRENT
from config.errors import InputError
from config.station import StationCloudSection
from edge.sync.keys import StationIdentity

CONNECT_S = 10.0
WHOLE_S = 60.0
"""How long one request may take with its answer, however slowly it comes."""
_PIECE = 64 * 1024
_AGENT = "tongzhan-station"


class LedgerAwayError(Exception):
    """The ledger cannot be reached, or its answer did not come whole: ask again later."""


class LedgerRefusesError(Exception):
    """The ledger answered that it will not: `error` and `mend` are its words."""

    def __init__(self, status: int, error: str, mend: str) -> None:
        self.status, self.error, self.mend = status, error, mend
        super().__init__(f"{error}; {mend}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: its status (200, or 304 without a body) and its body."""

    status: int
    body: bytes
    nonce: str = ""
    """Of the request that it answers."""
    current: str = ""
    """The ledger's signature that what is held is the present one; see `cloud_sync.wire.publication`."""


class LedgerClient:
    """Asks the ledger as one station. Belongs to one thread; `now` gives monotonic seconds."""

    def __init__(
        self,
        cloud: StationCloudSection,
        sender: StationIdentity,
        now: Callable[[], float],
        *,
        whole_s: float = WHOLE_S,
    ) -> None:
        """Ask `cloud.ledger_url`, which must be set. InputError if its CA file is unusable."""
        self._url = (cloud.ledger_url or "").rstrip("/")
        self._key = sender.keys.signing
        self._now, self._whole_s = now, whole_s
        self._nonce = "none-yet"
        timeout = urllib3.Timeout(connect=min(CONNECT_S, whole_s), read=whole_s)
        self._pool = urllib3.PoolManager(
            num_pools=1, maxsize=1, retries=False, timeout=timeout, ssl_context=_context(cloud.ledger_ca)
        )

    def close(self) -> None:
        """Close the connection."""
        self._pool.clear()

    def ask(self, method: str, path: str, body: bytes = b"", *, kind: str = "", most_bytes: int) -> Answer:
        """Send a request and return its answer; `path` is below ROOT, `kind` is the body's content type.

        LedgerAwayError if none comes whole in time, or it is longer than `most_bytes`; LedgerRefusesError if
        the ledger refuses.
        """
        until = self._now() + self._whole_s
        answer = self._once(method, path, body, kind, until, most_bytes)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            answer = self._once(method, path, body, kind, until, most_bytes)
        if answer.status not in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED}:
            raise _refusal(answer.status, answer.body)
        return answer

    def _once(self, method: str, path: str, body: bytes, kind: str, until: float, most_bytes: int) -> Answer:
        target, nonce = ROOT + path, self._nonce
        headers = signed(self._key, method, target, body, nonce=nonce)
        headers |= {"User-Agent": _AGENT, "Accept": "*/*"} | ({"Content-Type": kind} if kind else {})
        try:
            response = self._pool.request(
                method,
                self._url + target,
                body=body or None,
                headers=headers,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise LedgerAwayError(_reason(error)) from None
        try:
            self._nonce = response.headers.get(NONCE, nonce)
            limit = most_bytes if response.status == HTTPStatus.OK else MAX_ERROR_BYTES
            taken = self._whole(response, until, limit)
            return Answer(response.status, taken, nonce, response.headers.get(CURRENT, ""))
        finally:
            response.release_conn()

    def _whole(self, response: urllib3.BaseHTTPResponse, until: float, limit: int) -> bytes:
        taken = bytearray()
        try:
            while piece := response.read1(_PIECE):
                taken += piece
                if len(taken) > limit:
                    response.close()
                    raise LedgerAwayError(f"its answer is longer than {limit} bytes")
                if self._now() > until:
                    response.close()
                    raise LedgerAwayError(f"its answer took longer than {self._whole_s:g} s")
        except (urllib3.exceptions.HTTPError, OSError) as error:
            response.close()
            raise LedgerAwayError(_reason(error)) from None
        return bytes(taken)


def _context(authority: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authority)
    except (ssl.SSLError, OSError) as error:
        told = f"cloud.ledger_ca {authority} is no CA file ({getattr(error, 'reason', None) or error})"
        raise InputError(told, "put the PEM file of the ledger's certificate authority there") from None


def _reason(error: Exception) -> str:
    return str(error.__cause__ or error) or type(error).__name__


def _refusal(status: int, body: bytes) -> LedgerRefusesError:
    """Return the ledger's words; what is not the ledger's (a proxy's page) is named by its status."""
    try:
        told = json.loads(body)
        return LedgerRefusesError(status, str(told["error"])[:300], str(told["mend"])[:300])
    except (ValueError, KeyError, TypeError):
        mend = "look at [pages] allowed_hosts in the ledger.toml, and at the proxy before it"
        return LedgerRefusesError(status, f"the answer is {status}, and not in the ledger's form", mend)
