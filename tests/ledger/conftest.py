"""One Django for the whole run; for each test a fresh copy of a prepared database."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connections

from cloud_sync.ledger import install
from config.ledger import load_ledger
from tests.running.shared import made_once

LEDGER_TOML = """
[ledger]
community = "sunny-garden"
name_zh = "阳光花园"
name_en = "Sunny Garden"
database = "ledger.sqlite3"
state_dir = "state"

[pages]
allowed_hosts = ["127.0.0.1", "localhost", "testserver"]
"""


def ledger_toml(database: str) -> str:
    """A configuration for that database, with the keys of the prepared ledger; it may be lengthened."""
    return LEDGER_TOML.replace("ledger.sqlite3", database).replace('"state"', f'"{PREPARED}/state"')


# A browser's test leaves an event loop in the main thread, by which Django would refuse to touch the
# database; here nothing else runs in that loop.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

# Test modules import models while pytest collects them, so Django must be set up before any fixture.
PREPARED = Path(tempfile.mkdtemp(prefix="tongzhan-ledger-"))
atexit.register(shutil.rmtree, PREPARED, ignore_errors=True)
(PREPARED / "ledger.toml").write_text(LEDGER_TOML, encoding="utf-8")
with made_once("ledger", PREPARED):
    install.init(PREPARED / "ledger.toml")
    connections.close_all()

from cloud_sync.ledger.db.database import prepare  # noqa: E402 (as above)
from cloud_sync.ledger.stations.models import Community  # noqa: E402
from tests.engines import Engine, Tier, postgres_copies, sqlite_copies  # noqa: E402
from tests.ledger.calling import call  # noqa: E402
from tests.ledger.switching import use_database  # noqa: E402
from tests.ledger.town import Town  # noqa: E402
from tests.postgres import Postgres, postgres_server  # noqa: E402


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for all tests of this process, with the database `prepared`."""
    try:
        with postgres_server() as server:
            server.run("CREATE DATABASE prepared")
            config = PREPARED / "postgres.toml"
            config.write_text(ledger_toml(server.url("prepared")), encoding="utf-8")
            config.chmod(0o600)  # it holds a password
            use_database(server.url("prepared"))
            prepare(load_ledger(config))
            connections.close_all()
            yield server
            connections.close_all()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Database and broker of this test: a laptop's, unless the test asks for others (tests/engines.py)."""
    tier: Tier = getattr(request, "param", Tier.LAPTOP)
    with ExitStack() as stack:
        if tier is Tier.LAPTOP:
            fresh = sqlite_copies(PREPARED / "ledger.sqlite3", tmp_path)
        else:
            fresh = stack.enter_context(postgres_copies(request.getfixturevalue("postgres"), "prepared"))
        stack.callback(connections.close_all)
        made = Engine(tier, tmp_path, fresh)
        stack.callback(made.stop)
        yield made


@pytest.fixture
def new_database(engine: Engine) -> Callable[[], str]:
    """Give a function that puts a fresh ledger database in place of the last one."""

    def fresh() -> str:
        connections.close_all()
        name = engine.new_database()
        use_database(name)
        return name

    return fresh


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """This test's own ledger database, as `database` in a ledger.toml names it."""
    return new_database()


@pytest.fixture
def config(database: str, tmp_path: Path, free_port: Callable[[], int]) -> Path:
    """A ledger.toml by which another process works on this test's database, with ports of its own."""
    file = tmp_path / "ledger.toml"
    text = f"{ledger_toml(database)}\nport = {free_port()}\n\n[broker]\nport = {free_port()}\n"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)  # it may hold a password
    return file


@pytest.fixture
def tongzhan() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give a function that runs one `tongzhan` command line to its end (tests/ledger/calling.py)."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return call([*map(str, arguments)], PREPARED / "state")

    return run


@pytest.fixture
def town(database: str) -> Town:
    """The community of this test's database."""
    assert database
    return Town(Community.objects.get())
