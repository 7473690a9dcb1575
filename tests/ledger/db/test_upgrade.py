"""An upgrade that is killed in the middle, over both databases, from a database of the first version."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.db.upgrade import upgrade
from cloud_sync.ledger.points.models import Account, Transfer
from tests.conftest import CHECKOUT
from tests.engines import BOTH, Engine, Tier
from tests.ledger.conftest import PREPARED
from tests.ledger.switching import use_database
from tests.ledger.town import RIGHT, card, event, rules, visit_facts
from tests.postgres import Postgres

pytestmark = BOTH
FIRST = [("stations", "0001_initial"), ("points", "0001_initial")]
CAME = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
DEATHS = 20
"""Upgrades of the long run that are killed, each of a database of its own."""
ROUNDS = 8
"""Upgrades that are killed, each a little further on than the last."""


@pytest.fixture
def old_database(engine: Engine, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], None]:
    """Put a database of the first version, with two visits in it, in place of the last one."""
    numbers = iter(range(1000))

    def fresh() -> None:
        number = next(numbers)
        name = str(tmp_path / f"old-{number}.sqlite3")
        if engine.tier is Tier.TOWN:
            server: Postgres = request.getfixturevalue("postgres")
            server.run(f"CREATE DATABASE old_{number}")
            request.addfinalizer(lambda: server.run(f"DROP DATABASE old_{number} WITH (FORCE)"))
            name = server.url(f"old_{number}")
        use_database(name)
        request.addfinalizer(connections.close_all)
        executor = MigrationExecutor(connection)
        executor.migrate(FIRST)
        fill(executor.loader.project_state(FIRST).apps)

    return fresh


def fill(apps: Any) -> None:  # noqa: ANN401 (Django's registry of a past version)
    """Two held visits, as the first version wrote them."""
    community = apps.get_model("stations", "Community").objects.create(
        slug="sunny-garden", name_zh="阳光花园", name_en="Sunny Garden", timezone="Asia/Shanghai"
    )
    apps.get_model("points", "Rules").objects.create(
        community=community, version=1, body=msgspec.json.encode(rules(1), order="sorted")
    )
    station = apps.get_model("stations", "Station").objects.create(community=community, slug="east-gate")
    accounts = apps.get_model("points", "Account").objects
    issuing = accounts.create(community=community, kind="issuing", balance=-4)
    suspense = accounts.create(community=community, kind="suspense", balance=4)
    apps.get_model("stations", "Epoch").objects.create(
        station=station, epoch="00000000000000aa", through=2, updated=CAME
    )
    for sequence in (1, 2):
        body = event(sequence, visit_facts(1, RIGHT, provisional=2))
        row = apps.get_model("stations", "Event").objects.create(
            station=station, epoch="00000000000000aa", sequence=sequence, kind="visit", body=body,
            digest=hashlib.sha256(body).hexdigest(), received_at=CAME, state="applied",
        )  # fmt: skip
        apps.get_model("points", "VisitSettlement").objects.create(
            event=row, community=community, card_hash=card(1), happened_at=CAME, local_day=CAME.date(),
            provisional=2, settled=0, held=2, lowered=0, held_by="unknown_card", counted=1,
        )  # fmt: skip
        apps.get_model("points", "Transfer").objects.create(
            id=f"{sequence:064x}", debit=issuing, credit=suspense, points=2, event=row, purpose="hold",
            created_at=CAME,
        )  # fmt: skip


class Dying:
    """Upgrades the database of the moment in a process of its own, and kills it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def after(self, statements: int) -> bool:
        """Whether an upgrade came so far that it was killed before its statement of that number."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        connections.close_all()
        print("upgrade", statements, named(), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer in {"killed\n", "done\n"}, "see the test's stderr"
        return answer == "killed\n"


@pytest.fixture
def killed() -> Iterator[Dying]:
    command = [sys.executable, "-m", "tests.ledger.dying", str(PREPARED / "ledger.toml")]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Dying(process)
        assert process.stdin is not None
        process.stdin.close()


def named() -> str:
    """The database of the moment, as a ledger.toml says it."""
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        return str(at["NAME"])
    return f"postgresql://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


def written() -> int:
    """How many statements an upgrade of the old database takes."""
    counted = 0

    def count(execute: Any, *arguments: Any) -> Any:  # noqa: ANN401 (Django's wrapper)
        nonlocal counted
        counted += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        upgrade()
    return counted


def test_an_upgrade_killed_anywhere_is_finished_by_the_next(
    old_database: Callable[[], None], killed: Dying
) -> None:
    old_database()
    whole = written()
    applied = set(MigrationRecorder(connection).applied_migrations())
    assert whole > 50
    old_database()
    deaths = [killed.after(number * whole // ROUNDS) for number in range(ROUNDS)]
    upgrade()
    assert sum(deaths) >= 2
    assert set(MigrationRecorder(connection).applied_migrations()) == applied
    assert upgrade() == 0
    assert (Transfer.objects.count(), Account.objects.get(kind="suspense").balance) == (2, 4)
    assert verify().problems == ()


@pytest.mark.full
def test_an_upgrade_killed_at_any_statement_is_finished_by_the_next(
    old_database: Callable[[], None], killed: Dying
) -> None:
    old_database()
    whole = written()
    for statements in range(0, whole, whole // DEATHS):
        old_database()
        assert killed.after(statements)
        upgrade()
        assert verify().problems == ()
        assert Transfer.objects.count() == 2
