"""A station asks with its code: the ledger believes its key, and gives it what it needs, once."""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec import structs

from cloud_sync.ledger import keys
from cloud_sync.ledger.enrolment import succession
from cloud_sync.ledger.enrolment.invitations import WRONG_PROOFS, CodeStanding, standing
from cloud_sync.ledger.enrolment.logins import Fresh, draw_login
from cloud_sync.ledger.enrolment.models import MAX_TRIES, Invitation
from cloud_sync.ledger.points.posting import atomically
from cloud_sync.ledger.stations.alarms import Cause, raise_for
from cloud_sync.ledger.stations.models import Station, StationKey
from cloud_sync.ledger.stations.registry import add_station
from cloud_sync.wire.enrolment import EnrolmentError, Given, Request, make_answer, open_request
from config.errors import InputError
from config.ledger import LedgerSettings
from config.reading.files import read_text

log = logging.getLogger(__name__)


class EnrolRefusal(StrEnum):
    """Why a request gets nothing; the word that the station is told."""

    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"
    """No code of that number was ever made here."""
    EXPIRED = "expired"
    USED = "used"
    TAKEN_BACK = "taken_back"
    ENDED = "ended"
    """Wrong proofs ended the code."""
    WRONG = "wrong"
    """The proof is wrong."""
    OTHER_STATION = "other_station"
    """The code is for another station than the sender takes itself for."""
    RETIRED = "retired"
    UNHEARD = "unheard"
    """The station changed its key before, and has not delivered by that one yet."""
    KEY = "key"
    """The key belongs to another station, or was retired."""


class RefusedError(Exception):
    """The request gets nothing; `why` says for which reason."""

    def __init__(self, why: EnrolRefusal) -> None:
        self.why = why
        super().__init__(why.value)


@dataclass(frozen=True, slots=True)
class Refused:
    """A decision that commits what it noted before the caller raises it."""

    why: EnrolRefusal


_OVER = {
    CodeStanding.EXPIRED: EnrolRefusal.EXPIRED,
    CodeStanding.TAKEN_BACK: EnrolRefusal.TAKEN_BACK,
    CodeStanding.WRONG: EnrolRefusal.ENDED,
}


def redeem(message: bytes, settings: LedgerSettings, now: datetime) -> bytes:
    """Return the answer to a station's request; RefusedError for one that gets none.

    The same request gets the same answer until the station was heard. Another one with a used code is refused
    with an alarm; MAX_TRIES wrong proofs end a code with another. InputError if the ledger's own keys or
    files cannot be read: nothing is used up then.
    """
    try:
        request = open_request(message)
    except EnrolmentError as error:
        log.info("an enrolment cannot be read: %s", error)
        raise RefusedError(EnrolRefusal.UNREADABLE) from None
    decided = _decide(request, settings, now)
    if isinstance(decided, Refused):
        log.warning("enrolment %s is refused: %s", request.body.number, decided.why.value)
        raise RefusedError(decided.why)
    return decided


@atomically
def _decide(request: Request, settings: LedgerSettings, now: datetime) -> bytes | Refused:
    row = (
        Invitation.objects.select_for_update(of=("self",))
        .select_related("station__community", "used_by")
        .filter(number=request.body.number)
        .first()
    )
    if row is None:
        return Refused(EnrolRefusal.UNKNOWN)
    stands = standing(row, now)
    if stands is CodeStanding.USED:
        return _again(row, request, now)
    if stands in _OVER:
        return Refused(_OVER[stands])
    if not request.proves(bytes(row.proof_key)):
        return _wrong(row, now)
    return _first(row, request, settings, now)


def _again(row: Invitation, request: Request, now: datetime) -> bytes | Refused:
    """Answer a request that comes again; nobody else gets anything by a used code."""
    if hmac.compare_digest(row.request, request.digest) and row.used_by is not None:
        is_over = succession.is_heard(row.used_by) or not row.answer
        return Refused(EnrolRefusal.USED) if is_over else bytes(row.answer)
    if request.proves(bytes(row.proof_key)):
        detail = f"a code of {row.used_at:%Y-%m-%d %H:%M} UTC came again with another key"
        raise_for(row.station, Cause.ENROLMENT, detail, now)
    return Refused(EnrolRefusal.USED)


def _wrong(row: Invitation, now: datetime) -> Refused:
    row.tries += 1
    if row.tries >= MAX_TRIES:
        row.ended_at, row.ended_by = now, WRONG_PROOFS
        raise_for(row.station, Cause.ENROLMENT, f"{row.tries} wrong proofs ended a code", now)
    row.save(update_fields=["tries", "ended_at", "ended_by"])
    return Refused(EnrolRefusal.WRONG)


def _first(row: Invitation, request: Request, settings: LedgerSettings, now: datetime) -> bytes | Refused:
    station, body = row.station, request.body
    asked = (body.community or station.community.slug, body.station or station.slug)
    if asked != (station.community.slug, station.slug):
        return Refused(EnrolRefusal.OTHER_STATION)
    if not Station.objects.select_for_update().get(pk=station.pk).active:
        return Refused(EnrolRefusal.RETIRED)
    given = give(station, request, settings, now)
    if isinstance(given, Refused):
        return given
    key, answer = given
    row.used_at, row.used_by, row.request, row.answer = now, key, request.digest, answer
    row.save(update_fields=["used_at", "used_by", "request", "answer"])
    log.info("%s/%s enrols with key %s", station.community, station, key)
    return answer


def give(
    station: Station, request: Request, settings: LedgerSettings, now: datetime
) -> tuple[StationKey, bytes] | Refused:
    """Believe a station's new key beside its older ones; return it, and the answer with all it needs.

    Within a transaction, which RefusedError and InputError must roll back.
    """
    try:
        add_station(station.community, station.slug, request.body.key, now)
    except InputError as error:
        log.warning("enrolment of %s: %s", station, error)
        return Refused(EnrolRefusal.KEY)
    key = station.keys.get(public=bytes.fromhex(request.body.key))
    login = draw_login(station, now) if settings.broker.tls_ca is not None else None
    succession.begin(key, now, None if login is None else login.row)
    signing = keys.read_signing_key(settings.state_dir)
    try:
        given = _given(station, settings, signing, login)
        return key, make_answer(signing, request, given, X25519PrivateKey.generate())
    except EnrolmentError as error:
        log.warning("enrolment of %s: %s", station, error)
        raise RefusedError(EnrolRefusal.UNREADABLE) from None  # which rolls the key back


def _given(
    station: Station, settings: LedgerSettings, signing: Ed25519PrivateKey, login: Fresh | None
) -> Given:
    """Return what a station needs; without a login if the broker asks for none."""
    community, broker = station.community, settings.broker
    given = Given(
        community=community.slug,
        station=station.slug,
        name_zh=station.name_zh,
        name_en=station.name_en,
        community_zh=community.name_zh,
        community_en=community.name_en,
        timezone=community.timezone,
        language=community.language,
        card_key=keys.read_card_key(settings.state_dir, community.slug).hex(),
        ledger_key=keys.public_key_hex(signing),
        url=settings.url,
        url_ca=read_text(Path(settings.pages.tls_ca)) if settings.pages.tls_ca else "",
        host=settings.stations_host,
        port=settings.stations.port if broker.tls_ca else broker.port,
    )
    if login is None or broker.tls_ca is None:
        return given
    authority = read_text(Path(broker.tls_ca))
    return structs.replace(given, username=login.row.user, password=login.password, ca=authority)
