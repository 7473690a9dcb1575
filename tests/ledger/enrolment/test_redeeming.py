"""A code gives a station what it needs once; to anybody else, or at another time, it gives nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cloud_sync.ledger import keys
from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.enrolment import succession
from cloud_sync.ledger.enrolment.invitations import (
    VALID,
    WRONG_PROOFS,
    CodeStanding,
    Invited,
    lately,
    standing,
    take_back,
)
from cloud_sync.ledger.enrolment.models import MAX_TRIES, BrokerLogin, Invitation
from cloud_sync.ledger.enrolment.redeeming import EnrolRefusal, RefusedError, redeem
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.ledger.stations.models import Alarm, Station, StationKey
from cloud_sync.ledger.stations.registry import retire_station
from config.errors import InputError
from config.ledger import LedgerSettings
from tests.engines import BOTH
from tests.ledger.conftest import PREPARED
from tests.ledger.enrolment.enrolling import AUTHORITY, LATER, Board, board, guarded_settings, invited
from tests.ledger.town import NOW, RIGHT, Town, event, visit_facts

pytestmark = BOTH


@pytest.fixture
def settings(tmp_path: Path) -> LedgerSettings:
    return guarded_settings(tmp_path)


@pytest.fixture
def code(town: Town) -> Invited:
    return invited(town.community)


@pytest.fixture
def east(code: Invited, settings: LedgerSettings) -> Board:
    return board(code.code, settings)


def refused(asking: Board, now: datetime = LATER) -> EnrolRefusal:
    with pytest.raises(RefusedError) as caught:
        asking.ask(now)
    return caught.value.why


def alarms() -> list[str]:
    return list(Alarm.objects.filter(reason=Cause.ENROLMENT, closed_at=None).values_list("detail", flat=True))


def test_a_station_gets_all_that_it_needs(town: Town, east: Board) -> None:
    given = east.enrol()
    assert (given.community, given.station) == (town.community.slug, "east-gate")
    assert bytes.fromhex(given.card_key) == keys.read_card_key(PREPARED / "state", "sunny-garden")
    assert given.ca == AUTHORITY
    assert given.username == "sunny-garden.east-gate.1"
    assert (given.host, given.port, given.url) == ("127.0.0.1", 8883, "http://127.0.0.1:8000")
    assert StationKey.objects.get(public=bytes.fromhex(east.public)).retired_at is None
    assert given.password not in BrokerLogin.objects.get().hash
    assert not verify(town.community).problems


def test_a_lost_answer_is_had_again_by_the_same_request(east: Board) -> None:
    assert east.ask() == east.ask(LATER + timedelta(hours=2))
    assert BrokerLogin.objects.count() == StationKey.objects.count() == 1


def test_after_the_first_delivery_not_even_the_same_request_gets_anything(town: Town, east: Board) -> None:
    east.ask()
    town.stations["east-gate"] = east.key
    town.deliver(event(1, visit_facts(7, RIGHT, provisional=2)))
    assert refused(east) is EnrolRefusal.USED
    succession.look(LATER)
    assert bytes(Invitation.objects.get().answer) == b""
    assert refused(east) is EnrolRefusal.USED
    assert alarms() == []


def test_another_key_with_a_used_code_is_refused_with_an_alarm(
    east: Board, code: Invited, settings: LedgerSettings
) -> None:
    east.ask()
    assert refused(board(code.code, settings)) is EnrolRefusal.USED
    assert alarms() == ["a code of 2026-11-20 04:01 UTC came again with another key"]
    assert StationKey.objects.count() == 1


def test_who_only_knows_a_used_codes_number_raises_no_alarm(east: Board) -> None:
    east.ask()
    assert refused(east.guessing()) is EnrolRefusal.USED
    assert alarms() == []


def test_a_code_counts_for_a_quarter_of_an_hour_by_the_ledgers_clock(east: Board) -> None:
    assert refused(east, NOW + VALID) is EnrolRefusal.EXPIRED
    assert StationKey.objects.count() == 0
    assert east.enrol(NOW + VALID - timedelta(seconds=1)).station == "east-gate"


def test_five_wrong_proofs_end_a_code_with_an_alarm_and_four_do_not(east: Board, code: Invited) -> None:
    for _ in range(MAX_TRIES - 1):
        assert refused(east.guessing()) is EnrolRefusal.WRONG
    assert alarms() == []
    assert standing(Invitation.objects.get(), LATER) is CodeStanding.OPEN
    assert refused(east.guessing()) is EnrolRefusal.WRONG
    assert alarms() == ["5 wrong proofs ended a code"]
    assert refused(east) is EnrolRefusal.ENDED
    row = Invitation.objects.get(pk=code.row.pk)
    assert (standing(row, LATER), row.ended_by) == (CodeStanding.WRONG, WRONG_PROOFS)


def test_a_code_of_another_ledger_is_unknown_here(east: Board) -> None:
    assert refused(replace(east, code=replace(east.code, number=b"other"))) is EnrolRefusal.UNKNOWN


def test_a_code_that_was_taken_back_gives_nothing(town: Town, east: Board, code: Invited) -> None:
    assert take_back(town.community, code.row.number, "Li", LATER)
    assert not take_back(town.community, code.row.number, "Li", LATER)
    assert refused(east) is EnrolRefusal.TAKEN_BACK


def test_a_new_code_ends_the_one_before_it(town: Town, east: Board, settings: LedgerSettings) -> None:
    newer = invited(town.community, now=LATER)
    assert refused(east) is EnrolRefusal.TAKEN_BACK
    assert board(newer.code, settings).enrol().station == "east-gate"
    assert next(row.number for row in lately([town.community], LATER)) == newer.row.number


def test_a_code_is_for_one_station_and_a_mistake_uses_nothing_up(east: Board) -> None:
    assert refused(replace(east, community="sunny-garden", station="west-gate")) is EnrolRefusal.OTHER_STATION
    assert refused(replace(east, community="lotus-lane", station="east-gate")) is EnrolRefusal.OTHER_STATION
    assert replace(east, community="sunny-garden", station="east-gate").enrol().station == "east-gate"


def test_a_station_retired_meanwhile_gets_nothing(town: Town, east: Board) -> None:
    retire_station(town.community, "east-gate", LATER)
    assert refused(east) is EnrolRefusal.RETIRED


def test_a_retired_station_is_not_invited(town: Town, code: Invited) -> None:
    assert code.row.pk
    retire_station(town.community, "east-gate", LATER)
    with pytest.raises(InputError, match="station east-gate is retired"):
        invited(town.community)


def test_another_stations_key_is_refused(town: Town, east: Board) -> None:
    town.stations["west-gate"] = town.station("west-gate")
    assert refused(replace(east, key=town.station("west-gate"))) is EnrolRefusal.KEY
    assert Station.objects.get(slug="east-gate").keys.count() == 0
    assert standing(Invitation.objects.get(), LATER) is CodeStanding.OPEN


def test_what_is_no_request_is_refused(settings: LedgerSettings) -> None:
    with pytest.raises(RefusedError, match="unreadable"):
        redeem(b"let me in", settings, NOW)


def test_a_ledger_that_cannot_read_its_files_uses_nothing_up(east: Board, settings: LedgerSettings) -> None:
    authority = Path(str(settings.broker.tls_ca))
    authority.rename(authority.with_name("away"))
    with pytest.raises(InputError, match=r"ca\.pem"):
        east.ask()
    assert StationKey.objects.count() == BrokerLogin.objects.count() == 0
    authority.with_name("away").rename(authority)
    assert east.enrol().station == "east-gate"


def test_a_replaced_board_enrols_under_the_same_name_and_the_old_one_ends_when_it_is_heard(
    town: Town, east: Board, settings: LedgerSettings
) -> None:
    east.enrol()
    town.stations["east-gate"] = east.key
    town.deliver(event(1, visit_facts(7, RIGHT, provisional=2)))
    succession.look(LATER)
    again = board(invited(town.community, now=LATER).code, settings)
    assert again.enrol(LATER).username == "sunny-garden.east-gate.2"
    succession.look(LATER)
    town.deliver(event(2, visit_facts(7, RIGHT, provisional=2)))  # the old board still delivers
    assert Station.objects.get(slug="east-gate").keys.filter(retired_at=None).count() == 2
    town.stations["east-gate"] = again.key
    town.deliver(event(1, visit_facts(7, RIGHT, provisional=2), epoch="00000000000000bb"))
    (gone,) = succession.look(LATER)
    assert bytes(gone.public).hex() == east.public
    assert list(BrokerLogin.objects.filter(ended_at=None).values_list("user", flat=True)) == [
        "sunny-garden.east-gate.2"
    ]
    assert not verify(town.community).problems


def test_a_new_key_that_is_never_heard_ends_the_old_one_after_a_day(town: Town, east: Board) -> None:
    town.station("east-gate")
    east.enrol()
    assert succession.look(LATER + timedelta(hours=23)) == []
    assert len(succession.look(LATER + timedelta(hours=24))) == 1
    assert succession.look(LATER + timedelta(hours=25)) == []
