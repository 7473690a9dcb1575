"""Drains a week of events while a station runs: a full journal, a broker, a ledger, a sync process."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.errors import InputError
from config.ledger import load_ledger
from edge.station_file import load_station
from edge.sync.keys import make_keys
from edge.sync.outbox import Outbox
from scripts.bench.sync import BROKER, fill
from scripts.demonstration.folder import Folder, Ports, any_free_ports
from scripts.demonstration.town import COMMUNITY, ledger_toml
from scripts.testbed.processes import Crew, crew

EPOCH = "a" * 16


BEGINS_S = 60.0
"""Timeout of the first receipt."""


@dataclass(frozen=True, slots=True)
class Drain:
    """A full journal that is not being drained yet."""

    events: int
    _config: Path
    _crew: Crew

    def begin(self) -> None:
        """Start the sync process; return when its first events have their receipt."""
        self._crew.start("sync", ["station", "sync", "--config", str(self._config)])
        until = time.monotonic() + BEGINS_S
        while self.waiting() >= self.events:
            if (fallen := self._crew.fallen()) or time.monotonic() > until:
                raise InputError(fallen or "no event was drained", "see the logs of sync and ingest")
            time.sleep(0.05)

    def waiting(self) -> int:
        """Return how many events still wait for a receipt."""
        with closing(Outbox(Path(load_station(self._config).station.state_dir))) as outbox:
            return outbox.depth()


@contextmanager
def draining(config: Path, events: int) -> Iterator[Drain]:
    """Fill the journal of a station of the town's community, and start everything to drain it.

    Appends the broker's port to the station's configuration. Everything ends with the context.
    """
    folder, ports = Folder(config.parent / "cloud"), any_free_ports()
    folder.root.mkdir()
    with config.open("a", encoding="utf-8") as file:
        file.write(f"\n[cloud]\nport = {ports.broker}\n")
    _admit(config, folder, ports)
    fill(Path(load_station(config).station.state_dir), EPOCH, events)
    with crew(folder.logs) as ours:
        ours.launch("broker", [sys.executable, "-c", BROKER, str(ports.broker)])
        ours.start("ingest", ["ledger", "ingest", "--config", str(folder.ledger_toml)])
        yield Drain(events, config, ours)


def _admit(config: Path, folder: Folder, ports: Ports) -> None:
    """Make the ledger, and exchange its and the station's keys."""
    from cloud_sync.ledger.install import init  # noqa: PLC0415 (Django, only where something is drained)
    from cloud_sync.ledger.keys import read_card_key, read_signing_key  # noqa: PLC0415 (as above)

    folder.ledger_toml.write_text(ledger_toml("ledger.sqlite3", ports), encoding="utf-8")
    init(folder.ledger_toml)
    from scripts.demonstration.seeding import admit  # noqa: PLC0415 (models need Django set up)

    secrets = load_ledger(folder.ledger_toml).state_dir
    station = load_station(config).station
    state_dir = Path(station.state_dir)
    keys = make_keys(state_dir, read_card_key(secrets, COMMUNITY), read_signing_key(secrets).public_key())
    admit(station.name, keys.signing.public_key().public_bytes_raw().hex(), state_dir, {})
