"""`tongzhan station`: a table of commands, each imported only when it is called.

The lids' process must be back within a fraction of a second after a crash, so it loads no camera or model.
"""

from __future__ import annotations

import click

from config.process.logs import start_log
from scripts.lazy import Entry, LazyGroup

_HERE = "scripts.commands.station"
COMMANDS: dict[str, Entry] = {
    "enrol": Entry(f"{_HERE}.enrol", "enrol", "Enrol at the ledger by a one-time code.", "station"),
    "rotate-key": Entry(
        f"{_HERE}.enrol", "rotate_key", "Change to a new key and a new password at the broker.", "station"
    ),
    "init": Entry(f"{_HERE}.init", "init", "Make the station's keys and print the public one.", "station"),
    "run": Entry(f"{_HERE}.run", "run", "Run visits until SIGTERM.", "station"),
    "lids": Entry(f"{_HERE}.lids", "lids", "Drive the lids wired to this Pi until SIGTERM.", "station"),
    "eye": Entry(f"{_HERE}.eye", "eye", "Watch the bins until SIGTERM.", "station"),
    "sync": Entry(f"{_HERE}.sync", "sync", "Deliver the journal to the ledger until SIGTERM.", "station"),
    "panel": Entry(f"{_HERE}.panel", "panel", "Show the station's screen until SIGTERM.", "station"),
    "check": Entry(f"{_HERE}.checks", "check", "Check every part of a station.", "station"),
    "card": Entry(f"{_HERE}.cards", "card", "Set staff cards, block cards, list both.", "station"),
    "export": Entry(f"{_HERE}.journal", "export", "Export a journal's events: text, CSV, JSON.", "station"),
    "recover": Entry(
        f"{_HERE}.journal", "recover", "Copy events from another journal into the station's.", "station"
    ),
    "maintain": Entry(f"{_HERE}.journal", "maintain", "Clean up the station's journal.", "station"),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def station() -> None:
    """Run a station: its loop, its lids, its eye, its sync, its panel."""
    start_log("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
