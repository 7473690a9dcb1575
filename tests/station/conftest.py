"""A real station on this machine: its own commands, lids that outlive them, and a reader on a pty."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from cloud_sync.wire.envelope import decode_event
from cloud_sync.wire.facts import VisitFacts
from config.wiring import HBridgeLid
from edge.journal.schema import JOURNAL_FILE
from edge.station_file import load_station
from tests.edge.workbench import by_hand, rows
from tests.firmware_bridge.wire import Wire
from tests.station.plant import Levels, Plant
from tests.waiting import COMMAND_WITHIN_S, WITHIN_S, tried

FRAME = b"\x0262E3086CED08\x03"
KEY = "11" * 32
LEASE_S, TRAVEL_S = 5.0, 2.0
QUICK_S = 0.3
"""How long the lid travels: far less than it may, so that a busy machine is not taken for a stuck lid."""
TOML = f"""
[station]
community = "lane"
name = "gate"
devices = "real"
state_dir = "state"
runtime_dir = "run"
[visit]
lease_s = {LEASE_S}
travel_s = {TRAVEL_S}
linger_s = 0.1
held_card_s = 0.2
[[reader]]
id = "gate"
port = "reader"
[[bin]]
id = "kitchen"
category = "kitchen"
reader = "gate"
[bin.lid]
kind = "h_bridge"
open_pin = 17
close_pin = 27
opened_switch = 22
closed_switch = 23
obstruction = 24
"""
TAP_AGAIN_S = 1.0
"""Longer than a held card is one tap, shorter than anybody's patience."""
CHECKOUT = Path(__file__).resolve().parents[2]
CAMERA = """
[[camera]]
id = "over"
source = "/dev/null"
"""


class Site:
    """A folder with a station's files, its pins and its lid."""

    def __init__(self, folder: Path, wire: Wire) -> None:
        self.config = folder / "station.toml"
        self.config.write_text(TOML.replace('"reader"', f'"{wire.path}"', 1), encoding="utf-8")
        self.settings = load_station(self.config)
        self.wire = wire
        self.pins = folder / "pins"
        self.levels = Levels(self.pins)
        lid = self.settings.bin[0].lid
        assert isinstance(lid, HBridgeLid)
        self.plant = Plant(self.levels, lid, QUICK_S)
        self.runtime = Path(self.settings.station.runtime_dir)

    def command(self, *arguments: str) -> list[str]:
        plant = [sys.executable, "-m", "tests.station.plant", str(self.pins)]
        return [*plant, "station", *arguments, "--config", str(self.config)]

    @contextmanager
    def start(self, *arguments: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """Start one of the station's processes; whatever becomes of it, it is gone afterwards."""
        process = subprocess.Popen(
            self.command(*arguments), cwd=CHECKOUT, env=os.environ | (env or {}), stderr=subprocess.PIPE
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(WITHIN_S)
            assert process.stderr is not None
            process.stderr.close()

    def release(self) -> None:
        """What the keeper's unit does after its process, ExecStopPost."""
        subprocess.run(self.command("lids", "--release"), cwd=CHECKOUT, check=True, timeout=COMMAND_WITHIN_S)

    def init(self) -> None:
        """Make the station's keys."""
        key = self.config.with_name("card.key")
        key.touch(0o600)
        key.write_text(KEY, encoding="ascii")
        keys = ["--card-key", str(key), "--ledger-key", KEY]
        subprocess.run(
            self.command("init", *keys),
            cwd=CHECKOUT,
            check=True,
            timeout=COMMAND_WITHIN_S,
            capture_output=True,
        )

    def add_camera(self) -> None:
        """Have a camera look into the bin, one that gives no picture."""
        text = self.config.read_text(encoding="utf-8").replace("[[bin]]", f"{CAMERA}[[bin]]", 1)
        text = text.replace("[bin.lid]", 'camera = "over"\n[bin.lid]', 1)
        self.config.write_text(text, encoding="utf-8")

    def shown(self) -> dict[str, Any]:
        """Give what the station left for its screen."""
        try:
            shown: dict[str, Any] = json.loads((self.runtime / "state.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return shown

    def faults(self) -> set[str]:
        """Give the faults that the screen shows."""
        return {fault["code"] for fault in self.shown().get("faults", [])}

    def visits(self) -> list[VisitFacts]:
        """Give the visits that the station has kept; none before it has made its journal."""
        file = Path(self.settings.station.state_dir) / JOURNAL_FILE
        if rows(file, "sqlite_master") == 0:
            return []
        kept = by_hand(file, "SELECT event FROM outbox")
        facts = [decode_event(event).facts for (event,) in kept if isinstance(event, bytes)]
        return [one for one in facts if isinstance(one, VisitFacts)]

    def hold_card(self) -> None:
        """Tap a card, again and again with pauses, until the lid's motor opens it."""
        opens = "the lid opens for a card"
        tried(lambda: self.wire.send(2 * FRAME), lambda: self.plant.way == 1, opens, TAP_AGAIN_S)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    wire = Wire(tmp_path / "reader")
    wire.plug_in()
    site = Site(tmp_path, wire)
    with site.plant:
        yield site
    wire.unplug()
