"""A station changes its key by its old one: both are believed until the new one is heard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client, override_settings

from cloud_sync.ledger.api.nonces import new_nonce
from cloud_sync.ledger.enrolment import succession
from cloud_sync.ledger.enrolment.models import BrokerLogin
from cloud_sync.ledger.enrolment.redeeming import EnrolRefusal, RefusedError
from cloud_sync.ledger.enrolment.rotation import rotate
from cloud_sync.ledger.stations.models import Station, StationKey
from cloud_sync.ledger.stations.registry import retire_station
from cloud_sync.transport.signed_http import signed
from cloud_sync.wire.enrolment import PATH as ENROL
from cloud_sync.wire.enrolment import open_answer
from cloud_sync.wire.enrolment_code import EnrolmentCode, ledger_name
from config.ledger import LedgerSettings
from tests.engines import BOTH
from tests.ledger.enrolment.enrolling import LATER, Board, board, guarded_settings, invited, place
from tests.ledger.town import RIGHT, Town, event, visit_facts

pytestmark = BOTH
KEYS = "/api/v1/station/keys"


@pytest.fixture
def settings(tmp_path: Path) -> LedgerSettings:
    cache.clear()
    return guarded_settings(tmp_path)


@pytest.fixture
def changing(town: Town, settings: LedgerSettings) -> Board:
    """A station with a key, and the one that it wants to change to."""
    town.station("east-gate")
    code = EnrolmentCode("ledger", 443, True, bytes(5), ledger_name(place().public_key), bytes(10))  # noqa: FBT003 (tls)
    return replace(board(code, settings), community="sunny-garden", station="east-gate")


def changed(asking: Board) -> bytes:
    return rotate(Station.objects.get(slug="east-gate"), asking.request, asking.settings, LATER)


def refused(asking: Board) -> EnrolRefusal:
    with pytest.raises(RefusedError) as caught:
        changed(asking)
    return caught.value.why


def test_the_same_request_gets_the_same_answer_and_another_waits_until_the_first_is_heard(
    town: Town, changing: Board, settings: LedgerSettings
) -> None:
    answer = changed(changing)
    assert changed(changing) == answer
    given = open_answer(answer, changing.code, changing.request, changing.seal)
    assert given.username == "sunny-garden.east-gate.1"
    other = replace(board(changing.code, settings), community="sunny-garden", station="east-gate")
    assert refused(other) is EnrolRefusal.UNHEARD
    town.deliver(event(1, visit_facts(7, RIGHT, provisional=2)))  # by the old key, which is still believed
    town.stations["east-gate"] = changing.key
    town.deliver(event(2, visit_facts(7, RIGHT, provisional=2)))
    assert len(succession.look(LATER)) == 1
    assert changed(other) != answer
    assert BrokerLogin.objects.get(number=1).proved_at == LATER


def test_a_request_for_another_station_or_of_a_retired_one_changes_nothing(
    town: Town, changing: Board
) -> None:
    assert refused(replace(changing, station="west-gate")) is EnrolRefusal.OTHER_STATION
    retire_station(town.community, "east-gate", LATER)
    assert refused(changing) is EnrolRefusal.RETIRED
    assert StationKey.objects.count() == 1


def test_a_key_changes_over_the_api_only_by_a_key_that_is_believed(town: Town, changing: Board) -> None:
    def asked(by: Board | None) -> int:
        key = town.station("east-gate") if by is None else by.key
        body = changing.request
        headers = signed(key, "POST", KEYS, body, nonce=new_nonce())
        kind = "application/octet-stream"
        status: int = Client().post(KEYS, body, content_type=kind, headers=headers).status_code
        return status

    with override_settings(LEDGER=changing.settings):
        assert asked(changing) == 401
        assert asked(None) == 200
    assert StationKey.objects.count() == 2


def test_a_code_is_redeemed_over_the_api_and_a_refusal_says_what_to_do(
    town: Town, settings: LedgerSettings
) -> None:
    asking = board(invited(town.community).code, settings)
    with override_settings(LEDGER=settings):
        late = Client().post(ENROL, asking.request, content_type="application/octet-stream")
        assert (late.status_code, late.json()["error"]) == (410, "the code is older than 15 minutes")
        assert "make another code at the ledger" in late.json()["mend"]
        unread = Client().post(ENROL, b"x" * 5000, content_type="application/octet-stream")
        assert unread.json()["error"] == "the ledger cannot read the station's request"
