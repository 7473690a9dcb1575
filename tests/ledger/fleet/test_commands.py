"""`tongzhan ledger station list · show`: what stations say of themselves."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cloud_sync.ledger.stations.registry import retire_station
from cloud_sync.wire.station_state import BinState, StationState, SupplyReading
from tests.ledger.fleet.saying import Saying
from tests.ledger.town import NOW, Town

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
