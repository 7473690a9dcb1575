"""Alarms about what sends no message: a station that is silent, a certificate that ends."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from cloud_sync.ledger.broker.certificates import SERVER_AGE, make_authority, make_server
from cloud_sync.ledger.office.texts import ALARMS
from cloud_sync.ledger.stations.alarms import Cause, close_alarm
from cloud_sync.ledger.stations.models import Alarm, Epoch, Station
from cloud_sync.ledger.stations.registry import retire_station
from cloud_sync.ledger.stations.watch import watch_certificates, watch_stations
from config.station import CloudSection
from tests.ledger.town import EPOCH, NOW, Town

HOURS = 72.0
LATER = NOW + timedelta(hours=HOURS)


@pytest.fixture
def heard(town: Town) -> Callable[[datetime], None]:
    """Give a function that lets the station be heard at a moment; it was, at NOW."""
    town.station("gate")
    station = Station.objects.get(slug="gate")

    def hear(at: datetime) -> None:
        Epoch.objects.update_or_create(station=station, epoch=EPOCH, defaults={"updated": at})

    hear(NOW)
    return hear


def open_alarms() -> list[tuple[str, str, str]]:
    return list(Alarm.objects.filter(closed_at=None).values_list("station", "reason", "detail"))


SILENT = ("gate", "silent", "last heard 2026-11-20 04:00 UTC")


@pytest.mark.usefixtures("heard")
def test_a_station_is_an_alarm_once_it_was_silent_for_days_and_only_one(town: Town) -> None:
    watch_stations(town.community, HOURS, LATER - timedelta(seconds=1))
    assert open_alarms() == []
    for minutes in range(3):
        watch_stations(town.community, HOURS, LATER + timedelta(minutes=minutes))
    assert open_alarms() == [SILENT]
    assert Alarm.objects.get().times == 1


def test_the_alarm_closes_by_itself_when_the_station_is_heard_and_opens_with_the_next_silence(
    town: Town, heard: Callable[[datetime], None]
) -> None:
    watch_stations(town.community, HOURS, LATER)
    heard(LATER)
    watch_stations(town.community, HOURS, LATER + timedelta(minutes=1))
    assert open_alarms() == []
    assert Alarm.objects.get().closed_by == "ledger"
    watch_stations(town.community, HOURS, LATER + timedelta(hours=HOURS))
    assert len(open_alarms()) == 1


@pytest.mark.usefixtures("heard")
def test_a_silence_that_a_person_has_seen_to_is_not_told_again(town: Town) -> None:
    watch_stations(town.community, HOURS, LATER)
    close_alarm(Alarm.objects.get(), "li", LATER)
    watch_stations(town.community, HOURS, LATER + timedelta(days=1))
    assert open_alarms() == []


def test_a_station_heard_in_the_future_is_an_alarm_until_it_is_heard_now(
    town: Town, heard: Callable[[datetime], None]
) -> None:
    heard(NOW + timedelta(days=100))
    for _ in range(2):
        watch_stations(town.community, HOURS, NOW)
    assert open_alarms() == [("gate", "silent", "last heard 2027-02-28 04:00 UTC")]
    assert Alarm.objects.get().times == 1
    heard(NOW)
    watch_stations(town.community, HOURS, NOW)
    assert open_alarms() == []


@pytest.mark.usefixtures("heard")
def test_retired_stations_new_ones_and_a_threshold_of_0_raise_none(town: Town) -> None:
    town.station("new")
    watch_stations(town.community, 0, LATER)
    assert open_alarms() == []
    watch_stations(town.community, HOURS, LATER)
    retire_station(town.community, "gate", LATER)
    watch_stations(town.community, HOURS, LATER)
    assert open_alarms() == []


@pytest.mark.usefixtures("heard")
def test_the_list_of_alarms_tells_of_silence_though_no_worker_runs(
    config: Path, tongzhan: Callable[..., CompletedProcess[str]], heard: Callable[[datetime], None]
) -> None:
    heard(datetime.now(NOW.tzinfo) - timedelta(days=5))
    done = tongzhan("ledger", "alarm", "list", "--config", config)
    assert done.returncode == 1, done.stderr
    assert "gate  silent" in done.stdout
    heard(datetime.now(NOW.tzinfo))
    assert tongzhan("ledger", "alarm", "list", "--config", config).returncode == 0


@pytest.mark.usefixtures("town")
def test_a_certificate_that_ends_is_an_alarm_before_and_after_and_over_when_it_is_renewed(
    tmp_path: Path,
) -> None:
    authority = make_authority("A", NOW)
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    broker = CloudSection(host="127.0.0.1", tls_ca=str(tmp_path / "ca.pem"))

    def look(made: datetime, now: datetime) -> list[str]:
        pem = make_server(authority, {"127.0.0.1"}, made).certificate.decode()
        watch_certificates(broker, now, lambda _: ssl.PEM_cert_to_DER_cert(pem))
        return [
            detail for station, reason, detail in open_alarms() if (station, reason) == ("*", "certificate")
        ]

    ends = NOW + SERVER_AGE
    assert look(NOW, ends - timedelta(days=31)) == []
    assert look(NOW, ends - timedelta(days=29)) == [f"server.pem ends on {ends:%Y-%m-%d}"]
    assert look(NOW, ends - timedelta(days=28)) == [f"server.pem ends on {ends:%Y-%m-%d}"]
    assert look(NOW, ends + timedelta(days=1)) == [f"server.pem ended on {ends:%Y-%m-%d}"]
    assert look(ends, ends + timedelta(days=1)) == []


@pytest.mark.usefixtures("town")
def test_a_broker_that_is_away_or_speaks_no_tls_raises_nothing(tmp_path: Path) -> None:
    def away(_: CloudSection) -> bytes:
        raise ConnectionRefusedError

    watch_certificates(CloudSection(), NOW, away)
    watch_certificates(CloudSection(tls_ca=str(tmp_path / "no")), NOW, away)
    assert open_alarms() == []


def test_every_alarm_has_its_words() -> None:
    assert set(ALARMS) == set(Cause)
