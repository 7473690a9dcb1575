"""Names in commands and in ledger.toml: whatever keyboard they came from, they name the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_sync.ledger.intake.worker import client_id
from cloud_sync.ledger.office.pending import find_aside, set_aside
from cloud_sync.ledger.officers.register import (
    add_officer,
    officers,
    remove_officer,
    renew_password,
    username,
)
from cloud_sync.ledger.points.models import Decision
from cloud_sync.ledger.settling.mint_limit import set_mint_limit
from cloud_sync.ledger.stations.alarms import Cause, close_alarm, raise_alarm
from cloud_sync.ledger.stations.models import Alarm, Station
from cloud_sync.ledger.stations.registry import add_station, find_station, retire_station, summaries
from config.errors import InputError
from config.ledger import load_ledger
from tests.ledger.conftest import LEDGER_TOML
from tests.ledger.town import NOW, Town, event, visit_facts


def public(town: Town, slug: str) -> str:
    return town.station(slug).public_key().public_bytes_raw().hex()


def test_a_station_and_its_key_are_the_same_however_they_are_typed(town: Town) -> None:
    key = public(town, "east-gate")
    spaced = " ".join(key[at : at + 4] for at in range(0, 64, 4)).upper()
    assert add_station(town.community, " Ｅast–gate\n", spaced).slug == "east-gate"
    assert Station.objects.count() == 1
    set_mint_limit(town.community, "EAST-GATE", 5, "Li  Wang", "few\u3000homes", NOW)
    assert summaries(town.community)[0].daily_mint_limit == 5
    assert str(Decision.objects.get()) == "Li Wang: station east-gate, 5 points a day: few homes"


def test_a_retired_station_is_not_said_to_be_admitted(town: Town) -> None:
    key = public(town, "east-gate")
    retire_station(town.community, "east-gate", NOW)
    with pytest.raises(InputError, match="station east-gate is retired; admit another under a new name"):
        add_station(town.community, "east-gate", key)
    assert not Station.objects.get().active
    with pytest.raises(InputError, match="no station west-gate"):
        find_station(town.community, "West-gate")


def test_officers_workers_and_what_was_set_aside_are_found_by_their_names(town: Town) -> None:
    add_officer(" Wang")
    with pytest.raises(InputError, match="officer wang is here already"):
        add_officer("ｗａｎｇ")
    assert renew_password("ＷＡＮＧ")
    assert [user.username for user in officers()] == ["wang"]
    assert username("WANG ") == "wang"
    remove_officer("Wang", "Li", "moved away", NOW)
    assert client_id("sunny-garden", " Ｓecond") == "ledger-sunny-garden-second"
    town.deliver(event(1, visit_facts(1, provisional=0, rules=9)))
    (row,) = set_aside([town.community])
    assert find_aside(town.community, f" {row.number.upper()}").pk == int(row.number[1:])


def test_who_closes_an_alarm_is_one_line_that_can_be_read(town: Town) -> None:
    raise_alarm("sunny-garden", "east-gate", Cause.LOST, "1 to 3", NOW)
    for nobody in (" ", "x" * 65, "L\u200bi"):
        with pytest.raises(InputError, match="who closes the alarm"):
            close_alarm(Alarm.objects.get(), nobody, NOW)
    close_alarm(Alarm.objects.get(), "  Li   Wang ", NOW)
    assert Alarm.objects.get().closed_by == "Li Wang"
    assert town.community.pk


def test_a_communitys_names_are_read_in_one_form(tmp_path: Path) -> None:
    file = tmp_path / "ledger.toml"
    file.write_text(LEDGER_TOML.replace("Sunny Garden", "  Cafe\u0301  Garden "), encoding="utf-8")
    assert load_ledger(file).ledger.name_en == "Caf\u00e9 Garden"
    file.write_text(LEDGER_TOML.replace("Sunny Garden", "Sunny\u200bGarden"), encoding="utf-8")
    with pytest.raises(InputError, match=r"ledger\.name_en: .* holds ZERO WIDTH SPACE, which is invisible"):
        load_ledger(file)
