"""A station that enrols in a test: its keys, its code, its request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec import structs

from cloud_sync.ledger import keys
from cloud_sync.ledger.enrolment.invitations import Invited, LedgerPlace, invite
from cloud_sync.ledger.enrolment.redeeming import redeem
from cloud_sync.ledger.stations.models import Community
from cloud_sync.wire.enrolment import Given, make_request, open_answer
from cloud_sync.wire.enrolment_code import EnrolmentCode
from config.ledger import LedgerSettings, load_ledger
from config.station import CloudSection
from tests.ledger.conftest import PREPARED
from tests.ledger.town import NOW

AUTHORITY = "-----BEGIN CERTIFICATE-----\nan example\n-----END CERTIFICATE-----\n"
LATER = NOW + timedelta(minutes=1)


def guarded_settings(folder: Path) -> LedgerSettings:
    """Settings of the prepared ledger, with a broker that asks for TLS and a password."""
    (folder / "ca.pem").write_text(AUTHORITY)
    settings = load_ledger(PREPARED / "ledger.toml")
    return structs.replace(settings, broker=CloudSection(tls_ca=str(folder / "ca.pem")))


def place() -> LedgerPlace:
    key = keys.read_signing_key(PREPARED / "state").public_key().public_bytes_raw()
    return LedgerPlace("127.0.0.1", 8000, tls=False, public_key=key)


def invited(community: Community, slug: str = "east-gate", now: datetime = NOW) -> Invited:
    return invite(community, slug, place(), by="Wang", reason="a new station", now=now)


@dataclass(frozen=True)
class Board:
    """A board that asks by a code."""

    code: EnrolmentCode
    settings: LedgerSettings
    key: Ed25519PrivateKey
    seal: X25519PrivateKey
    community: str = ""
    station: str = ""

    @property
    def public(self) -> str:
        return self.key.public_key().public_bytes_raw().hex()

    @property
    def request(self) -> bytes:
        return make_request(self.code, self.key, self.seal, self.community, self.station)

    def ask(self, now: datetime = LATER) -> bytes:
        return redeem(self.request, self.settings, now)

    def enrol(self, now: datetime = LATER) -> Given:
        return open_answer(self.ask(now), self.code, self.request, self.seal)

    def guessing(self, secret: bytes = b"0123456789") -> Board:
        """The same board with a wrong secret."""
        return replace(self, code=replace(self.code, secret=secret))


def board(code: EnrolmentCode, settings: LedgerSettings) -> Board:
    return Board(code, settings, Ed25519PrivateKey.generate(), X25519PrivateKey.generate())
