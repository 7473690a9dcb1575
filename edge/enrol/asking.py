"""Asks the ledger that a code names, once; every way in which that fails has its mend."""

from __future__ import annotations

import json
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

from cloud_sync.wire.enrolment import MAX_ANSWER_BYTES, PATH
from cloud_sync.wire.enrolment_code import EnrolmentCode
from config.errors import InputError
from config.reading.common import LOOPBACK

TIMEOUT_S = 30.0
AGAIN = "then run the same command again: the code is still good"
_OK, _BAD_REQUEST, _SERVER_ERROR = 200, 400, 500


def ask(code: EnrolmentCode, request: bytes, timeout_s: float = TIMEOUT_S) -> bytes:
    """Send a request to the ledger that the code names; return its answer, which is not yet checked.

    InputError if it cannot be reached or refuses.
    """
    if not code.tls and code.host not in LOOPBACK:
        raise InputError(
            f"the code names {code.place} without TLS, and that is not this machine",
            "make another code, once public_url under [pages] of the ledger.toml begins with https://",
        )
    try:
        status, body = _post(code, request, timeout_s)
    except (OSError, HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        what = f"the ledger at {code.place} cannot be reached ({why})"
        raise InputError(what, f"see that this station has a network, {AGAIN}") from None
    if len(body) > MAX_ANSWER_BYTES:
        raise InputError(f"what answers at {code.place} is no ledger of Tongzhan", "see the host in the code")
    if status != _OK:
        raise _refusal(code, status, body)
    return body


def _post(code: EnrolmentCode, request: bytes, timeout_s: float) -> tuple[int, bytes]:
    connection = (
        HTTPSConnection(code.host, code.port, timeout=timeout_s, context=_unverified())
        if code.tls
        else HTTPConnection(code.host, code.port, timeout=timeout_s)
    )
    try:
        connection.request("POST", PATH, request, {"Content-Type": "application/octet-stream"})
        response = connection.getresponse()
        return response.status, response.read(MAX_ANSWER_BYTES + 1)
    finally:
        connection.close()


def _unverified() -> ssl.SSLContext:
    """Return TLS that believes any certificate.

    The code names the ledger's own key, which signs the answer, and the answer is sealed: a certificate would
    add nothing, and a board that has never been on a network has no clock to check one by.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _refusal(code: EnrolmentCode, status: int, body: bytes) -> InputError:
    try:
        said: Any = json.loads(body)
        return InputError(str(said["error"])[:200], str(said["mend"])[:200])
    except (ValueError, KeyError, TypeError):
        what = f"{code.place} answers {status}, as no ledger of Tongzhan does"
        return InputError(what, f"see the host in the code, and the proxy before the ledger, {AGAIN}")
