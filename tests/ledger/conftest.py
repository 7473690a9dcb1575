"""One Django for the whole run; for each test a fresh copy of a prepared SQLite file."""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud_sync.ledger import install

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

TONGZHAN = "from scripts.cli import main; main()"
"""The command line as another process runs it."""

# A browser's test leaves an event loop in the main thread, by which Django would refuse to touch the
# database; here nothing else runs in that loop.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

# Test modules import models while pytest collects them, so Django must be set up before any fixture.
PREPARED = Path(tempfile.mkdtemp(prefix="tongzhan-ledger-"))
atexit.register(shutil.rmtree, PREPARED, ignore_errors=True)
(PREPARED / "ledger.toml").write_text(LEDGER_TOML, encoding="utf-8")
install.init(PREPARED / "ledger.toml")

from django.db import connections  # noqa: E402 (as above)

from cloud_sync.ledger.stations.models import Community  # noqa: E402
from tests.ledger.town import Town  # noqa: E402

connections.close_all()


@pytest.fixture
def new_database(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Give a function that puts a fresh ledger database, a real file, in place of the last one."""
    numbers = itertools.count()

    def fresh() -> Path:
        connections.close_all()
        file = tmp_path / f"ledger-{next(numbers)}.sqlite3"
        shutil.copy(PREPARED / "ledger.sqlite3", file)
        connections["default"].settings_dict["NAME"] = str(file)
        return file

    yield fresh
    connections.close_all()


@pytest.fixture
def database(new_database: Callable[[], Path]) -> Path:
    """This test's own ledger database."""
    return new_database()


@pytest.fixture
def config(database: Path, free_port: Callable[[], int]) -> Path:
    """A ledger.toml by which another process works on this test's database, with ports of its own."""
    file = database.with_name("ledger.toml")
    text = LEDGER_TOML.replace("ledger.sqlite3", str(database)).replace('"state"', f'"{PREPARED}/state"')
    file.write_text(f"{text}\nport = {free_port()}\n\n[broker]\nport = {free_port()}\n", encoding="utf-8")
    return file


@pytest.fixture
def tongzhan() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give a function that runs one `tongzhan` command line to its end."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", TONGZHAN, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.fixture
def town(database: Path) -> Town:
    """The community of this test's database."""
    assert database.is_file()
    return Town(Community.objects.get())
