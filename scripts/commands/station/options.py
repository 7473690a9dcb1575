"""Shared by a station's commands: the --config option, and stopping by signal."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import click

config_option = click.option(
    "--config",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The station's station.toml.",
)


def on_stop(stop: Callable[[], None]) -> None:
    """Call `stop` at SIGTERM and at Ctrl-C, on the main thread."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop())
