"""Backup and restore, over both databases, by the very commands."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.db import triggers
from cloud_sync.ledger.db.backups import back_up, restore
from cloud_sync.ledger.points.models import Transfer
from cloud_sync.ledger.stations.models import Event
from config.errors import InputError
from config.ledger import LedgerSettings, is_postgres, load_ledger
from tests.engines import BOTH, Engine, Tier
from tests.ledger.switching import use_database
from tests.ledger.town import RIGHT, Town, event, visit_facts
from tests.postgres import Postgres

pytestmark = BOTH
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def programs(engine: Engine, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own programs must be those of its server's version."""
    if engine.tier is Tier.TOWN:
        server: Postgres = request.getfixturevalue("postgres")
        monkeypatch.setenv("PATH", f"{server.programs}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def settings(config: Path) -> LedgerSettings:
    return load_ledger(config)


def counted() -> tuple[int, int]:
    return Event.objects.count(), Transfer.objects.count()


def deliver(town: Town, *sequences: int) -> None:
    """Visits of a card each: one card's thirteenth deposit of a day would earn nothing."""
    town.deliver(*(event(number, visit_facts(number, RIGHT, provisional=2)) for number in sequences))


def test_what_came_after_the_backup_is_gone_after_the_restore_and_comes_again(
    town: Town, config: Path, tongzhan: Run, tmp_path: Path
) -> None:
    deliver(town, 1, 2)
    backup = tmp_path / "monday"
    assert tongzhan("ledger", "backup", backup, "--config", config).returncode == 0
    deliver(town, 3)
    connection.close()
    refused = tongzhan("ledger", "restore", backup, "--config", config)
    assert (refused.returncode, "--replace" in refused.stderr) == (2, True)
    done = tongzhan("ledger", "restore", backup, "--replace", "--config", config)
    assert done.returncode == 0, done.stderr
    assert counted() == (2, 2)
    assert town.through() == 2
    deliver(town, 2, 3)
    assert (counted(), town.suspense) == ((3, 3), 6)


def test_a_backup_goes_into_an_empty_place_with_its_keys(
    town: Town,
    settings: LedgerSettings,
    new_database: Callable[[], str],
    engine: Engine,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    deliver(town, 1)
    back_up(settings, tmp_path / "monday")
    empty = tmp_path / "new" / "ledger.sqlite3"
    name = str(empty)
    if engine.tier is Tier.TOWN:
        server: Postgres = request.getfixturevalue("postgres")
        name = new_database()
        connection.close()
        server.run(f"DROP DATABASE {name.rpartition('/')[2]}")
        server.run(f"CREATE DATABASE {name.rpartition('/')[2]}")
    toml = tmp_path / "new.toml"
    toml.write_text(
        f'[ledger]\ncommunity = "sunny-garden"\nname_zh = "a"\nname_en = "a"\n'
        f'database = "{name}"\nstate_dir = "new/state"\n'
    )
    toml.chmod(0o600)  # the address of a PostgreSQL holds a password
    restore(load_ledger(toml), tmp_path / "monday", replace=False)
    use_database(name)
    assert counted() == (1, 1)
    key = Path("communities/sunny-garden/card.key")
    assert (tmp_path / "new/state" / key).read_bytes() == (settings.state_dir / key).read_bytes()


def test_writers_go_on_while_it_is_made_and_it_is_of_one_instant(
    town: Town, settings: LedgerSettings, tmp_path: Path
) -> None:
    deliver(town, 1)
    stopping = threading.Event()

    def write_on() -> None:
        sequence = 1
        while not stopping.is_set():
            sequence += 1
            deliver(town, sequence)
        connection.close()

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        back_up(settings, tmp_path / "monday")
    finally:
        stopping.set()
        writer.join()
    before = counted()
    restore(settings, tmp_path / "monday", replace=True)
    events, transfers = counted()
    assert events == transfers == town.through()
    assert 1 <= events <= before[0]
    assert town.suspense == 2 * events


@pytest.mark.usefixtures("town")
def test_a_backup_is_its_owners_alone(settings: LedgerSettings, tmp_path: Path) -> None:
    back_up(settings, tmp_path / "monday")
    assert stat.S_IMODE((tmp_path / "monday").stat().st_mode) == 0o700
    found = [*(tmp_path / "monday").rglob("*")]
    assert {stat.S_IMODE(file.stat().st_mode) for file in found if file.is_file()} == {0o600}
    assert {stat.S_IMODE(file.stat().st_mode) for file in found if file.is_dir()} == {0o700}


@pytest.mark.usefixtures("town")
def test_nothing_is_overwritten_by_mistake(settings: LedgerSettings, tmp_path: Path) -> None:
    back_up(settings, tmp_path / "monday")
    with pytest.raises(InputError, match="exists already"):
        back_up(settings, tmp_path / "monday")
    (tmp_path / "monday" / "communities/sunny-garden/card.key").write_text("0" * 64)
    with pytest.raises(InputError, match="differs from the backup's key"):
        restore(settings, tmp_path / "monday", replace=True)


@pytest.mark.usefixtures("town")
def test_what_is_no_backup_is_named(settings: LedgerSettings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file .*nowhere"):
        restore(settings, tmp_path / "nowhere", replace=True)
    back_up(settings, tmp_path / "monday")
    (file,) = (tmp_path / "monday").glob("ledger.*")
    file.write_bytes(b"not a database at all" * 100)
    with pytest.raises(InputError):
        restore(settings, tmp_path / "monday", replace=True)
    assert counted() == (0, 0)


def test_a_database_that_somebody_holds_is_not_half_replaced(
    town: Town, settings: LedgerSettings, tmp_path: Path
) -> None:
    if is_postgres(settings.ledger.database):
        pytest.skip("PostgreSQL waits for its locks by itself")
    deliver(town, 1)
    back_up(settings, tmp_path / "monday")
    deliver(town, 2)
    connection.close()
    writer = sqlite3.connect(settings.ledger.database, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(InputError, match="stop the workers"):
        restore(settings, tmp_path / "monday", replace=True, busy_s=0.1)
    writer.execute("ROLLBACK")
    writer.close()
    assert counted() == (2, 2)


def test_a_restored_ledger_refuses_edits_as_before(
    town: Town, settings: LedgerSettings, tmp_path: Path
) -> None:
    deliver(town, 1)
    connection.close()
    back_up(settings, tmp_path / "monday")
    triggers.release()
    for _ in range(2):
        connection.close()
        restore(settings, tmp_path / "monday", replace=True)
        assert verify().ok, verify().problems
