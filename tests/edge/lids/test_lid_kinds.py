"""Every kind of lid keeps the same promises; only its motor differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf

import pytest

from config.wiring import GpioLidSection, RelayLid, ServoLid
from edge.hardware.pins import hold_low
from edge.lids.gpio_lid import GpioLid
from edge.lids.guard import HOLD_S
from edge.lids.motors import RelayMotor
from edge.loop.clocks import RealClock
from firmware_bridge.lid_motion import LidTimes, Motion, Phase
from tests.edge.hardware.board import (
    RELAY,
    SERVO,
    SERVO_WITH_ONE_SWITCH,
    WIRES,
    Board,
    MockBoard,
    MovingLid,
    drives,
    is_silent,
    make_board,
)
from tests.edge.hardware.posted import Posted
from tests.waiting import until

TRAVEL_S = 0.2
TIMES = LidTimes(drive_s=6.0, retry_s=0.2, patience_s=60.0, tries=3)
"""A drive is far longer than a travel, so that a busy machine is not taken for a stuck lid."""
BLIND_DRIVE_S = 1.2
"""Of a lid with one switch, which counts as open after most of a drive."""
KINDS = {"h_bridge": WIRES, "servo": SERVO, "servo, one switch": SERVO_WITH_ONE_SWITCH, "relay": RELAY}


class Asked:
    """An output that records its values."""

    def __init__(self, asked: list[float]) -> None:
        self._asked = asked

    def set(self, value: float) -> None:
        self._asked.append(value)

    def close(self) -> None:
        self.set(0.0)


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def wires(request: pytest.FixtureRequest) -> GpioLidSection:
    wires: GpioLidSection = request.param
    return wires


@pytest.fixture
def board(wires: GpioLidSection) -> Iterator[Board]:
    board = make_board()
    if isinstance(wires, ServoLid) and not isinstance(board, MockBoard):
        pytest.skip("the jig cannot measure a servo's pulses")
    yield board
    board.close()


@pytest.fixture
def posted() -> Posted:
    return Posted()


@pytest.fixture
def lid(wires: GpioLidSection, board: Board, posted: Posted) -> Iterator[GpioLid]:
    drive_s = BLIND_DRIVE_S if wires is SERVO_WITH_ONE_SWITCH else TIMES.drive_s
    times = replace(TIMES, drive_s=drive_s, springs_shut=isinstance(wires, RelayLid))
    lid = GpioLid("left", wires, times, RealClock(), posted, board.factory)
    yield lid
    lid.stop()
    assert is_silent(board, wires)


@pytest.fixture
def world(wires: GpioLidSection, board: Board, lid: GpioLid, posted: Posted) -> Iterator[MovingLid]:
    """Give a lid that has been seen shut."""
    with MovingLid(board, TRAVEL_S, wires) as world:
        lid.start()
        until(lambda: posted.names() == ["LidClosed"])
        yield world


def test_a_lease_opens_the_lid_and_shuts_it_when_it_ends(
    lid: GpioLid, world: MovingLid, board: Board, posted: Posted, wires: GpioLidSection
) -> None:
    before = RealClock().now()
    lid.open(2.5)
    assert drives(board, wires) == 1
    until(lambda: posted.names()[1:] == ["LidOpened"])
    assert world.place == 1
    assert is_silent(board, wires) is not isinstance(wires, RelayLid), "only a relay is held"
    until(lambda: posted.names()[2:] == ["LidClosed"])
    assert posted.events[2].at >= before + 2.5
    assert world.place == 0
    until(lambda: is_silent(board, wires))


def test_something_in_the_way_reverses_the_lid_at_once_and_it_shuts_later(
    lid: GpioLid, world: MovingLid, board: Board, posted: Posted, wires: GpioLidSection
) -> None:
    world.obstacle = 0.5
    lid.open(2.0)
    until(lambda: "LidOpened" in posted.names() and world.place == world.obstacle)
    board.contact(24, closed=False)
    until(lambda: posted.names()[-1] == "LidObstructed")
    assert drives(board, wires) == 1 or not isinstance(wires, RelayLid)
    until(lambda: world.place == 1)
    seen_open_at = RealClock().now()
    until(lambda: RealClock().now() > seen_open_at + 0.6)
    assert world.place == 1, "it waits as long as something is there"
    world.obstacle = 0
    board.contact(24, closed=True)
    until(lambda: posted.names()[-1] == "LidClosed")
    assert world.place == 0


def test_a_stuck_lid_never_counts_as_open(
    lid: GpioLid, world: MovingLid, board: Board, posted: Posted, wires: GpioLidSection
) -> None:
    world.is_held = True
    lid.open(0.8)
    until(lambda: drives(board, wires) == 1)
    until(lambda: is_silent(board, wires) and lid.is_at_rest)
    assert posted.names() == ["LidClosed"]


def test_a_lid_that_stands_open_says_so_again_after_a_request(
    lid: GpioLid, world: MovingLid, posted: Posted
) -> None:
    lid.open(60)
    until(lambda: world.place == 1 and posted.names()[-1] == "LidOpened")
    before = len(posted.events)
    lid.open(60)
    until(lambda: posted.names()[before:] == ["LidOpened"])


def test_nothing_is_driven_while_the_pins_are_set_up_or_the_switches_blip(
    lid: GpioLid, board: Board, posted: Posted, wires: GpioLidSection
) -> None:
    for _ in range(3):
        for pin in (23, 24):
            board.contact(pin, closed=True)
            board.contact(pin, closed=False)
    board.contact(23, closed=True)
    lid.start()
    until(lambda: posted.events)
    assert posted.names() == ["LidClosed"]
    assert not any(level for _, level in board.outputs)
    assert is_silent(board, wires)


def test_a_servo_is_left_limp_while_its_lid_rests_and_gets_the_pulses_of_its_angles(posted: Posted) -> None:
    board = MockBoard()
    lid = GpioLid("left", SERVO, TIMES, RealClock(), posted, board.factory)
    with MovingLid(board, TRAVEL_S, SERVO) as world:
        lid.start()
        until(lambda: posted.names() == ["LidClosed"])
        assert board.level(17) == 0
        lid.open(60)
        assert board.level(17) == pytest.approx(0.002 * 50)
        until(lambda: world.place == 1 and board.level(17) == 0)
        lid.end_lease()
        assert board.level(17) == pytest.approx(0.00125 * 50)
        until(lambda: world.place == 0 and board.level(17) == 0)
    lid.stop()


def test_the_request_for_a_held_relay_is_repeated_before_the_guard_releases_it() -> None:
    asked: list[float] = []
    motor = RelayMotor(Asked(asked))
    held = Motion(Phase.HELD, lease_until=60.0)
    assert 5.0 < motor.obey(held, 5.0) < 5.0 + HOLD_S / 2
    assert asked == [1.0]
    assert motor.obey(Motion(), 6.0) == inf
    assert asked == [1.0, 0.0]


def test_pins_that_a_dead_program_left_high_are_made_low_and_those_in_use_are_named() -> None:
    board = MockBoard()
    for pin in (17, 27):
        board.factory.pin(pin).drive_high()  # what the kernel leaves behind
    assert hold_low((17, 27), board.factory) == []
    assert (17, False) in board.outputs
    assert (27, False) in board.outputs
    lid = GpioLid("left", WIRES, TIMES, RealClock(), Posted(), board.factory)
    (failed,) = hold_low((17,), board.factory)
    assert "pin 17" in failed
    lid.stop()
