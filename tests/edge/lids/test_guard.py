"""The guard of the motors: which motors it runs, and for how long. Times are virtual."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import InputError
from edge.lids.driven import FEED_S, SILENT_S, Guarded, guard_on_a_thread
from edge.lids.gpio_lid import GpioLid
from edge.lids.guard import ANSWER, ASK, EVERY_MOTOR, HOLD_S, Holds
from edge.lids.motors import output_of
from edge.ports import WallTime
from firmware_bridge.lid_motion import LidTimes
from tests.edge.hardware.board import RELAY, WIRES, MockBoard, MovingLid, motor
from tests.edge.hardware.posted import Posted
from tests.waiting import WITHIN_S, until


class Noted:
    """An output that keeps its last value."""

    def __init__(self) -> None:
        self.value = 0.0

    def set(self, value: float) -> None:
        self.value = value

    def close(self) -> None:
        self.value = 0.0


def test_a_motor_whose_request_is_repeated_in_time_runs_on() -> None:
    output = Noted()
    holds = Holds([output])
    for tick in range(20):
        now = tick * FEED_S
        holds.ask(0, 1.0, now, now)
        assert holds.expire(now + FEED_S) == []
        assert output.value == 1.0


def test_a_motor_whose_request_is_not_repeated_stops_and_the_others_run_on() -> None:
    first, second = Noted(), Noted()
    holds = Holds([first, second])
    holds.ask(0, -1.0, 10.0, 10.0)
    holds.ask(1, 1.0, 10.2, 10.2)
    assert holds.due == 10.0 + HOLD_S
    assert holds.expire(10.0 + HOLD_S) == [0]
    assert (first.value, second.value) == (0.0, 1.0)


def test_an_old_request_drives_nothing() -> None:
    output = Noted()
    Holds([output]).ask(0, 1.0, 10.0, 10.0 + HOLD_S)
    assert output.value == 0.0


def test_a_delayed_request_drives_only_for_the_rest_of_its_time() -> None:
    output = Noted()
    holds = Holds([output])
    holds.ask(0, 1.0, 10.0, 10.0 + 0.9 * HOLD_S)
    assert output.value == 1.0
    assert holds.expire(10.0 + HOLD_S) == [0]
    assert output.value == 0.0


def test_all_are_turned_off_at_once() -> None:
    outputs = [Noted(), Noted()]
    holds = Holds(outputs)
    for number in (0, 1):
        holds.ask(number, 1.0, 5.0, 5.0)
    holds.ask(EVERY_MOTOR, 0.0, 5.1, 5.1)
    assert [output.value for output in outputs] == [0.0, 0.0]


@given(
    asked=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1), st.sampled_from([-1.0, 0.0, 1.0]))),
    looks_after=st.floats(0, 1),
)
def test_no_motor_runs_longer_than_the_hold_time_after_its_last_request(
    asked: list[tuple[float, int, float]], looks_after: float
) -> None:
    outputs, last = [Noted(), Noted()], [0.0, 0.0]
    holds, now = Holds(outputs), 0.0
    for pause, number, value in asked:
        now += pause
        holds.expire(now)
        holds.ask(number, value, now, now)
        last[number] = now
    now += looks_after
    holds.expire(now)
    for output, at in zip(outputs, last, strict=True):
        assert output.value == 0.0 or now < at + HOLD_S


# --- with a keeper's end --------------------------------------------------------------------------


@pytest.fixture
def board() -> MockBoard:
    return MockBoard()


@pytest.fixture
def lost() -> list[str]:
    return []


@pytest.fixture
def guarded(board: MockBoard, lost: list[str]) -> Iterator[Guarded]:
    guarded = Guarded(guard_on_a_thread([WIRES], lambda: board.factory), 1, lost.append)
    yield guarded
    guarded.close()


def test_a_motor_without_a_new_request_stops_by_itself(guarded: Guarded, board: MockBoard) -> None:
    guarded.motors[0].set(1.0)
    until(lambda: motor(board) == (True, False), "it runs")
    until(lambda: motor(board) == (False, False), "it stops")


def test_an_emergency_turns_all_off(guarded: Guarded, board: MockBoard) -> None:
    guarded.motors[0].set(-1.0)
    guarded.stop_all()
    until(lambda: (27, True) in board.outputs and motor(board) == (False, False))


class HangingClock:
    """A clock that can block its callers."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.goes_on.set()

    def now(self) -> float:
        assert self.goes_on.wait(WITHIN_S)
        return time.monotonic()

    def wall(self) -> WallTime:
        return WallTime(0.0, trusted=False)


def test_a_lid_whose_thread_hangs_is_not_driven_on(guarded: Guarded, board: MockBoard) -> None:
    clock, posted = HangingClock(), Posted()
    times = LidTimes(drive_s=2 * WITHIN_S, retry_s=1.0, patience_s=60.0, tries=3)
    lid = GpioLid("left", WIRES, times, clock, posted, board.factory, output=guarded.motors[0])
    with MovingLid(board, travel_s=10 * WITHIN_S):
        lid.start()
        until(lambda: posted.names() == ["LidClosed"])
        lid.open(10 * WITHIN_S)
        until(lambda: motor(board) == (True, False), "it is driven open")
        clock.goes_on.clear()
        until(lambda: motor(board) == (False, False), "its motor is off")
        clock.goes_on.set()
        until(lambda: motor(board) == (True, False), "it goes on as soon as it is watched again")
        lid.stop()


def test_a_pin_that_cannot_be_claimed_is_named(board: MockBoard, lost: list[str]) -> None:
    taken = output_of(RELAY, board.factory)
    with pytest.raises(InputError, match="pin 17"):
        Guarded(guard_on_a_thread([WIRES], lambda: board.factory), 1, lost.append)
    taken.close()
    assert lost == []


def test_a_silent_guard_is_reported_lost_once(lost: list[str]) -> None:
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    its.send(ANSWER)
    guarded = Guarded((ours, None), 1, lost.append)
    began = time.monotonic()
    asks = threading.Event()

    def ask() -> None:
        while not asks.wait(FEED_S):
            guarded.motors[0].set(1.0)

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: lost == ["hangs"])
    assert time.monotonic() >= began + SILENT_S
    asks.set()
    asking.join(WITHIN_S)
    guarded.close()
    its.close()
    assert lost == ["hangs"]


def test_a_guard_that_hangs_is_killed_because_it_holds_its_motors() -> None:
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    its.send(ANSWER)
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as hangs:
        lost: list[bool] = []
        guarded = Guarded((ours, hangs.pid), 1, lambda _: lost.append(_is_there(hangs.pid)))

        def is_given_up() -> bool:
            guarded.stop_all()
            return lost != []

        try:
            until(is_given_up)
        finally:
            hangs.kill()
        guarded.close()
    its.close()
    assert lost == [False]


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_packet_is_a_motor_a_value_and_a_moment() -> None:
    assert ASK.unpack(ASK.pack(3, -1.0, 12.5)) == (3, -1.0, 12.5)
