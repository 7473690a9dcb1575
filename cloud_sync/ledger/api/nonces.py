"""Nonces that make a station's request fresh without a clock at the station.

The ledger gives one out with each answer to a station: random, dated by the ledger's clock and signed with
its secret key, so nothing is stored. A request is fresh while its nonce is good. Within that time it may be
repeated by a thief of the line, who saw its answer anyway; a request that changes something uses its nonce up
(`spend`).
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.core.signing import BadSignature, TimestampSigner
from django.db import IntegrityError, transaction

from cloud_sync.ledger.api.models import SpentNonce
from cloud_sync.wire.api import NONCE_S

_SALT = "tongzhan.station.nonce"


def new_nonce() -> str:
    """Return a nonce that is good from now on."""
    return TimestampSigner(salt=_SALT).sign(secrets.token_hex(8))


def is_good(nonce: str) -> bool:
    """Return whether this ledger gave it out, not longer than NONCE_S ago."""
    try:
        TimestampSigner(salt=_SALT).unsign(nonce, max_age=NONCE_S)
    except BadSignature:
        return False
    return True


def spend(nonce: str, now: datetime) -> bool:
    """Use up a good nonce; False if it was used before. Rows older than any good nonce are removed."""
    SpentNonce.objects.filter(spent_at__lt=now - timedelta(seconds=2 * NONCE_S)).delete()
    try:
        with transaction.atomic():
            SpentNonce.objects.create(nonce=nonce, spent_at=now)
    except IntegrityError:
        return False
    return True
