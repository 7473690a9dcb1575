"""Attempts at an account are counted in the database: for every process, bounded, and never for long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connections

from cloud_sync.ledger.officers import attempts
from cloud_sync.ledger.officers.attempts import FORGOTTEN_S, StoredCounts
from cloud_sync.ledger.officers.models import SignInAttempts
from cloud_sync.ledger.officers.throttle import ACCOUNT, CODE
from tests.engines import BOTH
from tests.ledger.town import NOW

pytestmark = [*BOTH, pytest.mark.usefixtures("database")]


class Calendar:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


def test_two_processes_and_a_restart_count_on() -> None:
    clock = Calendar()
    one, other = StoredCounts("password", clock), StoredCounts("password", clock)
    for number in range(ACCOUNT.free):
        assert (one, other)[number % 2].count("wang", ACCOUNT) == 0
    assert StoredCounts("password", clock).count("wang", ACCOUNT) == 1.0
    assert one.count("li", ACCOUNT) == 0
    assert StoredCounts("code", clock).count("wang", CODE) == 0, "codes are counted apart"


def test_the_wait_grows_to_its_limit_and_an_owner_gets_in_between() -> None:
    clock = Calendar()
    counts, waits = StoredCounts("password", clock), list[float]()
    for _ in range(80):
        if wait_s := counts.count("wang", ACCOUNT):
            waits.append(wait_s)
            clock.at += timedelta(seconds=wait_s)
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == ACCOUNT.longest_s
    counts.forget("wang")
    assert [counts.count("wang", ACCOUNT) for _ in range(ACCOUNT.free)] == [0] * ACCOUNT.free


def test_a_day_has_few_guesses_at_a_code() -> None:
    clock = Calendar()
    counts, guesses = StoredCounts("code", clock), 0
    while clock.at < NOW + timedelta(days=1):
        if wait_s := counts.count("wang", CODE):
            clock.at += timedelta(seconds=wait_s)
        else:
            guesses += 1
    assert guesses <= 130


def test_attempts_of_long_ago_do_not_count() -> None:
    clock = Calendar()
    counts = StoredCounts("password", clock)
    while not counts.count("wang", ACCOUNT):
        pass
    clock.at += timedelta(seconds=FORGOTTEN_S + ACCOUNT.longest_s)
    assert [counts.count("wang", ACCOUNT) for _ in range(ACCOUNT.free - 1)] == [0] * (ACCOUNT.free - 1)


def test_a_clock_that_goes_back_closes_no_account_for_long() -> None:
    clock = Calendar()
    counts = StoredCounts("password", clock)
    while not counts.count("wang", ACCOUNT):
        pass
    clock.at -= timedelta(days=365)
    assert counts.count("wang", ACCOUNT) == 0


def test_of_many_at_once_only_the_free_ones_get_through() -> None:
    counts = StoredCounts("password", Calendar())

    def attempt(_number: int) -> float:
        try:
            return counts.count("wang", ACCOUNT)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        waits = list(pool.map(attempt, range(30)))
    assert waits.count(0.0) == ACCOUNT.free


def test_what_is_kept_is_bounded_and_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST_KEPT", 3)
    clock = Calendar()
    counts = StoredCounts("password", clock)
    for number in range(6):
        clock.at += timedelta(seconds=1)
        counts.count(f"my secret {number}", ACCOUNT)
    rows = list(SignInAttempts.objects.all())
    assert len(rows) == 3
    assert not any("secret" in row.account for row in rows)
    while not counts.count("my secret 5", ACCOUNT):
        pass
