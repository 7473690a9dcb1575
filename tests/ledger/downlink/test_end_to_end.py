"""From the office to the lid: worker, pages, broker and a station's own process, over both tiers."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud_sync.ledger.households.cards import bind_card, set_staff_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.keys import read_card_key, read_signing_key
from cloud_sync.ledger.stations.registry import add_station
from cloud_sync.wire.facts import Credential, Role
from config.ledger import load_ledger
from edge.downlink.cards import LedgerCards
from edge.downlink.folder import DownFolder
from edge.messages import Granted, Refused, Tapped
from edge.roster import CardState
from edge.sync.keys import make_keys
from edge.visit.access import decide
from scripts.testbed.processes import Crew, crew
from tests.engines import BOTH, Engine
from tests.ledger.conftest import PREPARED, ledger_toml
from tests.ledger.town import NOW, Town, card
from tests.station.test_composition import BIN, STATION
from tests.waiting import COMMAND_WITHIN_S, answers, until

pytestmark = BOTH


@pytest.fixture
def ledger(database: str, engine: Engine, tmp_path: Path, free_port: Callable[[], int]) -> Path:
    """A ledger.toml of this test's database and broker."""
    file = tmp_path / "ledger.toml"
    pages, broker = free_port(), engine.broker.port
    file.write_text(
        f"{ledger_toml(database)}\nport = {pages}\n\n[broker]\nport = {broker}\n", encoding="utf-8"
    )
    file.chmod(0o600)
    return file


@pytest.fixture
def station(ledger: Path, engine: Engine, town: Town, tmp_path: Path) -> Path:
    """The station.toml of a station that this ledger has admitted."""
    file = tmp_path / "station.toml"
    text = STATION.format(model="").replace('"lane"', '"sunny-garden"') + BIN.format("kitchen")
    url = load_ledger(ledger).url
    file.write_text(f'{text}\n[cloud]\nport = {engine.broker.port}\nledger_url = "{url}"\n', encoding="utf-8")
    secrets = PREPARED / "state"
    keys = make_keys(
        tmp_path / "state", read_card_key(secrets, "sunny-garden"), read_signing_key(secrets).public_key()
    )
    add_station(town.community, "gate", keys.signing.public_key().public_bytes_raw().hex(), NOW)
    return file


@pytest.fixture
def running(ledger: Path, station: Path, tmp_path: Path) -> Iterator[Crew]:
    """The ledger's worker and pages, and the station's sync."""
    with crew(tmp_path / "logs") as ours:
        ours.start("serve", ["ledger", "serve", "--config", str(ledger)])
        ours.start("ingest", ["ledger", "ingest", "--config", str(ledger)])
        url = load_ledger(ledger).url
        until(lambda: answers(f"{url}/healthz"), "the pages", COMMAND_WITHIN_S)
        ours.start("sync", ["station", "sync", "--config", str(station)])
        yield ours


def tap(number: int) -> Tapped:
    return Tapped(0.0, "at-kitchen", card(number), Credential.EM4100)


def test_a_card_blocked_at_the_ledger_opens_nothing_at_the_station_and_staff_is_staff_here_alone(
    town: Town,
    running: Crew,
    ledger: Path,
    tmp_path: Path,
    tongzhan: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    bind_card(add_household(town.community, "3-2-501", "Wang"), card(1), NOW)
    set_staff_card(town.community, card(2))
    cards = LedgerCards(DownFolder(tmp_path / "state", "sunny-garden"))
    until(lambda: len(cards.entries()) == 2, "the roster", COMMAND_WITHIN_S)
    granted = decide(tap(2), cards.entries())
    assert isinstance(granted, Granted)
    assert granted.role is Role.STAFF
    elsewhere = LedgerCards(DownFolder(tmp_path / "state", "lotus-lane"))
    assert elsewhere.entries() == {}

    told = tongzhan(
        *("ledger", "card", "block", card(1), "--by", "Li", "--reason", "lost", "--config", ledger)
    )
    assert told.returncode == 0, told.stderr
    until(lambda: cards.entries()[card(1)].state is CardState.BLOCKED, "the block", COMMAND_WITHIN_S)
    assert isinstance(decide(tap(1), cards.entries()), Refused)
    assert running.pid("sync") is not None
