"""The keeper's composition root: pins, lids and the socket of one process, and how it ends.

What the station's own root imports (a model's runtime, a camera's library) would make this process slow to
come back after a crash; so it has a root of its own.
"""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from config.check_wiring import motor_pins
from config.wiring import ControllerLid, RelayLid
from edge.clocks import RealClock
from edge.drivers.gpio_lid import GpioLid
from edge.drivers.pins import hold_low
from edge.emergency_latch import EmergencyLatch
from edge.keeper.server import Keeper
from edge.keeper.voice import Voice
from firmware_bridge.lid_motion import lid_times

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloud_sync.notify import Notifier
    from config.station import StationSettings
    from config.wiring import GpioLidSection
    from edge.drivers.pins import Factory

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


def keep_lids(
    settings: StationSettings,
    make_pins: Callable[[], Factory],
    notifier: Notifier,
    on_stop: Callable[[Callable[[], None]], None],
) -> None:
    """Hold the lids until asked to end; then shut them, unless something is in the way, and free the pins.

    `make_pins` is called if any lid is wired to this Pi; `on_stop` gets what ends it. InputError for a pin
    that cannot be had, or if another keeper runs.
    """
    latch = EmergencyLatch.of(settings)
    with ExitStack() as closing:
        voice = Voice()
        lids: dict[str, GpioLid] = {}
        keeper = Keeper(Path(settings.station.runtime_dir), lids, voice, RealClock(), notifier)
        closing.callback(keeper.close)
        on_stop(keeper.stop)
        wired = kept_lids(settings)
        pins = make_pins() if wired else None
        for bin_id, wires in wired.items():
            times = lid_times(settings.visit, springs_shut=isinstance(wires, RelayLid))
            lids[bin_id] = GpioLid(bin_id, wires, times, RealClock(), voice, pins)
            closing.callback(lids[bin_id].stop)
        if latch.is_set:
            log.error("an emergency was not ended; every motor stays stopped")
            keeper.stop_motors()
        for lid in lids.values():
            lid.start()
        log.info("keeping %d lids: %s", len(lids), ", ".join(lids) or "none is wired to this Pi")
        keeper.run()
        notifier.stopping()
        _shut(list(lids.values()), keeper)


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
    motors = [pin for wires in kept_lids(settings).values() for pin in motor_pins(wires).values()]
    for problem in hold_low(motors, make_pins()) if motors else []:
        log.error("%s", problem)
