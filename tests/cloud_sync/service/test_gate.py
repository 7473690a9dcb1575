"""Who may be connected, and what the log says of those that may not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from cloud_sync.service.web.gate import GATHER_S, QUIET_S, Bounds, Gate, TurnedAway

BOUNDS = Bounds(connections=4, per_address=2, proxies=("10.0.0.0/24",))


@dataclass(eq=False)
class Caller:
    """A connection that stays as it is."""

    waits: bool = True
    turned_away: bool = False

    def turn_away(self) -> None:
        self.turned_away = True


@dataclass
class Loop:
    """An event loop's call_later, whose time comes when a test says so."""

    due: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self.due.append((seconds, call))

    def turn(self) -> float:
        seconds, call = self.due.pop(0)
        call()
        return seconds


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def gate(loop: Loop) -> Gate:
    return Gate(BOUNDS, TurnedAway(loop.later))


def enter(gate: Gate, *callers: tuple[str, bool]) -> list[Caller]:
    came = []
    for address, waits in callers:
        came.append(Caller(waits))
        gate.enter(came[-1], address)
    return came


def test_an_addresss_longest_waiting_connection_makes_room_for_its_next(gate: Gate) -> None:
    came = enter(gate, ("a", True), ("b", True), ("a", True), ("a", True))
    assert [one.turned_away for one in came] == [True, False, False, False]


def test_a_connection_that_is_being_answered_keeps_its_place(gate: Gate) -> None:
    came = enter(gate, ("a", False), ("a", True), ("a", True))
    assert [one.turned_away for one in came] == [False, True, False]
    full = enter(gate, ("b", False), ("b", False), ("b", True))
    assert [one.turned_away for one in full] == [False, False, True]


def test_all_addresses_together_are_bounded_too(gate: Gate) -> None:
    came = enter(gate, *((str(number), True) for number in range(6)))
    assert [one.turned_away for one in came] == [True, True, False, False, False, False]


def test_a_proxy_may_use_all_connections(gate: Gate) -> None:
    came = enter(gate, *(("10.0.0.7", True) for _ in range(5)))
    assert [one.turned_away for one in came] == [True, False, False, False, False]


def test_a_closed_connection_is_not_counted(gate: Gate) -> None:
    for _ in range(10):
        (one,) = enter(gate, ("a", False))
        gate.leave(one)
        gate.leave(one)
        assert not one.turned_away


def test_many_closed_connections_are_one_log_line_a_minute(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    turned_away = TurnedAway(loop.later)
    for number in range(1000):
        turned_away.note("sent no whole request in time", "a" if number else "b")
    assert caplog.messages == []
    assert loop.turn() == GATHER_S
    assert caplog.messages == [
        "connections closed: 1000 sent no whole request in time; 999 from a, the rest from 1 more addresses"
    ]
    turned_away.note("sent no HTTP", "c")
    assert len(loop.due) == 1
    assert loop.turn() == QUIET_S
    assert caplog.messages[1:] == ["connections closed: 1 sent no HTTP; 1 from c"]
    assert loop.turn() == QUIET_S
    assert (len(caplog.messages), loop.due) == (2, [])


def test_counts_not_yet_logged_are_logged_at_the_end(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    turned_away = TurnedAway(loop.later)
    turned_away.note("sent no HTTP", "c")
    turned_away.flush()
    turned_away.flush()
    assert len(caplog.messages) == 1
