"""The ledger to measure: its prepared databases, and how to switch between them."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cloud_sync.ledger import install
from scripts.testbed.ports import free_port
from scripts.testbed.postgres import OWNER, Postgres, find_programs, within_reach

if TYPE_CHECKING:
    from cloud_sync.ledger.stations.models import Community

LEDGER_TOML = """
[ledger]
community = "bench"
name_zh = "测试"
name_en = "Bench"
database = "{database}"
state_dir = "state"
rules = ["rules.toml"]
daily_mint_limit = 1000000000
"""
RULES_TOML = """
version = 1
[right]
recyclable = 2
kitchen = 2
hazardous = 5
other = 1
[points]
neutral = 1
wrong = 0
[daily]
points = 10000
deposits = 1000
"""


@dataclass(frozen=True, slots=True)
class BenchDatabase:
    """One prepared database of this process's ledger."""

    name: str
    """A SQLite file, or a database of the PostgreSQL server."""
    address: str
    """The driver's address: the same, or a URL."""

    def enter(self) -> None:
        """Have Django use this database from now on."""
        from django.db import connections  # noqa: PLC0415 (Django is set up while the benchmark runs)

        connection = connections["default"]
        if connection.settings_dict["NAME"] != self.name:
            connection.close()
            connection.settings_dict["NAME"] = self.name

    def community(self) -> Community:
        """The community of this database; call `enter` before."""
        from cloud_sync.ledger.stations.models import Community  # noqa: PLC0415

        return Community.objects.get()


@contextmanager
def places(database: str, folder: Path, count: int) -> Iterator[Sequence[BenchDatabase]]:
    """Prepare databases of a kind (`sqlite` or `postgres`), and set Django up for the first."""
    (folder / "rules.toml").write_text(RULES_TOML, encoding="utf-8")
    if database == "sqlite":
        files = [folder / f"ledger-{number}.sqlite3" for number in range(count)]
        yield _prepared(folder, [BenchDatabase(str(file), str(file)) for file in files])
        return
    with _server(folder) as server:
        names = [f"ledger_{number}" for number in range(count)]
        yield _prepared(folder, [BenchDatabase(name, _made(server, name)) for name in names])


def _prepared(folder: Path, made: Sequence[BenchDatabase]) -> Sequence[BenchDatabase]:
    config = folder / "ledger.toml"
    config.write_text(LEDGER_TOML.format(database=made[0].address), encoding="utf-8")
    config.chmod(0o600)  # it may hold a password
    install.init(config)
    from django.conf import settings  # noqa: PLC0415 (Django is set up now)

    from cloud_sync.ledger.db.database import prepare  # noqa: PLC0415

    for place in made[1:]:
        place.enter()
        prepare(settings.LEDGER)
    return made


@contextmanager
def _server(folder: Path) -> Iterator[Postgres]:
    """Start our own PostgreSQL, with every commit synced to the disk."""
    server = Postgres(within_reach(find_programs(), folder), folder / "postgres", free_port())
    server.make()
    with (folder / "postgres.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 (PostgreSQL's own program, no shell)
            server.command, stdout=log, stderr=log, cwd=server.folder, user=server.user, group=server.user
        )
    try:
        _wait(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGINT)  # SIGTERM would wait for our own connections to end
        process.wait(60)


def _wait(server: Postgres, process: subprocess.Popen[bytes]) -> None:
    while not server.answers():
        if process.poll() is not None:
            raise RuntimeError("PostgreSQL did not start")


def _made(server: Postgres, name: str) -> str:
    import psycopg  # noqa: PLC0415 (only this kind of database needs it)

    address = f"postgresql://{OWNER}:{server.password}@127.0.0.1:{server.port}/"
    with psycopg.connect(f"{address}postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return address + name
