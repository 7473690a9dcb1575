"""The soak itself: a real community struck down again and again, and nothing lost or counted twice."""

from __future__ import annotations

import faulthandler
import json
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts.soak.plan import Kind
from scripts.soak.system import STATIONS
from scripts.testbed.engines import Tier
from tests.brokers import MISSING
from tests.programs import TONGZHAN, descendants, still_running
from tests.waiting import COMMAND_WITHIN_S, until

SOAK = [*TONGZHAN, "soak"]
LONG_S = 900.0
"""For 200 kills, which took 189 s on two busy cores."""


def soaked(*options: str, within_s: float) -> dict[str, Any]:
    done = subprocess.run(
        [*SOAK, "--json", *options], capture_output=True, text=True, timeout=within_s, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def assert_sound(report: dict[str, Any], kills: int) -> None:
    assert report["ok"]
    assert report["problems"] == []
    assert report["faults"][Kind.KILL] == kills
    assert report["lost"] == report["twice"] == 0
    assert report["settled"] + report["held"] + report["lowered"] == report["provisional"] > 0
    assert report["verify"]["ok"] is True
    assert all(report["told_of"][station] > 0 for station in STATIONS), "a witness at every station"
    assert all(report["outcomes"][outcome] > 0 for outcome in ("right", "wrong", "unsure"))
    assert report["verify"]["sum"] == 0


def test_fifteen_kills_and_other_faults_lose_nothing_and_count_nothing_twice() -> None:
    report = soaked("--seed", "2", "--kills", "15", within_s=240)
    assert_sound(report, 15)
    assert report["told"] >= 50
    assert len(report["timeline"]) == sum(report["faults"].values()) > 15
    assert report["replay"] == "tongzhan soak --engine iotcore-sqlite --seed 2 --kills 15"


def test_a_few_kills_of_what_ships_for_a_town_lose_nothing_and_count_nothing_twice() -> None:
    if shutil.which("mosquitto") is None:
        pytest.skip(MISSING)
    options = ("--seed", "5", "--kills", "3", "--visits", "10", "--engine", Tier.TOWN)
    assert_sound(soaked(*options, within_s=COMMAND_WITHIN_S), 3)


@pytest.fixture
def patience() -> None:
    """More than the five minutes after which pyproject.toml has a test ended with all others."""
    faulthandler.dump_traceback_later(LONG_S + 60, exit=True)


@pytest.mark.full
@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("tier", list(Tier))
def test_two_hundred_kills_lose_nothing_and_count_nothing_twice(tier: Tier) -> None:
    if tier is Tier.TOWN and shutil.which("mosquitto") is None:
        pytest.skip(MISSING)
    report = soaked("--seed", "1", "--kills", "200", "--engine", tier, within_s=LONG_S)
    assert_sound(report, 200)
    assert all(report["faults"][kind] > 0 for kind in Kind)
    assert all(report["awards_of"][station] > 0 for station in STATIONS)


def test_ctrl_c_ends_a_soak_with_all_its_processes_and_its_folder(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [*SOAK, "--seed", "1", "--kills", "100"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    with running:
        assert running.stderr is not None
        while "records" not in running.stderr.readline():
            assert running.poll() is None, running.communicate()
        children = descendants(running.pid)
        assert len(children) >= 5
        running.send_signal(signal.SIGINT)
        _, complaint = running.communicate(timeout=COMMAND_WITHIN_S)
    assert running.returncode == 130
    assert "Traceback" not in complaint
    until(lambda: not still_running(children), "nothing is left running")
    assert [
        folder.name for folder in tmp_path.iterdir() if not folder.name.startswith("tongzhan-ports-")
    ] == []


def test_a_folder_to_keep_that_holds_something_is_named_with_its_mend(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    done = subprocess.run(
        [*SOAK, "--keep", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=COMMAND_WITHIN_S,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path} is not empty; name a new folder with --keep\n"
