"""A week of events that is drained beside a station: a full journal, a broker, a ledger, its sync process."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cloud_sync.award_rules import AwardRules
from cloud_sync.facts import Credential, DepositFacts, OpeningFacts, Role, Stamp, VerdictFacts, VisitFacts
from config.ledger import load_ledger
from config.load import load_toml
from config.load_station import load_station
from config.sorting import Category
from edge.journal import SqliteJournal
from edge.keys import make_keys
from models.verdict import VerdictState
from scripts.demonstration.places import Folder, any_free_ports
from scripts.demonstration.processes import crew
from scripts.demonstration.town import ledger_toml

if TYPE_CHECKING:
    from scripts.demonstration.places import Ports

EPOCH = "feedfacefeedface"
HOUSEHOLDS = 4400
WEEK_S = 7 * 86_400
_BROKER = "import sys; from iotcore import Broker; Broker(int(sys.argv[1]), '127.0.0.1').run_forever()"


@contextmanager
def draining(config: Path, events: int) -> Iterator[None]:
    """Fill the journal of a station of the town's community, and have its sync process drain it.

    Appends the broker's port to the station's configuration. Everything ends with the block.
    """
    folder, ports = Folder(config.parent / "cloud"), any_free_ports()
    folder.root.mkdir()
    with config.open("a", encoding="utf-8") as file:
        file.write(f"\n[cloud]\nport = {ports.broker}\n")
    _admit(config, folder, ports)
    _fill(config, events)
    with crew(folder.logs) as ours:
        ours.launch("broker", [sys.executable, "-c", _BROKER, str(ports.broker)])
        ours.start("ingest", ["ledger", "ingest", "--config", str(folder.ledger_toml)])
        ours.start("sync", ["station", "sync", "--config", str(config)])
        yield


def _fill(config: Path, events: int) -> None:
    place = load_station(config).station
    rules = load_toml(Path(place.rules), AwardRules)
    journal = SqliteJournal(Path(place.state_dir), EPOCH, rules, ZoneInfo(place.timezone))
    began = time.time() - WEEK_S
    for number in range(events):
        wall_s = began + number * WEEK_S / events
        stamp = Stamp(wall_s=wall_s, trusted=True, boot="bench", monotonic_s=float(number))
        journal.record_visit(_visit(number, rules.version), stamp)
    journal.close()


def _visit(number: int, rules: int) -> VisitFacts:
    verdict = VerdictFacts(
        state=VerdictState.OK, probability=0.97, model="waste-0", category=Category.KITCHEN, label="peel"
    )
    return VisitFacts(
        card=f"{number % HOUSEHOLDS:064x}",
        credential=Credential.EM4100,
        role=Role.RESIDENT,
        duration_s=12.0,
        openings=(OpeningFacts(bin="b0", opened_s=0.3, closed_s=9.0),),
        deposits=(DepositFacts(bin="b0", bin_category=Category.KITCHEN, at_s=4.0, verdict=verdict),),
        rules=rules,
        provisional=0,  # the journal prices it
    )


def _admit(config: Path, folder: Folder, ports: Ports) -> None:
    """Make the ledger, and have it and the station know each other's keys."""
    from cloud_sync.ledger.install import init  # noqa: PLC0415 (Django, only where something is drained)
    from cloud_sync.ledger.keys import read_card_key, read_signing_key  # noqa: PLC0415 (as above)

    folder.ledger_toml.write_text(ledger_toml("ledger.sqlite3", ports), encoding="utf-8")
    init(folder.ledger_toml)
    from scripts.demonstration.seeding import admit  # noqa: PLC0415 (models need Django set up)

    secrets = load_ledger(folder.ledger_toml).state_dir
    station = load_station(config).station
    state_dir = Path(station.state_dir)
    keys = make_keys(state_dir, read_card_key(secrets), read_signing_key(secrets).public_key())
    admit(station.name, keys.signing.public_key().public_bytes_raw().hex(), state_dir, {})
