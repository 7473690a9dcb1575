"""A worker that is killed at any statement: what came is applied whole or not at all, and once in the end."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from django.db import connection, connections

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.intake.apply import apply_messages
from cloud_sync.ledger.intake.parse import Sent
from tests.ledger.conftest import PREPARED
from tests.ledger.dying import MESSAGES
from tests.ledger.switching import use_database
from tests.ledger.town import HAZARDOUS, NOW, RIGHT, WRONG, Town, card, event, visit_facts

CHECKOUT = Path(__file__).resolve().parents[3]
MOST_STATEMENTS = 400
Rows = dict[str, list[tuple[object, ...]]]


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.ledger.dying", str(PREPARED / "ledger.toml")]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def killed(worker: subprocess.Popen[str], database: Path, statements: int) -> bool:
    """Whether a worker came so far that it was killed before its statement of that number."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    print("apply", statements, database, file=worker.stdin, flush=True)
    answer = worker.stdout.readline()
    assert answer in {"killed\n", "done\n"}, "see the test's stderr"
    return answer == "killed\n"


def content(database: Path) -> Rows:
    """Give every row of every table."""
    use_database(str(database))
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        tables = [name for (name,) in cursor.fetchall()]
        return {name: cursor.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall() for name in tables}  # noqa: S608


@pytest.fixture
def messages(town: Town) -> list[Sent]:
    """Give what three stations sent: visits of known and unknown cards, one again, one to be set aside."""
    bind_card(add_household(town.community, "3-2-501"), card(1), NOW)
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    first = [
        event(1, visit_facts(1, RIGHT, provisional=2)),
        event(2, visit_facts(1, HAZARDOUS, provisional=5)),
    ]
    others = [event(1, visit_facts(7, RIGHT, provisional=2)), event(2, visit_facts(1, WRONG, provisional=1))]
    sealed = {
        "east-gate": town.seal(*first),
        "west-gate": town.seal(*others, station="west-gate"),
        "north-gate": town.seal(
            event(2, visit_facts(1, RIGHT, provisional=9, rules=7)), station="north-gate"
        ),
    }
    return [Sent(payload, town.community.slug, station) for station, payload in sealed.items()]


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.full)])
def test_a_worker_killed_at_any_statement_applied_all_of_it_or_nothing(
    messages: list[Sent], worker: subprocess.Popen[str], tmp_path: Path, step: int
) -> None:
    before_file, file = Path(str(connection.settings_dict["NAME"])), tmp_path / "town.sqlite3"
    connections.close_all()
    (tmp_path / MESSAGES).write_bytes(msgspec.msgpack.encode(messages))
    shutil.copy(before_file, file)
    before = content(file)
    apply_messages(messages, NOW)
    after = content(file)
    assert after != before
    ends = set()
    for statements in range(0, MOST_STATEMENTS, step):
        connections.close_all()
        for left in tmp_path.glob("town.sqlite3*"):
            left.unlink()
        shutil.copy(before_file, file)
        was_killed = killed(worker, file, statements)
        found = content(file)
        assert found in (before, after), f"half of a batch was applied before statement {statements}"
        ends.add(found == after)
        apply_messages(messages, NOW)
        assert content(file) == after, "what came again was applied twice, or never"
        if not was_killed:
            break
    assert statements > 20
    assert ends == {True, False}
    assert verify().ok, verify().problems
