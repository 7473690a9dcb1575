"""Passwords are tried a few at a time, and ever more slowly by whoever gets them wrong."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from django.contrib.auth.hashers import check_password
from django.test import Client

from cloud_sync.ledger.officers import sign_in
from cloud_sync.ledger.officers.attempts import FORGOTTEN_S, MOST_KEPT, Patience, StoredCounts
from cloud_sync.ledger.officers.throttle import (
    ACCOUNT,
    ADDRESS,
    QUEUE,
    Throttle,
    TryLaterError,
    network,
)
from tests.ledger.signing_in import new_officer
from tests.waiting import WITHIN_S, turns, until


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at

    def date(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Counts:
    """Counts of accounts in memory, by the rules of the stored ones."""

    def __init__(self, now: Clock) -> None:
        self.now, self.tries = now, dict[str, tuple[int, float, float]]()

    def count(self, account: str, patience: Patience) -> float:
        count, last_at, next_at = self.tries.get(account, (0, self.now(), 0.0))
        if next_at > self.now():
            return next_at - self.now()
        count = 1 if self.now() - last_at > FORGOTTEN_S else count + 1
        self.tries[account] = count, self.now(), self.now() + patience.wait_s(count)
        return 0.0

    def forget(self, account: str) -> None:
        self.tries.pop(account, None)


@pytest.fixture
def guarded(clock: Clock) -> Throttle:
    return Throttle(1, Counts(clock), now=clock)


def wrong(guarded: Throttle, account: str = "wang", address: str = "192.0.2.1") -> int:
    """Try a password in vain; how long one must wait instead, if so."""
    try:
        with guarded.attempt(account, address):
            return 0
    except TryLaterError as later:
        return later.wait_s


def test_the_wait_grows_and_is_bounded(guarded: Throttle, clock: Clock) -> None:
    waits: list[int] = []
    for _ in range(40):
        if wait_s := wrong(guarded, account=f"guess {len(waits)}"):
            waits.append(wait_s)
            clock.at += wait_s
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert set(waits[6:]) == {ADDRESS.longest_s}


def test_an_account_that_many_addresses_guess_at_is_never_closed_for_long(
    guarded: Throttle, clock: Clock
) -> None:
    waits = []
    for number in range(60):
        if wait_s := wrong(guarded, address=f"192.0.2.{number}"):
            waits.append(wait_s)
            clock.at += wait_s
    assert max(waits) == ACCOUNT.longest_s


def test_others_are_let_in_meanwhile(guarded: Throttle) -> None:
    patience = turns("somebody to be held up")
    while not wrong(guarded):
        next(patience)
    assert wrong(guarded, "li", "198.51.100.1") == 0
    assert wrong(guarded, "li", "192.0.2.1") > 0
    assert wrong(guarded, "wang", "198.51.100.1") > 0


def test_who_got_in_begins_anew(guarded: Throttle) -> None:
    for _ in range(ADDRESS.free - 1):
        assert wrong(guarded) == 0
    guarded.succeeded("wang", "192.0.2.1")
    for _ in range(ADDRESS.free - 1):
        assert wrong(guarded) == 0


def test_tries_of_long_ago_do_not_count(guarded: Throttle, clock: Clock) -> None:
    while not wrong(guarded):
        pass
    clock.at += FORGOTTEN_S + ADDRESS.longest_s
    assert [wrong(guarded) for _ in range(ADDRESS.free - 1)] == [0] * (ADDRESS.free - 1)


def test_what_is_remembered_is_bounded(guarded: Throttle) -> None:
    for number in range(MOST_KEPT):
        wrong(guarded, f"name {number}", f"2001:db8:{number:x}::1")
    assert len(guarded._tries) == MOST_KEPT  # noqa: SLF001 (memory shows nowhere else)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("", "", True),
    ],
)
def test_addresses_of_one_home_are_one(one: str, other: str, *, alike: bool) -> None:
    assert (network(one) == network(other)) is alike


def test_of_many_at_once_few_are_checked_and_few_wait() -> None:
    guarded = Throttle(2, Counts(Clock()), queue_s=WITHIN_S)
    let_go, most, inside = threading.Event(), [0], threading.Semaphore(0)

    def attempt(number: int) -> bool:
        with suppress(TryLaterError), guarded.attempt(f"name {number}", f"192.0.2.{number}"):
            inside.release()
            most[0] = max(most[0], 2 + QUEUE - guarded._queue._value)  # noqa: SLF001 (who is inside)
            let_go.wait(WITHIN_S)
            return True
        return False

    with ThreadPoolExecutor(40) as pool:
        tries = [pool.submit(attempt, number) for number in range(40)]
        until(lambda: sum(one.done() for one in tries) == 40 - 2 - QUEUE, "all others are refused")
        assert [inside.acquire(timeout=WITHIN_S) for _ in range(2)] == [True, True]
        assert not inside.acquire(blocking=False), "a third is checked at once"
        let_go.set()
    assert sum(one.result() for one in tries) == 2 + QUEUE


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Throttle:
    made = Throttle(1, StoredCounts("password", clock.date), now=clock)
    monkeypatch.setattr(sign_in, "SIGN_IN", made)
    return made


@pytest.mark.parametrize(
    ("language", "said"),
    [("zh", "试的次数太多了。请过 1 秒再试。"), ("en", "Too many tries. Try again in 1 second.")],
)
def test_the_page_says_when_to_try_again_and_no_password_is_checked(
    database: str, fresh: Throttle, clock: Clock, monkeypatch: pytest.MonkeyPatch, language: str, said: str
) -> None:
    assert database
    assert isinstance(fresh, Throttle)
    password = new_officer("wang")
    checked: list[str] = []

    def check(typed: str, *others: object) -> bool:
        checked.append(typed)
        return check_password(typed, *others)  # type: ignore[arg-type]  # passed on as they come

    monkeypatch.setattr("django.contrib.auth.base_user.check_password", check)
    client = Client()
    client.get("/", {"lang": language})
    for number in range(ACCOUNT.free):
        answer = client.post("/office/login/", {"username": "wang", "password": f"guess {number}"})
        assert answer.status_code == 200
    checks = len(checked)
    assert checks >= ACCOUNT.free
    right = {"username": "wang", "password": password}
    answer = client.post("/office/login/", right)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert said in answer.content.decode()
    assert len(checked) == checks
    clock.at += 1
    assert client.post("/office/login/", right).status_code == 302
