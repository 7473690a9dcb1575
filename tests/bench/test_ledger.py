"""The ledger's benchmark, small."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.postgres import MISSING, find_programs
from tests.programs import TONGZHAN

DATABASES = [
    "sqlite",
    pytest.param(
        "postgres", marks=[pytest.mark.full, pytest.mark.skipif(find_programs() is None, reason=MISSING)]
    ),
]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*TONGZHAN, "bench", "ledger", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.parametrize("database", DATABASES)
def test_it_settles_every_event_by_either_database_above_few_rows_and_above_many(database: str) -> None:
    done = bench("--db", database, "--events", "1000", "--stored", "4000", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["name"] == "ledger"
    assert result["unit"] == "events/s"
    assert result["ratio"] > 0
    assert result["ours"] > 0
    assert result["limit"] > 0
    assert result["peers"]["lean"] > 0
    details = result["details"]
    assert details["messages_together"] > 1
    assert min(details["events_s_together"], details["limit_together"], details["lean_together"]) > 0
    assert details["ratio_together"] > 0
    assert details["transfers_above_400"] == details["transfers_above_4000"] == 1000
    assert details["scale"] > 0


def test_without_a_stock_it_says_nothing_of_scale() -> None:
    done = bench("--events", "1000")
    assert done.returncode == 0, done.stderr
    assert "scale" not in done.stdout
    assert "ratio" in done.stdout


def test_the_limit_stores_the_very_rows_that_the_ledger_stored() -> None:
    done = subprocess.run([sys.executable, "-c", COMPARE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ours, limit = (json.loads(line) for line in done.stdout.splitlines())
    assert ours == limit
    assert ours["points_transfer"][0] == ours["points_visitsettlement"][0] == 600


COMPARE = """
import json, logging, sqlite3, tempfile
from datetime import UTC, datetime
from pathlib import Path
from scripts.bench.ledger import run as ledger
from scripts.bench.ledger.databases import places
from scripts.bench.ledger.raw_sql import Copied

logging.disable(logging.WARNING)
now = datetime.now(UTC)
with tempfile.TemporaryDirectory() as folder, places("sqlite", Path(folder), 2) as made:
    from django.db import connection
    messages = ledger._prepare(made[0], 0, 6, now)
    ledger._prepare(made[1], 0, 0, now)
    same, lean = ledger._same("sqlite", made[1]), ledger._lean("sqlite", Path(folder), made[0])
    course = ledger.Course([(made[0], messages)], same, lean, Copied(0), now)
    course.race(0, 3, 1, 1)
    course.race(3, 3, 3, 1)
    connection.close()
    for place in made:
        database = sqlite3.connect(place.address)
        tables = ("stations_event", "points_visitsettlement", "points_transfer", "points_account",
                  "points_minted", "stations_epoch", "points_chainhead")
        rows = {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in tables}
        print(json.dumps({name: (len(found), sorted(map(str, found))) for name, found in rows.items()}))
"""
