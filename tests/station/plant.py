"""Lids and pins that outlive any process: a file of levels, which stays as it is when its writer is killed.

The motor's pins keep their last level when the keeper dies, as a Pi's kernel leaves them; so what these
tests see of a killed keeper is the worst case. The plant moves the lids and remembers every drive.
"""

from __future__ import annotations

import mmap
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from gpiozero.pins.mock import MockFactory, MockPWMPin

from config.process.atomic import write_atomic
from config.wiring import HBridgeLid
from edge.hardware import pins
from scripts.cli import main

PINS = 28
OUTPUTS, CONTACTS = 0, PINS
LOOK_S = 0.002
MODULES = "modules"
"""Beside the file of levels: what a process has loaded, once it was asked."""


class Levels:
    """A byte for each pin's output, and one for each contact that is closed."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(2 * PINS))
        with path.open("r+b") as file:
            self.bytes = mmap.mmap(file.fileno(), 2 * PINS)

    def output(self, pin: int) -> bool:
        return bool(self.bytes[OUTPUTS + pin])

    def set_output(self, pin: int, *, high: bool) -> None:
        self.bytes[OUTPUTS + pin] = high

    def contact(self, pin: int) -> bool:
        return bool(self.bytes[CONTACTS + pin])

    def set_contact(self, pin: int, *, closed: bool) -> None:
        self.bytes[CONTACTS + pin] = closed


def shared_pins(levels: Levels) -> MockFactory:
    """Give pins whose levels are the file's; a thread carries the contacts over."""

    class Pin(MockPWMPin):  # type: ignore[misc]  # gpiozero has no types
        def _change_state(self, value: float) -> bool:
            if self.function == "output":
                levels.set_output(self._number, high=bool(value))
            changed: bool = super()._change_state(value)
            return changed

    factory = MockFactory(pin_class=Pin)
    threading.Thread(target=_carry, args=(factory, levels), daemon=True).start()
    return factory


def _carry(factory: MockFactory, levels: Levels) -> None:
    while True:
        for pin in list(factory.pins.values()):
            if pin.function == "input" and pin.pull == "up":
                number = pin._number  # noqa: SLF001 (gpiozero has no public name for it)
                (pin.drive_low if levels.contact(number) else pin.drive_high)()
        time.sleep(LOOK_S)


@dataclass
class Drive:
    """The motor ran one way, from one moment to another."""

    way: int
    began: float
    ended: float


class Plant:
    """One lid on an H-bridge, with its switches and its obstruction input."""

    def __init__(self, levels: Levels, wires: HBridgeLid, travel_s: float) -> None:
        self.place = 0.0
        self.obstructed = False
        self.drives: list[Drive] = []
        self.both_were_high = False
        self.travel_s = travel_s
        self._levels, self._wires = levels, wires
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._move, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(5)

    @property
    def way(self) -> int:
        """Which way the motor runs now: 1 open, -1 shut."""
        return self._levels.output(self._wires.open_pin) - self._levels.output(self._wires.close_pin)

    @property
    def has_stopped(self) -> bool:
        """Whether the motor ran, stands now, and `drives` tells so."""
        return self.way == 0 and bool(self.drives) and self.drives[-1].way == 0

    def driven(self, way: int) -> list[Drive]:
        return [drive for drive in self.drives if drive.way == way]

    def _move(self) -> None:
        before = time.monotonic()
        while not self._stopping.wait(LOOK_S):
            now, way = time.monotonic(), self.way
            opens = self._levels.output(self._wires.open_pin)
            self.both_were_high |= opens and self._levels.output(self._wires.close_pin)
            self._remember(way, now)  # first: who sees the lid in its place may ask how it came there
            self.place = min(1.0, max(0.0, self.place + way * (now - before) / self.travel_s))
            before = now
            assert self._wires.obstruction is not None
            self._levels.set_contact(self._wires.opened_switch, closed=self.place >= 1)
            self._levels.set_contact(self._wires.closed_switch, closed=self.place <= 0)
            self._levels.set_contact(self._wires.obstruction, closed=not self.obstructed)

    def _remember(self, way: int, now: float) -> None:
        last = self.drives[-1] if self.drives else None
        if last is not None and last.way == way:
            last.ended = now
        elif way or (last is not None and last.way):
            self.drives.append(Drive(way, now, now))


if __name__ == "__main__":  # the tongzhan command of a Pi whose pins are the file's
    file = Path(sys.argv.pop(1))
    levels = Levels(file)
    vars(pins)["real_pins"] = lambda _: shared_pins(levels)
    # Asked by SIGUSR1, a process tells which modules it has loaded; None stands for one that is hidden.
    loaded: Mapping[str, object] = sys.modules
    told = file.with_name(MODULES)
    signal.signal(
        signal.SIGUSR1,
        lambda *_: write_atomic(told, "\n".join(one for one in [*loaded] if loaded.get(one)).encode()),
    )
    main()
