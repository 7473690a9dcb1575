"""`tongzhan station eye`: the process that runs the cameras and the model."""

from __future__ import annotations

from pathlib import Path

import click

from cloud_sync.service.systemd import notifier_of
from config.process.library_lines import library_lines
from edge.eye.process import keep_eye
from edge.station_file import load_station
from scripts.commands.station.options import config_option, on_stop


@click.command()
@config_option
def eye(config: Path) -> None:
    """Watch the bins until SIGTERM: cameras, change detection, model.

    The station asks it over a socket in its runtime folder. Without it deposits go unseen, in the resident's
    favour.
    """
    settings = load_station(config)
    with library_lines():
        keep_eye(settings, notifier_of(), on_stop)
