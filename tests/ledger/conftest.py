"""One Django for the whole run; for each test a fresh copy of a prepared SQLite file."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
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
def database(tmp_path: Path) -> Iterator[Path]:
    """This test's own ledger database, a real file."""
    file = tmp_path / "ledger.sqlite3"
    shutil.copy(PREPARED / "ledger.sqlite3", file)
    connections["default"].settings_dict["NAME"] = str(file)
    yield file
    connections.close_all()


@pytest.fixture
def town(database: Path) -> Town:
    """The community of this test's database."""
    assert database.is_file()
    return Town(Community.objects.get())
