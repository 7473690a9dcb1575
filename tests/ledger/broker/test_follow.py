"""The broker's folder follows the database: written and reloaded at each change, and at no other time."""

from __future__ import annotations

import getpass
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import OperationalError

from cloud_sync.ledger.broker.files import BrokerSpec
from cloud_sync.ledger.broker.follow import AGAIN_S, RENEW_S, Follower
from cloud_sync.ledger.broker.mosquitto import Listeners
from config.errors import InputError


class Ledger:
    """What the database says, and how often the broker was reloaded."""

    def __init__(self, folder: Path) -> None:
        listeners = Listeners(8883, 8884, "127.0.0.1", getpass.getuser(), folder)
        self.wanted = BrokerSpec("town", {"garden": {"east"}}, (), {"127.0.0.1"}, listeners)
        self.reloads = 0
        self.now = 0.0
        self.away = self.broken = False
        self.follower = Follower(folder / "broker", self.read, self.reload, lambda: self.now)
        self.passwords = folder / "broker" / "stations.passwords"

    def read(self) -> BrokerSpec:
        if self.away:
            raise OperationalError("the database is away")
        return self.wanted

    def reload(self) -> None:
        if self.broken:
            raise InputError("systemctl reload mosquitto: not active", "start it")
        self.reloads += 1


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def test_a_station_that_enrols_is_let_in_and_its_old_password_is_kept_until_it_ends(ledger: Ledger) -> None:
    assert ledger.follower.turn()
    assert not ledger.follower.turn()
    assert ledger.passwords.read_text().startswith("garden.east:")
    enrolled = {"garden.east.1": "$7$101$salt$hash"}
    ledger.wanted = replace(
        ledger.wanted, stations={"garden": ()}, kept={"garden": {"east"}}, logins=enrolled
    )
    assert ledger.follower.turn()
    assert [line.partition(":")[0] for line in ledger.passwords.read_text().splitlines()] == [
        "garden.east",
        "garden.east.1",
    ]
    ledger.wanted = replace(ledger.wanted, kept={})
    assert ledger.follower.turn()
    assert ledger.passwords.read_text() == "garden.east.1:$7$101$salt$hash\n"
    assert ledger.passwords.with_name("stations.rights").read_text().count("user garden.east.1\n") == 1
    assert "topic write tz/1/garden/east/events" in ledger.passwords.with_name("stations.rights").read_text()
    ledger.wanted = replace(ledger.wanted, logins={})
    assert ledger.follower.turn()
    assert ledger.passwords.read_text() == ""
    assert ledger.reloads == 4


def test_a_station_that_enrols_first_never_gets_a_password_by_a_file(ledger: Ledger) -> None:
    ledger.wanted = replace(
        ledger.wanted, stations={"garden": ()}, kept={"garden": {"east"}}, logins={"garden.east.1": "$7$x"}
    )
    assert ledger.follower.turn()
    assert ledger.passwords.read_text() == "garden.east.1:$7$x\n"
    assert list(ledger.passwords.with_name("credentials").glob("garden*")) == []


def test_a_database_that_is_away_changes_nothing_and_is_told_once(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    assert ledger.follower.turn()
    ledger.away = True
    for _ in range(3):
        assert not ledger.follower.turn()
    assert caplog.text.count("the database is away") == 1
    ledger.away = False
    assert not ledger.follower.turn()
    assert ledger.reloads == 1


def test_a_reload_that_fails_is_tried_again_after_a_pause(ledger: Ledger) -> None:
    ledger.broken = True
    assert not ledger.follower.turn()
    ledger.broken = False
    ledger.now += AGAIN_S / 2
    assert not ledger.follower.turn()
    ledger.now += AGAIN_S
    assert ledger.follower.turn()


def test_once_a_day_the_folder_is_written_for_the_certificate(ledger: Ledger) -> None:
    assert ledger.follower.turn()
    ledger.now += RENEW_S
    assert ledger.follower.turn()
