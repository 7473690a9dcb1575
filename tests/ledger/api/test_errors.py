"""What the API says when it will not: one line of JSON with the mend, whatever went wrong."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import NoReturn

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client

from cloud_sync.ledger.api.nonces import new_nonce
from cloud_sync.transport.signed_http import signed
from cloud_sync.wire.api import MAX_BODY_BYTES, ROOT, WHOAMI
from tests.ledger.town import Town

PATH = ROOT + WHOAMI


@pytest.fixture(autouse=True)
def nobody_asked_yet(database: str) -> None:
    """Count nobody's requests of an earlier test, and give each test a ledger."""
    assert database
    cache.clear()


def test_a_path_that_does_not_exist_is_answered_as_json() -> None:
    for path in (f"{ROOT}/nothing", f"{ROOT}/station/nothing"):
        answer = Client().get(path)
        assert answer.status_code == HTTPStatus.NOT_FOUND
        assert answer.json() == {
            "error": "there is no such thing here",
            "mend": "see the paths in /api/v1/openapi.json",
        }


def test_a_database_that_is_away_is_said_so(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key = town.station("east-gate")

    def away(*_: object, **__: object) -> NoReturn:
        raise OperationalError("connection refused\nmore of it")

    monkeypatch.setattr("cloud_sync.ledger.api.stations.StationKey.objects.select_related", away)
    headers = signed(key, "GET", PATH, nonce=new_nonce())
    answer = Client().get(PATH, headers=headers)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.json()["error"] == "the ledger's database is away"
    assert answer.headers["Retry-After"] == "60"
    assert caplog.messages == ["the database cannot be used: connection refused"]


def test_a_mistake_in_our_code_is_logged_and_not_shown(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key = town.station("east-gate")

    def broken(*_: object, **__: object) -> NoReturn:
        raise LookupError("a secret")

    monkeypatch.setattr("cloud_sync.ledger.api.stations.is_good", broken)
    headers = signed(key, "GET", PATH, nonce=new_nonce())
    answer = Client().get(PATH, headers=headers)
    assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert "secret" not in answer.content.decode()
    assert "a secret" in caplog.text


def test_a_body_that_is_too_long_is_refused() -> None:
    body = b"x" * (MAX_BODY_BYTES + 1)
    answer = Client().generic("GET", PATH, body, headers={"Signature": "x"})
    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert answer.json()["error"] == f"the body is longer than {MAX_BODY_BYTES} bytes"


def test_one_caller_who_asks_too_often_is_told_when_to_come_again_and_others_are_served(town: Town) -> None:
    def status(who: str) -> int:
        headers = signed(town.station(who), "GET", PATH, nonce=new_nonce())
        return Client().get(PATH, headers=headers).status_code

    assert {status("east-gate") for _ in range(120)} == {HTTPStatus.OK}
    headers = signed(town.station("east-gate"), "GET", PATH, nonce=new_nonce())
    answer = Client().get(PATH, headers=headers)
    assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert answer.json()["error"] == "too many requests"
    assert int(answer.headers["Retry-After"]) >= 1
    assert status("west-gate") == HTTPStatus.OK


def test_the_api_describes_itself_and_loads_nothing_from_elsewhere() -> None:
    described = json.loads(Client().get(f"{ROOT}/openapi.json").content)
    assert f"{PATH}" in described["paths"]
    assert Client().get(f"{ROOT}/docs").status_code == HTTPStatus.NOT_FOUND
