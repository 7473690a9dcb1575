"""`tongzhan station panel`: the process that shows the station's screen."""

from __future__ import annotations

import re
from pathlib import Path

import click

from config.errors import InputError
from edge.panel.serve import serve
from edge.station_file import load_station
from scripts.commands.station.options import config_option

PORT = 8765
ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]{1,100}")


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
    help="A further host name that browsers may use, besides this machine's own; repeatable.",
)
@click.option(
    "--framed-by",
    multiple=True,
    metavar="ORIGIN",
    help="Pages of this origin (http://host:port) may show the screen in a frame; repeatable.",
)
def panel(config: Path, host: str, port: int, names: tuple[str, ...], framed_by: tuple[str, ...]) -> None:
    """Show the station's screen until SIGTERM."""
    for origin in framed_by:
        if not ORIGIN.fullmatch(origin):
            raise InputError(f"--framed-by {origin!r} is not an origin", "write it as http://127.0.0.1:8765")
    serve(load_station(config), host, port, names, framed_by)
