"""The keeper's composition root: pins, lids and the socket of one process, and how it ends.

What the station's own root imports (a model's runtime, a camera's library) would make this process slow to
come back after a crash; so it has a root of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from cloud_sync.service.systemd import Notifier
from config.errors import InputError
from config.reading.check_wiring import motor_pins
from config.station import StationSettings
from config.wiring import ControllerLid, GpioLidSection, RelayLid
from edge.hardware.pins import Factory, hold_low
from edge.lids.driven import Guard, Guarded, StartGuard, fork_guard
from edge.lids.gpio_lid import GpioLid
from edge.lids.outbound import Voice
from edge.lids.server import Keeper
from edge.loop.clocks import RealClock
from edge.loop.emergency_latch import EmergencyLatch
from firmware_bridge.lid_motion import lid_times

log = logging.getLogger(__name__)

LONGEST_STOP_S = 40.0
"""A keeper that was asked to end waits so long for its lids to shut; its unit's TimeoutStopSec is longer."""
_LOOK_S = 0.05


def kept_lids(settings: StationSettings) -> dict[str, GpioLidSection]:
    """The lids that the Pi's own pins drive, by bin."""
    return {
        bin_.id: bin_.lid
        for bin_ in settings.bin
        if bin_.lid is not None and not isinstance(bin_.lid, ControllerLid)
    }


def socket_folders(settings: StationSettings) -> tuple[Path, ...]:
    """Where the keeper's socket is: the runtime folder, or the state folder if that cannot be written."""
    return Path(settings.station.runtime_dir), Path(settings.station.state_dir)


def keep_lids(
    settings: StationSettings,
    make_pins: Callable[[], Factory],
    notifier: Notifier,
    on_stop: Callable[[Callable[[], None]], None],
    start_guard: StartGuard = fork_guard,
) -> None:
    """Hold the lids until asked to end; then shut them, unless something is in the way, and free the pins.

    `make_pins` is called if any lid is wired to this Pi, here for contacts and in the guard for motors;
    `on_stop` gets what ends it. InputError for a pin that cannot be had, if another keeper runs, or if the
    guard is lost: then the motors' pins are low.
    """
    wired = kept_lids(settings)
    guard = start_guard(tuple(wired.values()), make_pins) if wired else None
    with ExitStack() as closing:
        if guard is not None:
            closing.callback(guard[0].close)
        keeper = _Keeping(settings, notifier, closing)
        on_stop(keeper.server.stop)
        if guard is not None:
            keeper.claim(guard, make_pins())
        if EmergencyLatch.of(settings).is_set:
            log.error("an emergency was not ended; every motor stays stopped")
            keeper.server.stop_motors()
        for lid in keeper.lids.values():
            lid.start()
        log.info("keeping %d lids: %s", len(wired), ", ".join(wired) or "none is wired to this Pi")
        keeper.server.run()
        notifier.stopping()
        if keeper.lost is not None:
            raise InputError(f"the guard of the motors {keeper.lost}", "its service starts again by itself")
        _shut(list(keeper.lids.values()), keeper.server)


class _Keeping:
    """A keeper's parts as they come to be; what is claimed is given back by `closing`."""

    def __init__(self, settings: StationSettings, notifier: Notifier, closing: ExitStack) -> None:
        self.lids: dict[str, GpioLid] = {}
        self.lost: str | None = None
        self._settings, self._closing, self._voice = settings, closing, Voice()
        self.server = Keeper(socket_folders(settings), self.lids, self._voice, RealClock(), notifier)
        closing.callback(self.server.close)

    def claim(self, guard: Guard, pins: Factory) -> None:
        """Have the guard take the motors' pins, and take those of the contacts."""
        wired = kept_lids(self._settings)
        guarded = Guarded(guard, len(wired), lambda why: self._lose_guard(why, pins))
        self._closing.callback(guarded.close)
        self.server.stop_first(guarded.stop_all)
        for (bin_id, wires), motor in zip(wired.items(), guarded.motors, strict=True):
            times = lid_times(self._settings.visit, springs_shut=isinstance(wires, RelayLid))
            lid = GpioLid(bin_id, wires, times, RealClock(), self._voice, pins, output=motor)
            self._closing.callback(lid.stop)
            self.lids[bin_id] = lid

    def _lose_guard(self, why: str, pins: Factory) -> None:
        """Make the motors' pins low in its place, and end: a keeper without its guard must not drive."""
        log.critical("the guard of the motors %s; their pins are made low", why)
        _hold_motors_low(self._settings, pins)
        self.lost = why
        self.server.stop()


def _shut(lids: list[GpioLid], keeper: Keeper) -> None:
    """End every lease and wait until nothing moves any more, within bounds."""
    for lid in lids:
        lid.end_lease()
    until = time.monotonic() + LONGEST_STOP_S
    while any(not lid.is_at_rest for lid in lids) and time.monotonic() < until:
        keeper.turn()
        time.sleep(_LOOK_S)


def release_pins(settings: StationSettings, make_pins: Callable[[], Factory]) -> None:
    """Make every motor's pin a low output and give it back: what a keeper that was killed left undone."""
    if kept_lids(settings):
        _hold_motors_low(settings, make_pins())


def _hold_motors_low(settings: StationSettings, pins: Factory) -> None:
    motors = [pin for wires in kept_lids(settings).values() for pin in motor_pins(wires).values()]
    for problem in hold_low(motors, pins):
        log.error("%s", problem)
