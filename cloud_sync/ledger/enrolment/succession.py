"""A station's new key takes the place of its older ones: at the first batch it signed, or after a day."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Max

from cloud_sync.ledger.enrolment.logins import prove_login
from cloud_sync.ledger.enrolment.models import BrokerLogin, Invitation, Succession
from cloud_sync.ledger.points.models import SignedBatch
from cloud_sync.ledger.points.posting import atomically
from cloud_sync.ledger.stations.models import StationKey
from cloud_sync.ledger.stations.registry import retire_keys

log = logging.getLogger(__name__)

BOTH_BELIEVED = timedelta(hours=24)
"""How long older keys are believed beside a new one that is not heard."""
SLACK = 10_000
"""Rows of batches that may become visible after later ones: workers commit in any order."""


def begin(key: StationKey, now: datetime, login: BrokerLogin | None = None) -> Succession:
    """Let a new key take the place of its station's older ones once it is heard. Within a transaction."""
    last = SignedBatch.objects.aggregate(last=Max("pk"))["last"] or 0
    row, _ = Succession.objects.get_or_create(
        key=key, defaults={"since": now, "after_batch": max(0, last - SLACK), "login": login}
    )
    return row


def keep_answer(key: StationKey, request: str, answer: bytes) -> None:
    """Keep the answer that brought a key, for the same request; within a transaction."""
    Succession.objects.filter(key=key).update(request=request, answer=answer)


def is_heard(key: StationKey) -> bool:
    """Return whether a batch by this key has come, since it began to take another's place."""
    row = Succession.objects.filter(key=key).first()
    return row is not None and (row.heard_at is not None or _has_signed(row))


def look(now: datetime) -> list[StationKey]:
    """Retire the older keys and logins of stations whose new key was heard, or is a day old.

    Return the keys that were retired. Any number of workers may call it at once.
    """
    retired: list[StationKey] = []
    for pk in list(Succession.objects.filter(over_at=None).values_list("pk", flat=True)):
        retired += _end(pk, now)
    return retired


@atomically
def _end(pk: int, now: datetime) -> list[StationKey]:
    row = (
        Succession.objects.select_for_update(of=("self",))
        .select_related("key__station__community", "login")
        .filter(pk=pk, over_at=None)
        .first()
    )
    if row is None:
        return []
    heard = _has_signed(row)
    if not heard and now - row.since < BOTH_BELIEVED:
        last = SignedBatch.objects.aggregate(last=Max("pk"))["last"] or 0
        row.after_batch = max(row.after_batch, last - SLACK)
        row.save(update_fields=["after_batch"])
        return []
    row.heard_at, row.over_at = now if heard else None, now
    station = row.key.station
    if heard:
        Invitation.objects.filter(used_by=row.key).update(answer=b"")
        row.answer = b""
        if row.login is not None:
            prove_login(station, row.login.number, now)
    row.save(update_fields=["heard_at", "over_at", "answer"])
    older = list(station.keys.filter(retired_at=None, pk__lt=row.key_id))
    if not station.active or row.key.retired_at is not None:
        return []
    for key in retire_keys(older, now):
        why = "the new one is heard" if heard else "the new one is a day old"
        log.info("%s: key %s is retired: %s (%s)", station, key, why, row.key)
    return older


def _has_signed(row: Succession) -> bool:
    return SignedBatch.objects.filter(
        pk__gt=row.after_batch, station=row.key.station_id, key_id=row.key.key_id
    ).exists()
