"""The keeper's composition root: the pins, lids and socket of one process, and how it ends.

It is separate from the station's root, whose imports (the model's runtime, the camera's library) would make
this process slow to come back after a crash.
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
from edge.lids.outbound import Outbound
from edge.lids.server import Keeper
from edge.loop.clocks import RealClock
from edge.loop.latches import EmergencyLatch
from firmware_bridge.lid_motion import lid_times

log = logging.getLogger(__name__)

LONGEST_STOP_S = 40.0
"""How long a keeper that is asked to end waits for its lids to shut; its unit's TimeoutStopSec is longer."""
_LOOK_S = 0.05


def kept_lids(settings: StationSettings) -> dict[str, GpioLidSection]:
    """Return the lids that the Pi's own pins drive, by bin."""
    return {
        bin_.id: bin_.lid
        for bin_ in settings.bin
        if bin_.lid is not None and not isinstance(bin_.lid, ControllerLid)
    }


def socket_folders(settings: StationSettings) -> tuple[Path, ...]:
    """Return the folders for the keeper's socket: the runtime folder, and the state folder in its place."""
    return Path(settings.station.runtime_dir), Path(settings.station.state_dir)


def keep_lids(
    settings: StationSettings,
    make_pins: Callable[[], Factory],
    notifier: Notifier,
    on_stop: Callable[[Callable[[], None]], None],
    start_guard: StartGuard = fork_guard,
) -> None:
    """Run the lids until asked to end; then shut them, unless something is in the way, and free the pins.

    `make_pins` is called if any lid is wired to this Pi: here for contacts, and in the guard for motors.
    `on_stop` gets the function that ends it. InputError for a pin that cannot be claimed, if another keeper
    runs, or if the guard is lost; then the motors' pins are low.
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
    """The keeper's parts as they are made; `closing` releases them."""

    def __init__(self, settings: StationSettings, notifier: Notifier, closing: ExitStack) -> None:
        self.lids: dict[str, GpioLid] = {}
        self.lost: str | None = None
        self._settings, self._closing, self._outbound = settings, closing, Outbound()
        self.server = Keeper(socket_folders(settings), self.lids, self._outbound, RealClock(), notifier)
        closing.callback(self.server.close)

    def claim(self, guard: Guard, pins: Factory) -> None:
        """Have the guard claim the motors' pins, and claim the contacts' pins here."""
        wired = kept_lids(self._settings)
        guarded = Guarded(guard, len(wired), lambda why: self._lose_guard(why, pins))
        self._closing.callback(guarded.close)
        self.server.stop_first(guarded.stop_all)
        for (bin_id, wires), motor in zip(wired.items(), guarded.motors, strict=True):
            times = lid_times(self._settings.visit, springs_shut=isinstance(wires, RelayLid))
            lid = GpioLid(bin_id, wires, times, RealClock(), self._outbound, pins, output=motor)
            self._closing.callback(lid.stop)
            self.lids[bin_id] = lid

    def _lose_guard(self, why: str, pins: Factory) -> None:
        """Make the motors' pins low and end: a keeper must not drive without its guard."""
        log.critical("the guard of the motors %s; their pins are made low", why)
        _hold_motors_low(self._settings, pins)
        self.lost = why
        self.server.stop()


def _shut(lids: list[GpioLid], keeper: Keeper) -> None:
    """End every lease and wait until no lid moves, at most LONGEST_STOP_S."""
    for lid in lids:
        lid.end_lease()
    until = time.monotonic() + LONGEST_STOP_S
    while any(not lid.is_at_rest for lid in lids) and time.monotonic() < until:
        keeper.turn()
        time.sleep(_LOOK_S)


def release_pins(settings: StationSettings, make_pins: Callable[[], Factory]) -> None:
    """Make every motor's pin a low output and release it, in place of a keeper that was killed."""
    if kept_lids(settings):
        _hold_motors_low(settings, make_pins())


def _hold_motors_low(settings: StationSettings, pins: Factory) -> None:
    motors = [pin for wires in kept_lids(settings).values() for pin in motor_pins(wires).values()]
    for problem in hold_low(motors, pins):
        log.error("%s", problem)
