"""A board of gpiozero's mock pins that remembers every level, and a lid that moves as its motor pins say."""

from __future__ import annotations

import os
import threading
import time
from typing import Protocol, Self

from gpiozero import Factory
from gpiozero.pins.mock import MockFactory, MockPWMPin

from config.reading.check_wiring import motor_pins
from config.wiring import GpioLidSection, HBridgeLid, RelayLid, ServoLid
from edge.hardware.pins import SERVO_HZ

WIRES = HBridgeLid(open_pin=17, close_pin=27, opened_switch=22, closed_switch=23, obstruction=24)
SERVO = ServoLid(
    servo_pin=17, open_degrees=90, closed_degrees=-45, opened_switch=22, closed_switch=23, obstruction=24
)
SERVO_WITH_ONE_SWITCH = ServoLid(
    servo_pin=17, open_degrees=90, closed_degrees=-45, closed_switch=23, obstruction=24
)
RELAY = RelayLid(relay_pin=17, opened_switch=22, closed_switch=23, obstruction=24)


class Board(Protocol):
    """Pins, as a lid's driver sees them and as its motor and its switches do."""

    factory: Factory
    outputs: list[tuple[int, bool]]
    """Each change of an output, in order."""

    def level(self, pin: int) -> float:
        """Give what a motor sees at its pin: 0, 1, or a PWM signal's share of time that is high."""
        ...

    def contact(self, pin: int, *, closed: bool) -> None:
        """Connect an input to ground, or leave it to its pull-up."""
        ...

    def close(self) -> None: ...


class MockBoard:
    """Mock pins by number."""

    def __init__(self) -> None:
        self.outputs: list[tuple[int, bool]] = []
        self.broken: set[int] = set()
        board = self

        class Pin(MockPWMPin):  # type: ignore[misc]  # gpiozero has no types
            def _change_state(self, value: float) -> bool:
                if self.function == "output":
                    board.outputs.append((self._number, bool(value)))
                changed: bool = super()._change_state(value)
                return changed

            def _get_state(self) -> float:
                if self._number in board.broken:
                    raise OSError("the chip does not answer")
                state: float = super()._get_state()
                return state

        self.factory = MockFactory(pin_class=Pin)

    def level(self, pin: int) -> float:
        return float(self.factory.pin(pin)._state)  # noqa: SLF001 (`state` is what tests break)

    def contact(self, pin: int, *, closed: bool) -> None:
        mock = self.factory.pin(pin)
        if closed:
            mock.drive_low()
        else:
            mock.drive_high()

    def close(self) -> None:
        """Nothing of a mock board outlives it."""


def make_board() -> Board:
    """Give the mock board, or the jig of real pins that TONGZHAN_JIG names."""
    if jig := os.environ.get("TONGZHAN_JIG"):
        from tests.edge.lids.jig import JigBoard  # noqa: PLC0415 (only where there are pins)

        return JigBoard(jig)
    return MockBoard()


def motor(board: Board, wires: HBridgeLid = WIRES) -> tuple[bool, bool]:
    return bool(board.level(wires.open_pin)), bool(board.level(wires.close_pin))


def drives(board: Board, wires: GpioLidSection = WIRES) -> int:
    """Which way a lid is pushed now: 1 open, -1 shut, 0 nowhere."""
    match wires:
        case HBridgeLid():
            opens, shuts = motor(board, wires)
            return opens - shuts
        case RelayLid():
            return 1 if board.level(wires.relay_pin) else -1
        case ServoLid():
            pulse_ms = 1000 * board.level(wires.servo_pin) / SERVO_HZ
            return 0 if pulse_ms == 0 else 1 if round(pulse_ms, 3) == 2.0 else -1


def both_ever_high(board: Board, wires: HBridgeLid = WIRES) -> bool:
    levels = {wires.open_pin: False, wires.close_pin: False}
    for pin, level in board.outputs:
        if pin in levels:
            levels[pin] = level
        if all(levels.values()):
            return True
    return False


def is_silent(board: Board, wires: GpioLidSection = WIRES) -> bool:
    """Whether no motor pin of a lid is high."""
    return not any(board.level(pin) for pin in motor_pins(wires).values())


class MovingLid:
    """A lid between its two switches, moved by a thread as its motor pins say. 0 is shut, 1 is open."""

    def __init__(self, board: Board, travel_s: float, wires: GpioLidSection = WIRES) -> None:
        self.place = 0.0
        self.is_held = False
        """Someone holds it where it is."""
        self.obstacle = 0.0
        """It cannot come any lower than this."""
        self._board = board
        self._wires = wires
        self._travel_s = travel_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._move, daemon=True)
        if wires.obstruction is not None:
            board.contact(wires.obstruction, closed=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(1)

    def _move(self) -> None:
        before = time.monotonic()
        while not self._stopping.wait(0.002):
            now = time.monotonic()
            if not self.is_held:
                way = drives(self._board, self._wires) * (now - before) / self._travel_s
                self.place = min(1.0, max(self.obstacle, self.place + way))
            before = now
            if self._wires.opened_switch is not None:
                self._board.contact(self._wires.opened_switch, closed=self.place >= 1)
            self._board.contact(self._wires.closed_switch, closed=self.place <= 0)
