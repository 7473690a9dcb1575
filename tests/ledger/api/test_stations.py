"""Whom the API lets in: a station by its key, once by each nonce where something changes."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from http import HTTPStatus

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from cloud_sync.ledger.api.models import SpentNonce
from cloud_sync.ledger.api.nonces import is_good, new_nonce, spend
from cloud_sync.ledger.stations.registry import retire_key, retire_station
from cloud_sync.transport.signed_http import signed
from cloud_sync.wire.api import NONCE, NONCE_S, ROOT, WHOAMI
from cloud_sync.wire.envelope import key_id
from tests.engines import BOTH
from tests.ledger.town import NOW, Town

pytestmark = BOTH
PATH = ROOT + WHOAMI


@pytest.fixture(autouse=True)
def nobody_asked_yet(database: str) -> None:
    """Count nobody's requests of an earlier test, and give each test a ledger."""
    assert database
    cache.clear()


def ask(key: Ed25519PrivateKey, nonce: str | None = None) -> tuple[int, dict[str, str], str]:
    """Ask who I am; the status, the answer and the next nonce."""
    headers = signed(key, "GET", PATH, nonce=new_nonce() if nonce is None else nonce)
    answer = Client().get(PATH, headers=headers)
    return answer.status_code, json.loads(answer.content), answer.headers[NONCE]


def test_a_station_is_known_by_the_key_that_signs(town: Town) -> None:
    key = town.station("east-gate")
    status, told, nonce = ask(key)
    assert status == HTTPStatus.OK
    assert told == {
        "community": "sunny-garden",
        "station": "east-gate",
        "key": key_id(key.public_key()),
    }
    assert is_good(nonce)


def test_a_request_without_a_signature_is_told_to_sign_and_given_a_nonce() -> None:
    answer = Client().get(PATH)
    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert answer.json() == {
        "error": "the request is not signed",
        "mend": "sign it with the station's key",
    }
    assert answer.headers["WWW-Authenticate"] == "Signature"
    assert is_good(answer.headers[NONCE])
    assert "\n" not in answer.content.decode()


def test_a_key_that_this_ledger_does_not_know_is_named() -> None:
    key = Ed25519PrivateKey.generate()
    status, told, _ = ask(key)
    assert status == HTTPStatus.UNAUTHORIZED
    assert told["error"] == f"this ledger does not know the key {key_id(key.public_key())}"
    assert "tongzhan ledger station add" in told["mend"]


def test_a_retired_key_is_refused_while_another_of_its_station_is_not(town: Town) -> None:
    old = town.station("east-gate")
    del town.stations["east-gate"]
    new = town.station("east-gate")
    retire_key(town.community, "east-gate", key_id(old.public_key()), NOW)
    status, told, _ = ask(old)
    assert (status, told["error"]) == (401, f"key {key_id(old.public_key())} is retired")
    assert ask(new)[0] == HTTPStatus.OK


def test_a_retired_station_is_refused(town: Town) -> None:
    key = town.station("east-gate")
    retire_station(town.community, "east-gate", NOW)
    status, told, _ = ask(key)
    assert (status, told["error"]) == (401, "station east-gate is retired")


@pytest.mark.parametrize("nonce", ["", "none-yet", "cafe:1x:sig"])
def test_a_nonce_that_this_ledger_did_not_give_is_refused_and_a_good_one_handed_out(
    town: Town, nonce: str
) -> None:
    key = town.station("east-gate")
    status, told, good = ask(key, nonce)
    assert (status, told["error"]) == (401, "the nonce is not, or no longer, good")
    assert ask(key, good)[0] == HTTPStatus.OK


def test_a_nonce_ends_by_the_ledgers_clock(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    key = town.station("east-gate")
    nonce = new_nonce()
    later = time.time() + NONCE_S + 2
    assert ask(key, nonce)[0] == HTTPStatus.OK
    monkeypatch.setattr("time.time", lambda: later)
    assert ask(key, nonce)[0] == HTTPStatus.UNAUTHORIZED


def test_a_nonce_is_spent_once_and_forgotten_when_it_is_no_longer_good() -> None:
    now = timezone.now()
    nonce = new_nonce()
    assert spend(nonce, now)
    assert not spend(nonce, now)
    assert spend(new_nonce(), now + timedelta(seconds=3 * NONCE_S))
    assert SpentNonce.objects.count() == 1


def test_a_signature_for_another_path_lets_nobody_in(town: Town) -> None:
    key = town.station("east-gate")
    headers = signed(key, "GET", ROOT + "/station/other", nonce=new_nonce())
    answer = Client().get(PATH, headers=headers)
    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert answer.json()["error"].startswith("the signature does not hold: ")
