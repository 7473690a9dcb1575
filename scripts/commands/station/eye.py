"""`tongzhan station eye`: the process that runs the cameras and the model."""

from __future__ import annotations

from pathlib import Path

import click

from cloud_sync.service.systemd import notifier_of
from config.errors import InputError
from config.process.library_lines import library_lines
from config.station import Devices, StationSettings
from edge.station_file import load_station
from scripts.commands.station.options import config_option, on_stop


@click.command()
@config_option
@click.option(
    "--show-mask",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="FOLDER",
    help="Draw what clips show of each camera into mask-CAMERA.jpg, and end. Stop the eye first.",
)
def eye(config: Path, folder: Path | None) -> None:
    """Watch the bins until SIGTERM: cameras, change detection, model, clips of chosen deposits.

    The station asks it over a socket in its runtime folder. Without it deposits go unseen, in the resident's
    favour.
    """
    settings = load_station(config)
    with library_lines():
        if folder is not None:
            _show_mask(settings, folder)
            return
        from edge.eye.process import keep_eye

        keep_eye(settings, notifier_of(), on_stop)


def _show_mask(settings: StationSettings, folder: Path) -> None:
    from edge.eye.health.shown_mask import show_masks

    if settings.station.devices is Devices.SIMULATED or not settings.camera:
        raise InputError("this station has no real camera", "name one in station.toml, see docs/wiring.md")
    for shown in show_masks(settings, folder):
        click.echo(f"{shown.file}: what is grey is never kept or shown")
        for bin_id, share in shown.shares.items():
            words = f"{share:.0%} of the picture" if share else "nothing: it has no tray in station.toml"
            click.echo(f"  bin {bin_id}: {words}")
