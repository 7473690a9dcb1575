"""`tongzhan ledger station list · show`: what stations say of themselves."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud_sync.ledger.stations.registry import retire_station
from cloud_sync.wire.facts import AlarmFacts
from cloud_sync.wire.station_state import BinState, StationState, SupplyReading
from tests.ledger.fleet.saying import Saying
from tests.ledger.town import NOW, Town, event, stamp

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_station_is_shown_with_its_last_words(town: Town, config: Path, tongzhan: Run) -> None:
    for slug in ("east", "west", "old"):
        town.station(slug)
    retire_station(town.community, "old", NOW)
    saying = Saying(town.community.slug, datetime.now(UTC))
    said = StationState(
        online=True,
        start=7,
        outbox=2,
        bins=(BinState("kitchen", full=True),),
        readings=(SupplyReading("mcu", 12.1, 0.0),),
        model="waste-0.4",
    )
    saying.say("east", said)
    shown = tongzhan("ledger", "station", "show", "east", "--json", "--config", config)
    assert shown.returncode == 0, shown.stderr
    found = json.loads(shown.stdout)
    assert (found["condition"], found["outbox"], found["full"]) == ("online", 2, ["kitchen"])
    assert found["readings"][0]["value"] == 12.1
    said_so = tongzhan("ledger", "station", "show", "west", "--config", config)
    assert (said_so.returncode, said_so.stdout) == (1, "west: never, last words never\n")
    for slug in ("old", "moon"):
        refused = tongzhan("ledger", "station", "show", slug, "--config", config)
        assert refused.returncode == 2
        assert f"no station '{slug}'" in refused.stderr
    listed = json.loads(tongzhan("ledger", "station", "list", "--json", "--config", config).stdout)
    assert {row["slug"]: row.get("condition") for row in listed} == {
        "east": "online",
        "west": "never",
        "old": None,
    }
    lines = tongzhan("ledger", "station", "list", "--config", config).stdout.splitlines()
    assert [line.rpartition(", ")[2] for line in lines if not line.startswith("old")] == ["online", "never"]


def test_alarms_are_listed_acknowledged_closed_and_silenced_for_maintenance(
    town: Town, config: Path, tongzhan: Run
) -> None:
    now = datetime.now(UTC)
    facts = [AlarmFacts(fault, "kitchen", raised=True) for fault in ("camera_failed", "lid_stuck_shut")]
    town.deliver(*(event(n, one, at=stamp(now)) for n, one in enumerate(facts, 1)), now=now)
    hour = (now + timedelta(hours=2)).isoformat()
    alarm = _alarm(tongzhan, config)

    listed = alarm("list", "--json")
    assert listed.returncode == 1
    found = {row["fault"]: row for row in json.loads(listed.stdout)}
    assert set(found) == {"camera_failed", "lid_stuck_shut"}
    camera, lid = (found[fault.fault]["number"] for fault in facts)
    text = alarm("list").stdout
    assert f"{camera}  " in text
    assert "Check the camera" in text or "检查摄像头" in text

    acknowledged = alarm("ack", camera, "--by", "li", "--reason", "a part is ordered", "--until", hour)
    assert acknowledged.returncode == 0, acknowledged.stderr
    closed = alarm("close", lid, "--by", "li")
    assert closed.stdout == f"alarm {lid} is closed\n"
    listed = alarm("list", "--json")
    assert listed.returncode == 0, "what is acknowledged waits for nobody"
    (row,) = json.loads(listed.stdout)
    assert (row["acknowledged_by"], row["silent_until"][:16]) == ("li", hour[:16])

    town.deliver(event(3, facts[1], at=stamp(now)), now=now)
    assert alarm("list").returncode == 1
    begun = alarm("maintenance", "east-gate", "--by", "li", "--reason", "new lid", "--until", hour)
    assert begun.returncode == 0, begun.stderr
    assert alarm("list").returncode == 0
    assert alarm("maintenance", "east-gate", "--by", "li", "--end").returncode == 0
    assert alarm("list").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("ack", "12", "--by", "li", "--reason", "x", "--until", "2099-01-01T00:00"),
            "no number of a station's",
        ),
        (("ack", "s12", "--by", "li", "--reason", "x", "--until", "2099-01-01T00:00"), "no open alarm s12"),
        (("ack", "s12", "--by", "li", "--reason", "x"), "Give --until"),
        (("close", "s12", "--by", "li"), "no open alarm s12"),
        (("close", "12", "--by", "li"), "no open alarm 12"),
        (("maintenance", "moon", "--by", "li", "--end"), "no station 'moon'"),
        (("maintenance", "moon", "--by", "li"), "or --end"),
        (("maintenance", "moon", "--by", "li", "--until", "x"), "or --end"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    town: Town, config: Path, tongzhan: Run, arguments: tuple[str, ...], said: str
) -> None:
    assert town.community.pk
    refused = _alarm(tongzhan, config)(*arguments)
    assert refused.returncode == 2
    assert said in refused.stderr


def _alarm(tongzhan: Run, config: Path) -> Run:
    return lambda *arguments: tongzhan("ledger", "alarm", *arguments, "--config", config)
