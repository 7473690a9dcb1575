"""A board of gpiozero's mock pins that remembers every level, and a lid that moves as its motor pins say."""

from __future__ import annotations

import threading
import time
from typing import Self

from gpiozero.pins.mock import MockFactory, MockPin

from config.wiring import HBridgeLid

WIRES = HBridgeLid(open_pin=17, close_pin=27, opened_switch=22, closed_switch=23, obstruction=24)


class Board:
    """Mock pins by number; `outputs` holds each change of a level, in order."""

    def __init__(self) -> None:
        self.outputs: list[tuple[int, bool]] = []
        self.broken: set[int] = set()
        board = self

        class Pin(MockPin):  # type: ignore[misc]  # gpiozero has no types
            def _change_state(self, value: float) -> bool:
                if self.function == "output":
                    board.outputs.append((self._number, bool(value)))
                changed: bool = super()._change_state(value)
                return changed

            def _get_state(self) -> bool:
                if self._number in board.broken:
                    raise OSError("the chip does not answer")
                return bool(super()._get_state())

        self.factory = MockFactory(pin_class=Pin)

    def is_high(self, pin: int) -> bool:
        return bool(self.factory.pin(pin)._state)  # noqa: SLF001 (`state` is what tests break)

    def contact(self, pin: int, *, closed: bool) -> None:
        """Connect an input to ground, or leave it to its pull-up."""
        mock = self.factory.pin(pin)
        if closed:
            mock.drive_low()
        else:
            mock.drive_high()

    def motor(self, wires: HBridgeLid = WIRES) -> tuple[bool, bool]:
        return self.is_high(wires.open_pin), self.is_high(wires.close_pin)

    def both_ever_high(self, wires: HBridgeLid = WIRES) -> bool:
        levels = {wires.open_pin: False, wires.close_pin: False}
        for pin, level in self.outputs:
            if pin in levels:
                levels[pin] = level
            if all(levels.values()):
                return True
        return False


class MovingLid:
    """A lid between its two switches, moved by a thread as its motor pins say. 0 is shut, 1 is open."""

    def __init__(self, board: Board, travel_s: float, wires: HBridgeLid = WIRES) -> None:
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
            opens, shuts = self._board.motor(self._wires)
            if not self.is_held:
                place = self.place + (opens - shuts) * (now - before) / self._travel_s
                self.place = min(1.0, max(self.obstacle, place))
            before = now
            self._board.contact(self._wires.opened_switch, closed=self.place >= 1)
            self._board.contact(self._wires.closed_switch, closed=self.place <= 0)
