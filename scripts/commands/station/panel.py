"""`tongzhan station panel`: the process that shows the station's screen."""

from __future__ import annotations

from pathlib import Path

import click

from config.reading.load_station import load_station
from edge.panel.serve import serve
from scripts.commands.station.options import config_option

PORT = 8765


@click.command()
@config_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="Port to listen on."
)
@click.option(
    "--name",
    "names",
    multiple=True,
    help="A further name that browsers may call it by, beside this machine's own; repeatable.",
)
def panel(config: Path, host: str, port: int, names: tuple[str, ...]) -> None:
    """Show the station's screen until SIGTERM."""
    serve(load_station(config), host, port, names)
