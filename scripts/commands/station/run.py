"""`tongzhan station run`: the loop that serves residents."""

from __future__ import annotations

import logging
import os
import random
from dataclasses import replace
from pathlib import Path

import click

from cloud_sync.service.systemd import notifier_of
from config.errors import InputError
from config.process.library_lines import library_lines
from config.station import Devices, StationSettings
from edge.main import Surroundings, compose, real_surroundings
from edge.station_file import load_station
from edge.sync.keys import keys_for_loop
from scripts.commands.station.options import config_option, on_stop

log = logging.getLogger(__name__)


@click.command()
@config_option
@click.option(
    "--photos",
    type=click.Path(path_type=Path, file_okay=False),
    help="Simulated stations only: photos of deposits (default: $TONGZHAN_STAMPS, or else drawn things).",
)
@click.option("--visits", type=click.IntRange(1), default=1000, show_default=True, help="Simulated visits.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the simulated residents.")
@click.option(
    "--witness",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Simulated stations only: write what residents do, see and hear to this file, in JSON lines.",
)
def run(config: Path, photos: Path | None, visits: int, seed: int, witness: Path | None) -> None:
    """Run visits until SIGTERM."""
    settings = load_station(config)
    keys = keys_for_loop(Path(settings.station.state_dir))
    for problem in keys.faults.values():
        log.error("%s; %s, then restart the station", problem.what, problem.mend)
    if settings.station.devices is Devices.SIMULATED:
        around = _simulated(settings, keys.card, _photos(photos), visits, seed, witness)
    elif witness is not None:
        raise InputError("--witness: a real station has no simulated residents", "leave it out")
    else:
        around = real_surroundings(settings, keys.card)
    composition = compose(settings, replace(around, faults=tuple(keys.faults)), notifier_of())
    on_stop(composition.station.stop)
    with library_lines():
        composition.run()


def _photos(photos: Path | None) -> Path | None:
    if photos is not None:
        return photos
    if stamps := os.environ.get("TONGZHAN_STAMPS"):
        return Path(stamps)
    return None


def _simulated(
    settings: StationSettings,
    card_key: bytes,
    photos: Path | None,
    visits: int,
    seed: int,
    witness: Path | None,
) -> Surroundings:
    from edge.sim.people.town import neighbourhood
    from edge.sim.photos.drawn import DrawnThings
    from edge.sim.photos.folders import open_photos
    from edge.sim.simulation import Simulation
    from edge.sim.world import Script

    rng = random.Random(seed)  # noqa: S311 (plays residents, guards nothing)
    script = Script(visits=visits, people=neighbourhood(rng, card_key))
    things = DrawnThings() if photos is None else open_photos(photos)
    simulation = Simulation(settings, things, script, rng)
    if witness is not None:
        try:
            written = witness.open("ab", buffering=0)
        except OSError as error:
            raise InputError(f"{witness} cannot be written ({error.strerror})", "name another") from None
        simulation.observed(written.write)
    return simulation.surroundings()
