"""`tongzhan station lids`: the process that drives the lids wired to this Pi."""

from __future__ import annotations

from pathlib import Path

import click

from cloud_sync.service.systemd import notifier_of
from edge.hardware.pins import Factory, real_pins
from edge.lids.process import keep_lids, release_pins
from edge.station_file import load_station
from scripts.commands.station.options import config_option, on_stop


@click.command()
@config_option
@click.option("--release", is_flag=True, help="Only set the motors' pins low, after this process was killed.")
def lids(config: Path, release: bool) -> None:  # noqa: FBT001 (click's own way)
    """Drive the lids wired to this Pi until SIGTERM; then shut them."""
    settings = load_station(config)

    def make_pins() -> Factory:
        return real_pins(Path(settings.station.runtime_dir))

    if release:
        release_pins(settings, make_pins)
    else:
        keep_lids(settings, make_pins, notifier_of(), on_stop)
