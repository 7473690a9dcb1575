"""Writes the configuration of the demo's small town."""

from __future__ import annotations

from pathlib import Path

from config.sorting import Category
from firmware_bridge.decoders.em4100 import CardBits
from scripts.demonstration.folder import Folder, Ports
from scripts.testbed.ports import LOOPBACK

COMMUNITY = "lotus-lane"
STATION = "east-gate"

_STATION = """\
# A simulated station with four bins, a reader at each, and one camera over all of them.
[station]
community = "{community}"
name = "{station}"
name_zh = "东门桶站"
name_en = "East gate"
community_zh = "荷花里"
community_en = "Lotus Lane"
devices = "simulated"
state_dir = "{state}"
runtime_dir = "{runtime}"
card_bits = {card_bits}
{rules}
[cloud]
host = "{host}"
port = {broker}

[[camera]]
id = "chamber"
"""

_BIN = """
[[reader]]
id = "reader-{category}"
{reader}
[[bin]]
id = "{category}"
category = "{category}"
open_by = "reader"
reader = "reader-{category}"
camera = "chamber"
{lid}"""

_CONTROLLER = """
[[controller]]
id = "mcu"
port = "{port}"
"""

_READERS = (("rdm6300", 0), ("rdm6300", 1), ("wiegand", 0), ("wiegand", 1))
"""The kind and number of each bin's reader at the firmware's host build, which has two of each."""
_READER = """\
kind = "{kind}"
controller = "mcu"
number = {number}
"""
_LID = 'lid = {{ kind = "controller", controller = "mcu", number = {number} }}\n'

CARD_BITS = CardBits.WIEGAND_34
"""The bits of a fob that the town uses: those of its narrowest reader, simulated or not."""
RULES = Path(__file__).parent / "award_rules.demo.toml"
MINT_LIMIT = 1_000_000
"""The station's points in a day, so many that none of them waits for a person."""

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


def write_configuration(
    folder: Folder, ports: Ports, runtime_dir: str, controller: Path | None = None
) -> None:
    """Write station.toml and ledger.toml again; ports and the controller differ from run to run."""
    station = station_toml(STATION, "station", runtime_dir, ports.uplink, controller, RULES)
    folder.station_toml.write_text(station, encoding="utf-8")
    ledger = ledger_toml("ledger.sqlite3", ports).replace(
        "\n[pages]", f'rules = ["award_rules.v1.toml", "{RULES}"]\ndaily_mint_limit = {MINT_LIMIT}\n\n[pages]'
    )
    folder.ledger_toml.write_text(ledger, encoding="utf-8")


def station_toml(
    name: str,
    state_dir: str,
    runtime_dir: str,
    broker: int,
    controller: Path | None = None,
    rules: Path | None = None,
) -> str:
    """Format station.toml of a simulated station; `broker` is a port of this machine.

    With a `controller`'s port its lids and readers hang there, else they are simulated too. `rules` are award
    rules other than those that ship.
    """
    names = {"community": COMMUNITY, "station": name, "state": state_dir, "runtime": runtime_dir}
    line = "" if rules is None else f'rules = "{rules}"\n'
    text = _STATION.format(**names, host=LOOPBACK, broker=broker, card_bits=int(CARD_BITS), rules=line)
    if controller is not None:
        text += _CONTROLLER.format(port=controller)
    return text + "".join(_bin(number, wired=controller is not None) for number in range(len(Category)))


def _bin(number: int, *, wired: bool) -> str:
    kind, index = _READERS[number]
    return _BIN.format(
        category=list(Category)[number],
        reader=_READER.format(kind=kind, number=index) if wired else "",
        lid=_LID.format(number=number) if wired else "",
    )


def ledger_toml(database: str, ports: Ports) -> str:
    """Format ledger.toml of the town's ledger."""
    names = {"community": COMMUNITY, "host": LOOPBACK, "database": database}
    return _LEDGER.format(**names, broker=ports.broker, ledger=ports.ledger)
