"""The ledger's settings as mypy's Django plugin reads them: of a ledger that exists for that moment only."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from cloud_sync.ledger import CONFIG_VARIABLE
from cloud_sync.ledger.keys import make_keys

LEDGER_TOML = """
[ledger]
community = "typing"
name_zh = "类型"
name_en = "Typing"
database = "ledger.sqlite3"
state_dir = "state"
"""

with TemporaryDirectory() as folder:
    make_keys(Path(folder, "state"))
    Path(folder, "ledger.toml").write_text(LEDGER_TOML, encoding="utf-8")
    os.environ[CONFIG_VARIABLE] = str(Path(folder, "ledger.toml"))
    from cloud_sync.ledger.site.settings import *  # noqa: F403  Django reads a module's names
