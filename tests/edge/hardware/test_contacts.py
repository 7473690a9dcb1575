from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge.faults import FaultCode
from edge.hardware.contacts import FullSwitch, GpioButton, PanicButton
from edge.hardware.debounce import DebounceTimes
from edge.loop.clocks import RealClock
from edge.messages import FaultCleared, FaultRaised, LevelChanged, Pressed
from edge.part_kinds import STATION
from tests.edge.hardware.board import MockBoard
from tests.edge.hardware.posted import Posted
from tests.waiting import until

PIN = 5


@pytest.fixture
def board() -> MockBoard:
    return MockBoard()


@pytest.fixture
def posted() -> Posted:
    return Posted()


@pytest.fixture
def button(board: MockBoard, posted: Posted) -> Iterator[GpioButton]:
    button = GpioButton("left", PIN, RealClock(), posted, board.factory)
    yield button
    button.stop()


def start(watched: GpioButton | FullSwitch) -> None:
    """Start it and let it see the level that it was set up with."""
    watched.start()
    until(lambda: watched.is_closed is not None)


def press(board: MockBoard, posted: Posted) -> None:
    """Press, bouncing, until the press was seen, and let go."""
    before = len(posted.events)
    for closed in (True, False, True, False, True):
        board.contact(PIN, closed=closed)
    until(lambda: len(posted.events) > before)
    board.contact(PIN, closed=False)


def test_a_press_is_posted_once_however_it_bounces(
    board: MockBoard, posted: Posted, button: GpioButton
) -> None:
    start(button)
    press(board, posted)
    assert posted.events == [Pressed(posted.events[0].at, "left")]


def test_a_button_held_down_at_start_is_no_press_until_it_is_let_go_and_pressed(
    board: MockBoard, posted: Posted, button: GpioButton
) -> None:
    board.contact(PIN, closed=True)
    start(button)
    assert (button.is_closed, posted.events) == (True, [])
    board.contact(PIN, closed=False)
    until(lambda: button.is_closed is False)
    press(board, posted)
    assert posted.names() == ["Pressed"]


def test_edges_while_a_button_is_set_up_are_no_press(
    board: MockBoard, posted: Posted, button: GpioButton
) -> None:
    for _ in range(3):
        board.contact(PIN, closed=True)
        board.contact(PIN, closed=False)
    start(button)
    assert posted.events == []


@pytest.fixture
def full_switch(board: MockBoard, posted: Posted) -> Iterator[FullSwitch]:
    """Give a full switch that believes what it sees sooner than a real one."""
    soon = DebounceTimes(0.05, 0.05)
    switch = FullSwitch("left", PIN, RealClock(), posted, board.factory, settling=soon)
    yield switch
    switch.stop()


def test_a_bin_that_fills_and_is_emptied_is_told_of(
    board: MockBoard, posted: Posted, full_switch: FullSwitch
) -> None:
    start(full_switch)
    assert posted.events == []
    board.contact(PIN, closed=True)
    until(lambda: posted.events)
    board.contact(PIN, closed=False)
    until(lambda: posted.events[1:])
    full, empty = posted.events
    assert full == LevelChanged(full.at, "left", full=True)
    assert empty == LevelChanged(empty.at, "left", full=False)


def test_a_bin_that_is_full_at_start_is_told_of(
    board: MockBoard, posted: Posted, full_switch: FullSwitch
) -> None:
    board.contact(PIN, closed=True)
    start(full_switch)
    until(lambda: posted.events)
    assert posted.events == [LevelChanged(posted.events[0].at, "left", full=True)]


@pytest.fixture
def panic(board: MockBoard, posted: Posted) -> Iterator[PanicButton]:
    """Give a panic button whose contact is closed: released."""
    panic = PanicButton(PIN, RealClock(), posted, board.factory)
    board.contact(PIN, closed=True)
    yield panic
    panic.stop()


def raised(posted: Posted) -> bool:
    """Whether the last event says that the button is pressed."""
    return bool(posted.events) and posted.events[-1] == FaultRaised(
        posted.events[-1].at, FaultCode.PANIC, STATION
    )


def cleared(posted: Posted) -> bool:
    return bool(posted.events) and posted.events[-1] == FaultCleared(
        posted.events[-1].at, FaultCode.PANIC, STATION
    )


def test_a_pressed_panic_button_is_a_panic_of_the_station_until_it_is_released(
    board: MockBoard, posted: Posted, panic: PanicButton
) -> None:
    panic.start()
    until(lambda: panic.is_closed)
    assert posted.events == []
    board.contact(PIN, closed=False)
    until(lambda: raised(posted))
    board.contact(PIN, closed=True)
    until(lambda: cleared(posted))
    assert len(posted.events) == 2


def test_a_panic_button_whose_wire_is_broken_at_start_is_pressed(
    board: MockBoard, posted: Posted, panic: PanicButton
) -> None:
    board.contact(PIN, closed=False)
    panic.start()
    until(lambda: raised(posted))


def test_a_panic_button_whose_pin_cannot_be_read_is_pressed_until_it_can(
    board: MockBoard, posted: Posted, panic: PanicButton
) -> None:
    panic.start()
    until(lambda: panic.is_closed)
    board.broken.add(PIN)
    until(lambda: raised(posted))
    board.broken.clear()
    until(lambda: cleared(posted))
