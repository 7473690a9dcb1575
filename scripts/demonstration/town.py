"""The demo's small town, written down: configuration, keys, households, cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.demonstration.places import LOOPBACK

if TYPE_CHECKING:
    from scripts.demonstration.places import Folder, Ports

COMMUNITY = "lotus-lane"
STATION = "east-gate"

_STATION = """\
# A simulated station with four bins, a reader at each, and one camera over all of them.
[station]
community = "{community}"
name = "{station}"
devices = "simulated"
state_dir = "station"
runtime_dir = "{runtime}"

[cloud]
host = "{host}"
port = {broker}

[[camera]]
id = "chamber"
"""

_BIN = """
[[reader]]
id = "reader-{category}"

[[bin]]
id = "{category}"
category = "{category}"
open_by = "reader"
reader = "reader-{category}"
camera = "chamber"
"""

_LEDGER = """\
[ledger]
community = "{community}"
name_zh = "荷花里"
name_en = "Lotus Lane"
database = "ledger.sqlite3"
state_dir = "ledger"

[pages]
host = "{host}"
port = {ledger}

[broker]
host = "{host}"
port = {broker}
"""


def write_configuration(folder: Folder, ports: Ports, runtime_dir: str) -> None:
    """Write station.toml and ledger.toml anew; only the ports differ from run to run."""
    names = {"community": COMMUNITY, "station": STATION, "host": LOOPBACK, "runtime": runtime_dir}
    bins = "".join(
        _BIN.format(category=category) for category in ("recyclable", "kitchen", "hazardous", "other")
    )
    station = _STATION.format(**names, broker=ports.broker) + bins
    folder.station_toml.write_text(station, encoding="utf-8")
    ledger = _LEDGER.format(**names, broker=ports.broker, ledger=ports.ledger)
    folder.ledger_toml.write_text(ledger, encoding="utf-8")
