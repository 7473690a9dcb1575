"""The processes of `tongzhan bench tap`: a keeper over mock pins, a station, an eye, and a bare script.

Each writes the moment at which a motor's pin was set to a pipe: one line `BIN SECONDS`, seconds of
CLOCK_MONOTONIC, which all processes of a machine share. Run as `python -m scripts.bench.tap.parts WHICH …`.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cloud_sync.service.systemd import Notifier
from config.process.threads import thread
from config.reading.load_sorting import load_sorting
from config.station import StationSettings
from edge.hardware.build import hardware_builder
from edge.lids.driven import guard_on_a_thread
from edge.lids.process import keep_lids, kept_lids
from edge.loop.clocks import RealClock
from edge.loop.workers import ThreadWorkers
from edge.main import Surroundings, compose
from edge.station_file import load_station
from edge.sync.keys import load_keys
from models.bundle import SHIPPED_BUNDLE

FRAME_BYTES = 14
"""An RDM6300's frame, see firmware_bridge/decoders/rdm6300.py."""
TRAVEL_S = 0.03
"""How long a bench's lid takes from end to end."""
NICE = 5
"""As tongzhan-eye.service runs."""
_TURN_S = 0.005


def pins(report: Callable[[int, bool], None]) -> Any:  # noqa: ANN401 (gpiozero has no types)
    """Mock pins that report each change of an output at once."""
    from gpiozero.pins.mock import MockFactory, MockPWMPin  # noqa: PLC0415 (only this process moves pins)

    class Pin(MockPWMPin):  # type: ignore[misc]  # gpiozero has no types
        def _change_state(self, value: float) -> bool:
            if self.function == "output":
                report(self._number, bool(value))
            changed: bool = super()._change_state(value)
            return changed

    return MockFactory(pin_class=Pin)


class Plant:
    """Lids that follow their motors' pins, all on one thread."""

    def __init__(self, settings: StationSettings, factory: Any) -> None:  # noqa: ANN401 (as above)
        self._factory = factory
        self._wires: Mapping[str, Any] = kept_lids(settings)
        self._open = dict.fromkeys(self._wires, 0.0)
        for wires in self._wires.values():
            factory.pin(wires.closed_switch).drive_low()
        thread(self._run, "lids").start()

    def _run(self) -> None:
        while True:
            time.sleep(_TURN_S)
            for bin_id, wires in self._wires.items():
                drive = self._level(wires.open_pin) - self._level(wires.close_pin)
                if drive:
                    self._move(bin_id, wires, drive * _TURN_S / TRAVEL_S)

    def _level(self, pin: int) -> float:
        return float(self._factory.pin(pin).state)

    def _move(self, bin_id: str, wires: Any, by: float) -> None:  # noqa: ANN401 (one kind of lid only)
        place = self._open[bin_id] = min(1.0, max(0.0, self._open[bin_id] + by))
        for switch, closed in ((wires.opened_switch, place == 1.0), (wires.closed_switch, place == 0.0)):
            pin = self._factory.pin(switch)
            pin.drive_low() if closed else pin.drive_high()


def keeper(config: Path, told: int) -> None:
    """Keep the lids of a station over mock pins until SIGTERM."""
    settings = load_station(config)
    bins = {wires.open_pin: bin_id for bin_id, wires in kept_lids(settings).items()}  # type: ignore[union-attr]

    def report(pin: int, high: bool) -> None:  # noqa: FBT001 (a level)
        if high and pin in bins:
            os.write(told, f"{bins[pin]} {time.monotonic():.7f}\n".encode())

    factory = pins(report)
    Plant(settings, factory)
    keep_lids(settings, lambda: factory, Notifier(), _at_sigterm, guard_on_a_thread)


def station(config: Path) -> None:
    """Run the station until SIGTERM."""
    settings = load_station(config)
    card_key = load_keys(Path(settings.station.state_dir)).card
    around = Surroundings(
        hardware_builder(settings, card_key, lambda: pins(lambda *_: None)), RealClock(), ThreadWorkers
    )
    composition = compose(settings, around)
    _at_sigterm(composition.station.stop)
    composition.run()


def eye(config: Path) -> None:
    """Look at pictures all the while until SIGTERM, as an eye does after every deposit, and as nice."""
    from models.golden import golden_pictures  # noqa: PLC0415 (the station's process must not load numpy)
    from models.runtime import load_classifier  # noqa: PLC0415 (likewise)

    os.nice(NICE)
    settings = load_station(config)
    model = load_classifier(SHIPPED_BUNDLE, load_sorting(settings.model.sorting), settings.model.threads)
    pictures = [*golden_pictures(3, 256)]
    over = threading.Event()
    _at_sigterm(over.set)
    while not over.is_set():
        model.classify(pictures)


def bare(port: str, told: int) -> None:
    """Only read a frame and set a pin."""

    def report(_pin: int, high: bool) -> None:  # noqa: FBT001 (a level)
        if high:
            os.write(told, f"bare {time.monotonic():.7f}\n".encode())

    pin = pins(report).pin(17)
    pin.function = "output"
    wire = os.open(port, os.O_RDWR | os.O_NOCTTY)
    held = b""
    while True:
        select.select([wire], [], [])
        held += os.read(wire, 64)
        if len(held) >= FRAME_BYTES:
            held = b""
            pin.state = True
            pin.state = False


def _at_sigterm(stop: Callable[[], None]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: stop())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["keeper", config, told]:
            keeper(Path(config), int(told))
        case ["station", config]:
            station(Path(config))
        case ["eye", config]:
            eye(Path(config))
        case ["bare", port, told]:
            bare(port, int(told))
