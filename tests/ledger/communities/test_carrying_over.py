"""An older ledger's one community goes from its ledger.toml into the database, killed at every statement."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connections

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.communities.facts import facts_of
from cloud_sync.ledger.db.database import prepare
from cloud_sync.ledger.keys import make_keys, read_card_key
from cloud_sync.ledger.points.models import Rules, Transfer
from cloud_sync.ledger.stations.models import Community, CommunityChange
from config.ledger import LedgerSettings, load_ledger
from tests.conftest import CHECKOUT
from tests.engines import BOTH
from tests.ledger.db.test_upgrade import named
from tests.ledger.town import RIGHT, Town, event, visit_facts

pytestmark = BOTH
OLD_TOML = """
[ledger]
community = "sunny-garden"
name_zh = "阳光新苑"
name_en = "New Sunny Garden"
timezone = "Asia/Tokyo"
database = "{database}"
state_dir = "state"
sorting = "shanghai"
daily_mint_limit = 777
rules = ["award_rules.v1.toml"]
"""
KEY = "ab" * 32


def chain() -> list[bytes]:
    return [bytes(row.chain) for row in Transfer.objects.order_by("position")]


@pytest.fixture
def old(new_database: Callable[[], str], tmp_path: Path) -> Callable[[], LedgerSettings]:
    """Put a ledger as an older version left it in place of the last one: its settings."""

    def fresh() -> LedgerSettings:
        database = new_database()
        town = Town(Community.objects.get())
        Community.objects.update(sorting="")
        town.deliver(*(event(number, visit_facts(1, RIGHT, provisional=2)) for number in (1, 2, 3)))
        file = tmp_path / "ledger.toml"
        file.touch(0o600)
        file.write_text(OLD_TOML.format(database=database))
        settings = load_ledger(file)
        make_keys(settings.state_dir)
        for key in settings.state_dir.rglob("card*"):
            key.unlink() if key.is_file() else None
        (settings.state_dir / "card_key").touch(0o600)
        (settings.state_dir / "card_key").write_text(KEY)
        return settings

    return fresh


def check_whole(settings: LedgerSettings, before: list[bytes]) -> None:
    """Nothing is lost, nothing is there twice, and the chain is the one that was."""
    facts = facts_of(Community.objects.get())
    assert (facts.name_zh, facts.name_en, facts.timezone) == ("阳光新苑", "New Sunny Garden", "Asia/Tokyo")
    assert (facts.sorting, facts.daily_mint_limit, facts.language) == ("shanghai", 777, "zh")
    assert read_card_key(settings.state_dir, "sunny-garden") == bytes.fromhex(KEY)
    assert not (settings.state_dir / "card_key").exists()
    (change,) = CommunityChange.objects.all()
    assert '"daily_mint_limit":20000' in change.before
    assert '"daily_mint_limit":777' in change.after
    assert Rules.objects.count() == 1
    assert chain() == before
    assert verify().problems == ()


def test_what_the_file_says_is_carried_over_once_and_then_told_of(
    old: Callable[[], LedgerSettings],
) -> None:
    settings = old()
    before = chain()
    (line,) = prepare(settings)
    assert line.startswith("take community, name_zh, name_en, rules, daily_mint_limit, sorting out of")
    check_whole(settings, before)
    Community.objects.update(name_zh="阳光三苑")  # as `community set` would: the file counts no more
    prepare(settings)
    assert Community.objects.get().name_zh == "阳光三苑"


@contextmanager
def dying(config: Path) -> Iterator[Callable[[int], bool]]:
    """Whether an `init` came so far that it was killed before its statement of that number."""
    command = [sys.executable, "-m", "tests.ledger.dying", str(config)]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def after(statements: int) -> bool:
            connections.close_all()
            print("init", statements, named(), file=process.stdin, flush=True)
            answer = process.stdout.readline() if process.stdout else ""
            assert answer in {"killed\n", "done\n"}, "see the test's stderr"
            return answer == "killed\n"

        yield after
        process.stdin.close()


def test_killed_at_any_statement_the_next_init_carries_over_the_rest(
    old: Callable[[], LedgerSettings], tmp_path: Path
) -> None:
    old()
    number, is_killed = 0, True
    with dying(tmp_path / "ledger.toml") as killed_after:
        while is_killed:
            settings = old()
            before = chain()
            is_killed = killed_after(number)
            prepare(settings)
            check_whole(settings, before)
            number += 1
    assert number > 15
