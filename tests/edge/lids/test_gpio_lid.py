from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from config.errors import InputError
from edge.lids.gpio_lid import GpioLid
from edge.loop.clocks import RealClock
from edge.messages import LidOpened
from firmware_bridge.lid_motion import LidTimes
from tests.edge.hardware.board import WIRES, Board, MockBoard, MovingLid, both_ever_high, make_board, motor
from tests.edge.hardware.posted import Posted
from tests.waiting import until

TRAVEL_S = 0.3
TIMES = LidTimes(drive_s=1.5, retry_s=0.1, patience_s=60.0, tries=2)
"""A drive is far longer than a travel, so that a pause of this machine does not look like a stuck lid."""
OFF, OPENS, SHUTS = (False, False), (True, False), (False, True)


@pytest.fixture
def board() -> Iterator[Board]:
    board = make_board()
    yield board
    board.close()


def mocked(board: Board) -> MockBoard:
    """Give the board as a mock: a real chip cannot be made to fail."""
    if not isinstance(board, MockBoard):
        pytest.skip("needs the mock pins")
    return board


@pytest.fixture
def posted() -> Posted:
    return Posted()


@pytest.fixture
def lid(board: Board, posted: Posted) -> Iterator[GpioLid]:
    lid = GpioLid("left", WIRES, TIMES, RealClock(), posted, board.factory)
    yield lid
    lid.stop()
    assert not both_ever_high(board)


@pytest.fixture
def world(board: Board, lid: GpioLid, posted: Posted) -> Iterator[MovingLid]:
    """Give a lid that has been seen shut."""
    with MovingLid(board, TRAVEL_S) as world:
        lid.start()
        until(lambda: posted.names() == ["LidClosed"])
        yield world


def test_a_lease_opens_the_lid_and_shuts_it_when_it_ends(
    lid: GpioLid, world: MovingLid, board: Board, posted: Posted
) -> None:
    before = RealClock().now()
    lid.open(2.0)
    assert motor(board) == OPENS
    until(lambda: posted.names()[1:] == ["LidOpened"])
    assert motor(board) == OFF
    opened = posted.events[1]
    assert opened == LidOpened(opened.at, "left")
    assert before <= opened.at <= RealClock().now()
    until(lambda: posted.names()[2:] == ["LidClosed"])
    assert posted.events[2].at >= before + 2.0
    assert world.place == 0
    assert motor(board) == OFF


def test_a_renewal_keeps_the_lid_open_and_the_end_of_the_lease_shuts_it(
    lid: GpioLid, world: MovingLid, posted: Posted
) -> None:
    lid.open(2.0)
    until(lambda: posted.names()[-1] == "LidOpened")
    lid.open(600)
    renewed_at = RealClock().now()
    until(lambda: RealClock().now() > renewed_at + 2.1)
    assert world.place == 1
    assert posted.names() == ["LidClosed", "LidOpened", "LidOpened"], "as often as it was asked"
    lid.end_lease()
    until(lambda: posted.names()[-1] == "LidClosed")


def test_something_in_the_way_reverses_the_lid_at_once_and_it_shuts_later(
    lid: GpioLid, world: MovingLid, board: Board, posted: Posted
) -> None:
    world.obstacle = 0.5
    lid.open(0.7)
    until(lambda: motor(board) == SHUTS and world.place == world.obstacle)
    board.contact(24, closed=False)
    until(lambda: posted.names()[-1] == "LidObstructed")
    assert motor(board) != SHUTS
    until(lambda: world.place == 1)
    world.obstacle = 0
    board.contact(24, closed=True)
    until(lambda: posted.names()[-1] == "LidClosed")
    assert posted.names().count("LidObstructed") == 1


def test_a_broken_wire_of_the_obstruction_input_keeps_the_lid_open(
    lid: GpioLid, world: MovingLid, board: Board, posted: Posted
) -> None:
    board.contact(24, closed=False)
    lid.open(1.0)
    until(lambda: posted.names()[-1] == "LidObstructed")
    assert world.place == 1
    assert (27, True) not in board.outputs


def test_a_lid_that_keeps_meeting_a_hand_gives_up_and_stays_open(
    lid: GpioLid, world: MovingLid, board: Board, posted: Posted, caplog: pytest.LogCaptureFixture
) -> None:
    world.obstacle = 0.5
    lid.open(0.7)
    until(lambda: "left open" in caplog.text)
    assert posted.names().count("LidObstructed") == TIMES.tries
    assert world.place == 1
    assert motor(board) == OFF


def test_a_lid_that_does_not_move_is_driven_no_longer_than_a_drive(
    lid: GpioLid, world: MovingLid, board: Board, posted: Posted
) -> None:
    world.is_held = True
    asked_at = RealClock().now()
    lid.open(600)
    until(lambda: motor(board) == OFF, "it is given up long before its lease ends")
    assert RealClock().now() - asked_at >= TIMES.drive_s
    assert posted.names() == ["LidClosed"]


def test_bouncing_switches_are_one_arrival(lid: GpioLid, board: Board, posted: Posted) -> None:
    board.contact(24, closed=True)
    lid.start()
    lid.open(60)
    for _ in range(50):
        board.contact(22, closed=True)
        board.contact(22, closed=False)
    board.contact(22, closed=True)
    until(lambda: posted.names() == ["LidOpened"])
    until(lambda: motor(board) == OFF)
    assert posted.names() == ["LidOpened"]


def test_at_start_nothing_moves_and_no_event_is_invented(lid: GpioLid, board: Board, posted: Posted) -> None:
    for pin in (22, 23, 24):  # edges of pins that are being set up
        board.contact(pin, closed=True)
        board.contact(pin, closed=False)
    board.contact(23, closed=True)
    lid.start()
    until(lambda: posted.events)
    assert posted.names() == ["LidClosed"]
    assert all(not level for _, level in board.outputs)


def test_a_lid_found_open_at_start_is_reported(lid: GpioLid, board: Board, posted: Posted) -> None:
    board.contact(22, closed=True)
    lid.start()
    until(lambda: posted.names() == ["LidOpened"])
    assert all(not level for _, level in board.outputs)


def test_a_lid_found_open_at_start_is_shut_once_its_way_was_free_for_a_while(
    lid: GpioLid, board: Board, posted: Posted
) -> None:
    with MovingLid(board, TRAVEL_S) as world:
        world.place = 1.0
        until(lambda: not mocked(board).level(22))
        lid.start()
        until(lambda: posted.names() == ["LidOpened", "LidClosed"])
        assert world.place == 0
        assert (17, True) not in board.outputs


def test_a_lid_that_starts_in_an_emergency_and_stands_open_is_not_shut_by_itself_after_it(
    lid: GpioLid, board: Board, posted: Posted
) -> None:
    board.contact(24, closed=True)  # its way is free
    lid.stop_motors()
    board.contact(22, closed=True)
    lid.start()
    until(lambda: posted.names() == ["LidOpened"])
    lid.resume_motors()
    resumed_at = RealClock().now()
    until(lambda: RealClock().now() > resumed_at + 5 * TIMES.retry_s)
    assert not [pin for pin, level in board.outputs if level]


def test_a_lid_found_open_with_something_in_its_way_stays_until_the_way_is_free(
    lid: GpioLid, board: Board, posted: Posted
) -> None:
    with MovingLid(board, TRAVEL_S) as world:
        world.place = 0.5
        board.contact(24, closed=False)
        lid.start()
        started_at = RealClock().now()
        until(lambda: RealClock().now() > started_at + 1)
        assert world.place == 0.5
        board.contact(24, closed=True)
        until(lambda: posted.names() == ["LidClosed"])
        assert (17, True) not in board.outputs


def test_no_motor_runs_while_both_switches_are_closed(
    lid: GpioLid, board: Board, posted: Posted, caplog: pytest.LogCaptureFixture
) -> None:
    for pin in (22, 23, 24):
        board.contact(pin, closed=True)
    lid.start()
    until(lambda: sorted(posted.names()) == ["LidClosed", "LidOpened"])
    before = len(board.outputs)
    lid.open(60)
    assert motor(board) == OFF
    assert (17, True) not in board.outputs[before:]
    assert "both limit switches" in caplog.text


def test_closing_stops_the_motor_where_the_lid_stands(lid: GpioLid, world: MovingLid, board: Board) -> None:
    lid.open(60)
    until(lambda: world.place > 0.2)
    lid.stop()
    assert motor(board) == OFF
    lid.open(60)
    assert motor(board) == OFF
    until(lambda: not any(thread.name.startswith("lid") for thread in threading.enumerate()))


def test_a_lid_whose_switch_cannot_be_read_stops_and_goes_on_when_it_can(
    lid: GpioLid, world: MovingLid, board: Board, posted: Posted, caplog: pytest.LogCaptureFixture
) -> None:
    lid.open(60)
    until(lambda: motor(board) == OPENS)
    mocked(board).broken.add(22)
    until(lambda: motor(board) == OFF)
    lid.open(60)
    assert motor(board) == OFF
    assert "does not answer" in caplog.text
    mocked(board).broken.clear()
    until(lambda: world.place > 0)
    lid.end_lease()
    until(lambda: posted.names()[-1] == "LidClosed")


def test_a_pin_that_is_taken_is_named_and_the_others_are_given_back(posted: Posted) -> None:
    board = MockBoard()
    taken = GpioLid("left", WIRES, TIMES, RealClock(), posted, board.factory)
    other = WIRES.__class__(open_pin=5, close_pin=6, opened_switch=13, closed_switch=23)
    with pytest.raises(InputError, match="pin 23"):
        GpioLid("right", other, TIMES, RealClock(), posted, board.factory)
    taken.stop()
    GpioLid("right", other, TIMES, RealClock(), posted, board.factory).stop()
