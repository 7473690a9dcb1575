"""A station whose lid and reader hang on the firmware in C, built for this machine: a visit, and a check."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.firmware_bridge.conformance.device import Device
from tests.firmware_bridge.firmware.rigs import host_rig
from tests.station.conftest import CHECKOUT, Site
from tests.station.test_controller_station import CONTROLLER, tap_until_open
from tests.waiting import COMMAND_WITHIN_S, until


@pytest.fixture
def firmware(site: Site) -> Iterator[Device]:
    """Give the firmware of a station whose configuration names it."""
    with host_rig() as device:
        text = site.config.read_text(encoding="utf-8").partition("[bin.lid]")[0]
        text = text.replace(f'port = "{site.wire.path}"', 'controller = "mcu"\nnumber = 0')
        site.config.write_text(text + CONTROLLER.format(port=device.path), encoding="utf-8")
        site.init()
        yield device


def answer(site: Site, *arguments: str) -> dict[str, Any]:
    """Have one of the station's commands print JSON, whatever its status."""
    command = [*site.command(*arguments), "--json"]
    done = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, timeout=COMMAND_WITHIN_S, check=False
    )
    assert done.returncode in {0, 1}, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def test_a_visit_over_wires_is_in_the_journal_and_the_check_finds_its_parts(
    site: Site, firmware: Device
) -> None:
    with site.start("run"):
        tap_until_open(firmware)
        until(lambda: firmware.lid(0) == (0, "off"), "the lid has shut", COMMAND_WITHIN_S)
        until(lambda: visits(site), "the visit is in the journal", COMMAND_WITHIN_S)
    checked = answer(site, "check")
    failed = [part for part in checked["parts"] if part["state"] == "failed"]
    assert failed == [], failed


def visits(site: Site) -> list[dict[str, Any]]:
    journal = site.config.parent / "state" / "journal.sqlite3"
    command = [*site.command("export")[:-2], "--journal", str(journal), "--json"]
    done = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, timeout=COMMAND_WITHIN_S, check=True
    )
    return [event for event in json.loads(done.stdout)["events"] if event["kind"] == "visit"]
