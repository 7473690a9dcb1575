"""docs/wiring.md and the example configuration, held to the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.reading.enrolled import ENROLLED, format_enrolled
from config.wiring import HBridgeLid
from config.words import load_words
from edge.faults import FaultCode
from edge.station_file import load_station, place_before_enrolment

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "wiring.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", FaultCode)
def test_every_fault_stands_in_the_page_as_the_catalogue_words_it(code: FaultCode) -> None:
    words = load_words().fault[code]
    assert f"| `{code}` | {words.meaning.en} | {words.mend.en} |" in PAGE


def test_the_example_configuration_is_one_that_loads(tmp_path: Path) -> None:
    text = (CHECKOUT / "config" / "station.example.toml").read_text(encoding="utf-8")
    (tmp_path / "station.toml").write_text(text.replace("/var/lib/tongzhan", str(tmp_path)), encoding="utf-8")
    assert place_before_enrolment(tmp_path / "station.toml").station == ""
    station = {"community": "lane-9", "name": "gate"}
    enrolled = format_enrolled("", station, {"host": "127.0.0.1", "port": 8883})
    (tmp_path / ENROLLED).write_text(enrolled, encoding="utf-8")
    settings = load_station(tmp_path / "station.toml")
    assert settings.station.name == "gate"
    assert isinstance(settings.bin[0].lid, HBridgeLid)


def test_the_pages_table_of_pins_is_the_examples() -> None:
    example = (CHECKOUT / "config" / "station.example.toml").read_text(encoding="utf-8")
    for key, label in [
        ("open_pin", 'H-bridge input "open"'),
        ("close_pin", 'H-bridge input "close"'),
        ("opened_switch", "switch, lid fully open"),
        ("closed_switch", "switch, lid fully shut"),
        ("obstruction", "light barrier's output"),
    ]:
        pin = next(line.split("=")[1].strip() for line in example.splitlines() if line.startswith(key))
        assert f"| {label} | {pin} |" in PAGE
