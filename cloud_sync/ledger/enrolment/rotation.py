"""A station changes its key and its login at the broker by itself: its old key signs the request."""

from __future__ import annotations

import hmac
import logging
from datetime import datetime

from cloud_sync.ledger.enrolment import succession
from cloud_sync.ledger.enrolment.models import Succession
from cloud_sync.ledger.enrolment.redeeming import EnrolRefusal, Refused, RefusedError, give
from cloud_sync.ledger.points.posting import atomically
from cloud_sync.ledger.stations.models import Station
from cloud_sync.wire.enrolment import EnrolmentError, Request, open_request
from config.ledger import LedgerSettings

log = logging.getLogger(__name__)


def rotate(station: Station, message: bytes, settings: LedgerSettings, now: datetime) -> bytes:
    """Return the answer to a station's request; RefusedError for one that gets none.

    The caller has checked that a key of the station signed the request. The same request gets the same answer
    until the new key was heard. InputError if the ledger's own keys or files cannot be read.
    """
    try:
        request = open_request(message)
    except EnrolmentError as error:
        log.info("a new key of %s cannot be read: %s", station, error)
        raise RefusedError(EnrolRefusal.UNREADABLE) from None
    succession.look(now)  # the last new key may have been heard since a worker looked
    decided = _decide(station.pk, request, settings, now)
    if isinstance(decided, Refused):
        log.warning("a new key of %s is refused: %s", station, decided.why.value)
        raise RefusedError(decided.why)
    return decided


@atomically
def _decide(pk: int, request: Request, settings: LedgerSettings, now: datetime) -> bytes | Refused:
    Station.objects.select_for_update().get(pk=pk)
    station = Station.objects.select_related("community").get(pk=pk)
    if (request.body.community, request.body.station) != (station.community.slug, station.slug):
        return Refused(EnrolRefusal.OTHER_STATION)
    if not station.active:
        return Refused(EnrolRefusal.RETIRED)
    pending = Succession.objects.filter(key__station=station, over_at=None)
    for row in pending:
        if row.answer and hmac.compare_digest(row.request, request.digest):
            return bytes(row.answer)
    if pending.exists():
        return Refused(EnrolRefusal.UNHEARD)
    given = give(station, request, settings, now)
    if isinstance(given, Refused):
        return given
    key, answer = given
    succession.keep_answer(key, request.digest, answer)
    log.info("%s/%s changes to key %s", station.community, station, key)
    return answer
