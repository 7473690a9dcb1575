"""The demo's small town, written down: configuration, keys, households, cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.sorting import Category
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
state_dir = "{state}"
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
database = "{database}"
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
    folder.station_toml.write_text(
        station_toml(STATION, "station", runtime_dir, ports.broker), encoding="utf-8"
    )
    folder.ledger_toml.write_text(ledger_toml("ledger.sqlite3", ports), encoding="utf-8")


def station_toml(name: str, state_dir: str, runtime_dir: str, broker: int) -> str:
    """A simulated station of the town; `broker` is a port of this machine."""
    names = {"community": COMMUNITY, "station": name, "state": state_dir, "runtime": runtime_dir}
    bins = "".join(_BIN.format(category=category) for category in Category)
    return _STATION.format(**names, host=LOOPBACK, broker=broker) + bins


def ledger_toml(database: str, ports: Ports) -> str:
    """The town's ledger over a database."""
    names = {"community": COMMUNITY, "host": LOOPBACK, "database": database}
    return _LEDGER.format(**names, broker=ports.broker, ledger=ports.ledger)
