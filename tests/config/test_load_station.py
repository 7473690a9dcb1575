"""Every kind of mistake in a station.toml: one line with the file, the whole key path and the mend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.errors import InputError
from config.reading.load import MAX_FILE_BYTES, load_toml
from config.station import Devices, OpenBy, StationSettings
from config.wiring import ControllerLid, HBridgeLid, RelayLid, ServoLid
from edge.station_file import load_station

GOOD = """
[station]
community = "lane"
name = "gate"
devices = "real"
state_dir = "state"
runtime_dir = "/run/tongzhan"

[[reader]]
id = "left"
port = "/dev/ttyAMA0"

[[camera]]
id = "cam"

[[bin]]
id = "kitchen"
category = "kitchen"
reader = "left"
camera = "cam"
[bin.lid]
kind = "h_bridge"
open_pin = 10
close_pin = 11
opened_switch = 12
closed_switch = 13

[[bin]]
id = "other"
category = "other"
open_by = "button"
button = 20
[bin.lid]
kind = "h_bridge"
open_pin = 27
close_pin = 22
opened_switch = 16
closed_switch = 17
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "station.toml"


def complaint(file: Path, text: str) -> str:
    """Give what a person is told about a station.toml, having checked its form."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_station(file)
    told = str(caught.value)
    assert "\n" not in told
    assert str(file) in caught.value.what
    assert caught.value.mend
    return told.removeprefix(f"{file}: ")


# --- a good one ---------------------------------------------------------------------------------


def test_a_good_file_is_read_with_its_defaults_and_absolute_paths(file: Path) -> None:
    file.write_text(GOOD, encoding="utf-8")
    settings = load_station(file)
    assert (settings.station.devices, settings.bin[1].open_by) == (Devices.REAL, OpenBy.BUTTON)
    assert settings.station.state_dir == str(file.parent / "state")
    assert settings.station.runtime_dir == "/run/tongzhan"
    assert Path(settings.station.rules).is_file()
    assert (settings.visit.lease_s, settings.cloud.host) == (8.0, "127.0.0.1")


def test_rules_beside_the_file_come_before_the_shipped_ones(file: Path) -> None:
    file.write_text(GOOD, encoding="utf-8")
    (file.parent / "award_rules.v1.toml").write_text("", encoding="utf-8")
    assert load_station(file).station.rules == str(file.parent / "award_rules.v1.toml")


def test_a_simulated_station_needs_no_wires(file: Path) -> None:
    text = GOOD.replace('"real"', '"simulated"').split("[[bin]]")[0].replace('port = "/dev/ttyAMA0"', "")
    file.write_text(text + '[[bin]]\nid = "a"\ncategory = "other"\nreader = "left"\n', encoding="utf-8")
    assert load_station(file).bin[0].lid is None


# --- mistakes of one key ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("name =", "nmae =", "unknown key station.nmae; did you mean name?"),
        ("name =", "zzz =", "unknown key station.zzz; known here: community, name, name_zh, name_en, "),
        ("[station]", "[sattion]", "unknown key sattion; did you mean station?"),
        (
            "opened_switch = 12",
            "open_switch = 12",
            "unknown key bin[0].lid.open_switch; did you mean opened_switch?",
        ),
        ('id = "cam"', 'id = "cam"\nhight = 480', "unknown key camera[0].hight; did you mean height?"),
        ('name = "gate"', "name = 7", "station.name: expected `str`, got `int`, found 7; mend the value"),
        ("button = 20", 'button = "20"', "bin[1].button: expected `int | null`, got `str`, found '20'; mend"),
        ("button = 20", "button = 28", "bin[1].button: expected `int` <= 27, found 28; mend the value"),
        (
            'category = "kitchen"',
            'category = "kichen"',
            "bin[0].category: invalid enum value 'kichen', found",
        ),
        ('category = "kitchen"', 'category = "kichen"', "; did you mean kitchen?"),
        ('category = "kitchen"', 'category = "xyz"', "; known here: recyclable, hazardous, kitchen, other"),
        ('devices = "real"', 'devices = "fake"', "; known here: real, simulated"),
        ('community = "lane"', "", "missing key station.community; add it"),
        ('id = "cam"', "", "missing key camera[0].id; add it"),
        ("closed_switch = 13", "", "missing key bin[0].lid.closed_switch; add it"),
        (
            "[[reader]]",
            "[[lost]]",
            "unknown key lost; known here: station, cloud, model, visit, clips, bin, reader",
        ),
        ('id = "kitchen"', 'id = "Kitchen 1"', "bin[0].id: 'Kitchen 1' is not a name of lower-case letters"),
        ('id = "kitchen"', 'id = "kitchen\\n"', "bin[0].id: 'kitchen\\n' is not a name of lower"),
        ('camera = "cam"', "region = [0, 0, 1]", "bin[0].region: expected `array` of length 4, got 3"),
        (
            'camera = "cam"',
            'region = [0, 0, 1, "x"]',
            "bin[0].region[3]: expected `float`, got `str`, found 'x'",
        ),
        (
            'camera = "cam"',
            "region = [0, 0.5, 1, 0.4]",
            "bin[0].region: not left, top, right, bottom within 0 to 1",
        ),
        (
            'camera = "cam"',
            "region = [0, 0, 1, 1.2]",
            "bin[0].region: not left, top, right, bottom within 0 to 1",
        ),
        (
            'camera = "cam"',
            "region = [0, 0, nan, 1]",
            "bin[0].region: not left, top, right, bottom within 0 to 1",
        ),
        (
            "[[camera]]",
            "[visit]\nlease_s = -1\n[[camera]]",
            "visit.lease_s: expected `float` > 0.0, found -1",
        ),
        (
            "[[camera]]",
            "[visit]\nlease_s = nan\n[[camera]]",
            "visit.lease_s: expected `float` > 0.0, found nan",
        ),
        ("[[camera]]", "[visit]\nlease_s = true\n[[camera]]", "visit.lease_s: expected `float`, got `bool`"),
        ("[[camera]]", "[cloud]\nport = 0\n[[camera]]", "cloud.port: expected `int` >= 1, found 0"),
        ("[station]", "visit = 3\n[station]", "visit: expected `object`, got `int`, found 3; mend the value"),
    ],
)
def test_a_mistake_in_one_key_is_reported_completely(file: Path, old: str, new: str, told: str) -> None:
    assert told in complaint(file, GOOD.replace(old, new, 1))


def test_a_station_without_bins_is_refused(file: Path) -> None:
    assert complaint(file, "bin = []\n" + GOOD.split("[[bin]]", maxsplit=1)[0]).startswith(
        "bin: expected `array` of length >= 1"
    )


# --- mistakes that no single key shows ----------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('reader = "left"', 'reader = "right"', "bin[0].reader: no reader right; known: left"),
        ('reader = "left"', "", 'bin[0].reader: missing, and open_by is "reader"; name the bin\'s reader'),
        ('camera = "cam"', 'camera = "eye"', "bin[0].camera: no camera eye; known: cam"),
        ('id = "other"', 'id = "kitchen"', "bin: two have the id kitchen; give each its own id"),
        (
            'id = "cam"',
            'id = "model"',
            "camera: model is the model's own name in faults; give",
        ),
        (
            "[[camera]]",
            '[[controller]]\nid = "left"\nport = "/dev/ttyACM0"\n[[camera]]',
            "controller: a reader has the id left, too; give each its own id",
        ),
        ("button = 20", "", 'bin[1].button: missing, and open_by is "button"; name the button\'s pin'),
        (
            "button = 20",
            "button = 13",
            "bin[1].button: pin 13 is already bin[0].lid.closed_switch; give each wire",
        ),
        ("open_pin = 27", "open_pin = 16", "bin[1].lid.opened_switch: pin 16 is already bin[1].lid.open_pin"),
        ('port = "/dev/ttyAMA0"', "", "reader[0].port: a real reader needs its serial port; add port ="),
        (
            "[[camera]]",
            '[[reader]]\nid = "right"\nport = "/dev/ttyAMA0"\n[[camera]]',
            "reader[1].port: /dev/ttyAMA0 is already reader[0].port; give each its own port",
        ),
        (
            "[[camera]]",
            '[[reader]]\nid = "left"\nport = "/dev/ttyS0"\n[[camera]]',
            "reader: two have the id left; give each its own id",
        ),
        (
            "[[camera]]",
            '[[camera]]\nid = "cam"\n[[camera]]',
            "camera: two have the id cam; give each its own id",
        ),
        (
            'devices = "real"',
            'devices = "real"\ntimezone = "Asia/Shanghei"',
            "station.timezone: no zone 'Asia/Shanghei'; use one like",
        ),
        (
            'devices = "real"',
            'devices = "real"\ntimezone = "../../etc"',
            "station.timezone: no zone '../../etc'",
        ),
        (
            'devices = "real"',
            'devices = "real"\ntimezone = "Asia"',
            "station.timezone: no zone 'Asia'; use one like",
        ),
        (
            'devices = "real"',
            f'devices = "real"\ntimezone = "{"a" * 300}"',
            "station.timezone: no zone 'aaa",
        ),
        (
            "[[reader]]",
            '[cloud]\nhost = "mqtt://broker.example.org"\n[[reader]]',
            "cloud.host: 'mqtt://broker.example.org' begins with a scheme; give only the host: broker",
        ),
        (
            "[[camera]]",
            '[cloud]\nhost = "broker.example"\n[[camera]]',
            "cloud.tls_ca: missing, and the broker is not this machine; name the CA file",
        ),
        (
            "[[camera]]",
            '[cloud]\nledger_url = "http://ledger.example"\n[[camera]]',
            "cloud.ledger_url: no TLS, and the ledger is not this machine; begin it with https://",
        ),
        (
            "[[camera]]",
            '[cloud]\nledger_url = "ledger.example"\n[[camera]]',
            "cloud.ledger_url: 'ledger.example' is not an address; begin it with https://",
        ),
        (
            "[[camera]]",
            '[cloud]\nledger_url = "https://me@ledger.example/office/"\n[[camera]]',
            "cloud.ledger_url: 'https://me@ledger.example/office/' is more than a host; give only https://ledg",
        ),
        (
            "[[camera]]",
            '[cloud]\nledger_ca = "ca.pem"\n[[camera]]',
            "cloud.ledger_ca: no ledger_url uses it; add ledger_url, or leave this out",
        ),
        (
            "[[camera]]",
            "[visit]\nlease_s = 2\n[[camera]]",
            "visit.lease_s: ends before the lid is open; make it",
        ),
        (
            "[[camera]]",
            "[visit]\nlease_s = 50\n[[camera]]",
            "visit.lease_s: 50 s is longer than visit.max_open_s, 40 s; at most visit.max_open_s",
        ),
        (
            "[[camera]]",
            "[visit]\nmax_visit_s = 5\n[[camera]]",
            "visit.lease_s: 8 s is longer than visit.max_visit_s, 5 s",
        ),
        ("[[camera]]", "[visit]\ntravel_s = 1000\n[[camera]]", "visit.travel_s: expected `float` <= 30.0"),
        ("[[camera]]", "[visit]\nlease_s = 3600\n[[camera]]", "visit.lease_s: expected `float` <= 60.0"),
        ("[[camera]]", "[visit]\nmax_open_s = 3600\n[[camera]]", "visit.max_open_s: expected `float` <= 600"),
        (
            "[[camera]]",
            "[visit]\nobstructed_s = 600\n[[camera]]",
            "visit.obstructed_s: expected `float`",
        ),
        ("[[camera]]", "[visit]\nrecord_s = 600\n[[camera]]", "visit.record_s: expected `float` <= 60"),
        ("[[camera]]", "[visit]\nheld_card_s = nan\n[[camera]]", "visit.held_card_s: expected `float` > 0.0"),
        ("[[camera]]", "[visit]\nlinger_s = inf\n[[camera]]", "visit.linger_s: expected `float` <= 60.0"),
        ('port = "/dev/ttyAMA0"', 'port = ""', "reader[0].port: expected `str` of length >= 1"),
        (
            "open_pin = 27",
            "open_pin = 14",
            "bin[1].lid.open_pin: pin 14 is a wire of the serial port /dev/ttyAMA0, which is reader[0].port",
        ),
        (
            "closed_switch = 17",
            "closed_switch = 15",
            "bin[1].lid.closed_switch: pin 15 is a wire of the serial port /dev/ttyAMA0",
        ),
        (
            "[[camera]]",
            "[visit]\nmax_open_s = 1\n[[camera]]",
            "visit.max_open_s: ends before the lid is open",
        ),
    ],
)
def test_a_mistake_between_keys_is_reported_completely(file: Path, old: str, new: str, told: str) -> None:
    assert told in complaint(file, GOOD.replace(old, new, 1))


AT_A_CONTROLLER = (
    GOOD.replace("[station]", "[station]\ncard_bits = 32")
    + """
[[controller]]
id = "mcu"
port = "/dev/serial/by-id/mcu"

[[reader]]
id = "gate"
kind = "wiegand"
controller = "mcu"
number = 0

[[reader]]
id = "back"
controller = "mcu"
number = 0

[[bin]]
id = "glass"
category = "recyclable"
reader = "gate"
lid = { kind = "controller", controller = "mcu", number = 0 }
level = { controller = "mcu", number = 0, full_mm = 150 }
scale = { controller = "mcu", number = 2, counts_per_g = -10.5 }

[[bin]]
id = "paper"
category = "recyclable"
reader = "gate"
lid = { kind = "servo", servo_pin = 18, open_degrees = 80, closed_degrees = -20, closed_switch = 24 }

[[bin]]
id = "cells"
category = "hazardous"
reader = "gate"
lid = { kind = "relay", relay_pin = 19, closed_switch = 25, obstruction = 26 }
"""
)


def test_each_kind_of_lid_and_reader_is_read(file: Path) -> None:
    file.write_text(AT_A_CONTROLLER, encoding="utf-8")
    bins = {bin_.id: bin_.lid for bin_ in load_station(file).bin}
    assert isinstance(bins["kitchen"], HBridgeLid)
    assert bins["glass"] == ControllerLid(controller="mcu", number=0)
    assert isinstance(bins["paper"], ServoLid)
    assert isinstance(bins["cells"], RelayLid)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            'kind = "servo"',
            'kind = "sevro"',
            "bin[3].lid.kind: invalid value 'sevro', found",
        ),
        ('kind = "servo", ', "", "missing key bin[3].lid.kind; add it"),
        ("servo_pin = 18", "servo_pim = 18", "unknown key bin[3].lid.servo_pim; did you mean servo_pin?"),
        (", closed_switch = 24", "", "missing key bin[3].lid.closed_switch; add it"),
        (", obstruction = 26", "", "missing key bin[4].lid.obstruction; add it"),
        ("opened_switch = 12\n", "", "missing key bin[0].lid.opened_switch; add it"),
        (
            "servo_pin = 18",
            "servo_pin = 25",
            "bin[4].lid.closed_switch: pin 25 is already bin[3].lid.servo_pin",
        ),
        ("servo_pin = 18", "servo_pin = 8", "bin[3].lid.servo_pin: pin 8 is high while the Pi starts"),
        ("relay_pin = 19", "relay_pin = 2", "bin[4].lid.relay_pin: pin 2 is high while the Pi starts"),
        ("open_degrees = 80", "open_degrees = -20", "bin[3].lid.open_degrees: the same as closed_degrees"),
        ("open_degrees = 80", "open_degrees = 800", "bin[3].lid.open_degrees: expected `float` <= 180"),
        (
            'lid = { kind = "controller", controller = "mcu"',
            'lid = { kind = "controller", controller = "mcv"',
            "bin[2].lid.controller: no controller mcv; known: mcu",
        ),
        (
            "number = 0, full_mm = 150 }",
            "number = 0, full_mm = 150 }\nfull_switch = 5",
            "bin[2].level: the bin has a full_switch too; keep one of the two",
        ),
        (
            'scale = { controller = "mcu", number = 2, counts_per_g = -10.5 }',
            "weighed = true",
            "bin[2].scale: missing, and the bin is weighed; add [bin.scale] with controller, number and",
        ),
        (
            "counts_per_g = -10.5",
            "counts_per_g = 0.0",
            "bin[2].scale.counts_per_g: 0 is not a factor; calibrate it: docs/wiring.md",
        ),
        ("counts_per_g = -10.5", "counts_per_g = nan", "bin[2].scale.counts_per_g: nan is not a factor"),
        (
            "counts_per_g = -10.5",
            "counts_per_g = 4",
            "bin[2].scale.least_g: 20 g are 80 counts, a controller needs 200 or more; set it to 50",
        ),
        (
            'scale = { controller = "mcu"',
            'scale = { controller = "mcv"',
            "bin[2].scale.controller: no controller mcv; known: mcu",
        ),
        (
            "closed_switch = 24 }",
            'closed_switch = 24 }\nscale = { controller = "mcu", number = 2, counts_per_g = 100.0 }',
            "bin[3].scale.number: scale 2 of mcu is already bin[2].scale.number; give each its own number",
        ),
        ('id = "mcu"', 'id = "mcv"', "bin[2].lid.controller: no controller mcu; known: mcv"),
        (
            'kind = "servo", servo_pin = 18, open_degrees = 80, closed_degrees = -20, closed_switch = 24',
            'kind = "controller", controller = "mcu", number = 0',
            "bin[3].lid.number: lid 0 of mcu is already bin[2].lid.number; give each its own number",
        ),
        (
            '"/dev/serial/by-id/mcu"',
            '"/dev/ttyAMA0"',
            "reader[0].port: /dev/ttyAMA0 is already control",
        ),
        ('kind = "wiegand"\n', "", "reader[2].number: serial reader 0 of mcu is already reader[1].number"),
        (
            'kind = "wiegand"\ncontroller = "mcu"\nnumber = 0',
            'kind = "wiegand"\nport = "/dev/ttyS0"',
            "unknown key reader[1].port; known here: id, quiet_hours, controller, number, bits",
        ),
        (
            'kind = "wiegand"\ncontroller = "mcu"\nnumber = 0',
            'kind = "wiegand"\ncontroller = "mcu"',
            "reader[1].number: missing, and the reader is at a controller; add number = 0",
        ),
        (
            'kind = "wiegand"\ncontroller = "mcu"',
            'port = "/dev/ttyS0"',
            "reader[1].number: means nothing without a controller",
        ),
        (
            'kind = "wiegand"\ncontroller = "mcu"\nnumber = 0',
            'kind = "wiegand"',
            "reader[1].controller: missing, and the Pi takes no Wiegand; wire it to a controller",
        ),
        (
            'kind = "wiegand"',
            'kind = "wiegand"\nbits = 26',
            "reader[1].kind: it sends 24 bits of a fob, but station.card_bits is 32; set station.card_bits",
        ),
        ('kind = "wiegand"', 'kind = "wiegand"\nbits = 27', "reader[1].bits: invalid enum value 27"),
        ('kind = "wiegand"', 'port = "/dev/ttyS0"', "reader[1].port: the reader is at a controller already"),
        (
            "[[reader]]",
            "[visit]\nlease_s = 61\nmax_open_s = 90\n[[reader]]",
            "visit.lease_s: expected `float` <= 60.0, found 61",
        ),
        (
            "[[reader]]",
            "[visit]\ntravel_s = 0.01\n[[reader]]",
            "visit.travel_s: expected `float` >= 0.05, found 0.01",
        ),
        (
            "card_bits = 32",
            "card_bits = 40",
            "reader[1].kind: it sends 32 bits of a fob, but station.card_bits is 40; set station.card_bits",
        ),
        (
            'id = "mcu"\nport',
            'id = "mcu"\nlow_v = 10.0\nleast_v = 11\nport',
            "controller[0].least_v: 11 V is not below low_v, 10 V; warn before lids stay shut",
        ),
        (
            "[[controller]]",
            "[panic]\npin = 19\n[[controller]]",
            "bin[4].lid.relay_pin: pin 19 is already panic.pin",
        ),
        ("card_bits = 32", "card_bits = 26", "station.card_bits: invalid enum value 26"),
        (
            'kind = "wiegand"',
            'kind = "wigand"',
            "reader[1].kind: invalid value 'wigand', found 'wigand'; did you mean wiegand?",
        ),
    ],
)
def test_a_mistake_in_a_kind_of_lid_or_reader_is_reported_completely(
    file: Path, old: str, new: str, told: str
) -> None:
    assert old in AT_A_CONTROLLER
    assert complaint(file, AT_A_CONTROLLER.replace(old, new, 1)).startswith(told)


@pytest.mark.parametrize(("one", "other"), [("0", '"/dev/video0"'), ('"rtsp://cam/1"', '"rtsp://cam/1"')])
def test_two_cameras_with_one_source_are_refused(file: Path, one: str, other: str) -> None:
    cameras = f'[[camera]]\nid = "cam"\nsource = {one}\n[[camera]]\nid = "eye"\nsource = {other}\n'
    told = complaint(file, GOOD.replace('[[camera]]\nid = "cam"\n', cameras))
    assert told.startswith("camera[1].source: ")
    assert told.endswith("; give each its own, or let one camera see both bins")


def test_the_error_for_a_real_bin_without_a_lid_says_how_to_add_one(file: Path) -> None:
    before, _, after = GOOD.partition("[bin.lid]")
    assert complaint(file, before + "[[bin]]" + after.partition("[[bin]]")[2]) == (
        "bin[0].lid: missing, and devices are real; add [bin.lid] with its pins below that [[bin]]"
    )


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('[station]\nrules = "mine.toml"', "station.rules"),
        ('[cloud]\ntls_ca = "ca.pem"\n[station]', "cloud.tls_ca"),
        ('[cloud]\npassword_file = "secret"\n[station]', "cloud.password_file"),
        (
            '[cloud]\nledger_url = "https://ledger.example"\nledger_ca = "ca.pem"\n[station]',
            "cloud.ledger_ca",
        ),
    ],
)
def test_a_missing_file_is_reported_with_the_key_that_names_it(file: Path, line: str, key: str) -> None:
    told = complaint(file, GOOD.replace("[station]", line, 1))
    assert told.startswith(f"{key}: no file /")
    assert told.endswith("; create it, or name another")


def test_a_broker_on_another_machine_with_its_ca_file_is_accepted(file: Path) -> None:
    (file.parent / "ca.pem").write_text("", encoding="utf-8")
    cloud = '[cloud]\nhost = "broker.example"\ntls_ca = "ca.pem"\n[[camera]]'
    file.write_text(GOOD.replace("[[camera]]", cloud, 1), encoding="utf-8")
    assert load_station(file).cloud.tls_ca == str(file.parent / "ca.pem")


# --- files that are none ------------------------------------------------------------------------


def told_of(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_toml(path, StationSettings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_file_is_named(file: Path) -> None:
    assert told_of(file) == f"no file {file}; create it, or name another with --config"


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    assert told_of(tmp_path).startswith(f"{tmp_path} cannot be read (")


def test_the_error_for_a_file_that_is_not_toml_names_the_line(file: Path) -> None:
    assert complaint(file, GOOD + "\nthis is no key\n").startswith(f"{file} is not TOML: ")
    assert f"line {len(GOOD.splitlines()) + 2}" in complaint(file, GOOD + "\nthis is no key\n")


def test_bytes_that_are_not_text_are_reported(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    assert told_of(file).startswith(f"{file} cannot be read (")


def test_a_huge_file_is_not_even_read(file: Path) -> None:
    file.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    assert f"{file} is larger than {MAX_FILE_BYTES} bytes" in told_of(file)


def test_settings_cannot_be_changed_once_they_are_read(file: Path) -> None:
    file.write_text(GOOD, encoding="utf-8")
    settings: Any = load_station(file)
    with pytest.raises(AttributeError):
        settings.station.name = "other"


@pytest.mark.parametrize(
    ("sorting", "read"), [("shanghai", "shanghai"), ("our-town.toml", "{folder}/our-town.toml")]
)
def test_a_shipped_citys_name_stays_a_name_and_any_other_is_a_file(
    file: Path, sorting: str, read: str
) -> None:
    file.write_text(GOOD + f'[model]\nsorting = "{sorting}"\n', encoding="utf-8")
    assert load_station(file).model.sorting == read.format(folder=file.parent)


@pytest.mark.parametrize("port", ["/dev/serial0", "/dev/ttyS0", "/dev/tongzhan/uart-0"])
def test_the_headers_serial_port_keeps_its_pins_under_each_of_its_names(file: Path, port: str) -> None:
    text = GOOD.replace("/dev/ttyAMA0", port).replace("open_pin = 27", "open_pin = 15")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=f"pin 15 is a wire of the serial port {port}"):
        load_station(file)


def test_pins_14_and_15_are_pins_like_others_where_the_reader_is_on_usb(file: Path) -> None:
    text = GOOD.replace("/dev/ttyAMA0", "/dev/tongzhan/usb-1").replace("open_pin = 27", "open_pin = 14")
    file.write_text(text, encoding="utf-8")
    assert load_station(file).reader[0].wiring.port == "/dev/tongzhan/usb-1"
