"""The udev rule's names of serial ports, by a reading of what of its language the rule uses (udev(7))."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

RULES = Path(__file__).parents[2] / "scripts" / "systemd" / "60-tongzhan.rules"
ITEM = re.compile(r'([A-Z]+)(?:\{([^}]+)\})?(==|!=|\+=|=)"([^"]*)"')


@dataclass
class Port:
    """A tty as udev sees it: its own name, the subsystems above it, what it is known by."""

    kernel: str
    above: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    attr: dict[str, str] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)

    def values(self, key: str, name: str) -> list[str]:
        return {
            "ACTION": ["add"],
            "SUBSYSTEM": ["tty"],
            "KERNEL": [self.kernel],
            "SUBSYSTEMS": ["tty", *self.above],
            "ENV": [self.env.get(name, "")],
        }[key]

    def fill(self, text: str) -> str:
        text = re.sub(r"\$env\{([^}]+)\}", lambda found: self.env.get(found[1], ""), text)
        text = re.sub(r"\$attr\{([^}]+)\}", lambda found: self.attr.get(found[1], ""), text)
        return text.replace("%n", re.sub(r"^.*?(\d*)$", r"\1", self.kernel))


def matches(port: Port, key: str, name: str, operator: str, pattern: str) -> bool:
    values = port.values(key, name)
    is_in = any(fnmatchcase(value, one) for value in values for one in pattern.split("|"))
    return is_in is (operator == "==")


def links(port: Port) -> list[str]:
    skip_to = ""
    for line in RULES.read_text(encoding="utf-8").splitlines():
        items = ITEM.findall(line.partition("#")[0])
        if skip_to and ("LABEL", "", "=", skip_to) not in items:
            continue
        skip_to = ""
        wanted = [item for item in items if item[2] in {"==", "!="}]
        if any(not matches(port, *item) for item in wanted):
            continue
        for key, name, operator, value in items:
            if key == "ENV" and operator == "=":
                port.env[name] = port.fill(value)
            elif key == "SYMLINK":
                port.links.append(port.fill(value))
            elif key == "GOTO":
                skip_to = value
    return port.links


def usb(kernel: str, socket: str, number: int | None = 0) -> Port:
    attr = {} if number is None else {"port_number": str(number)}
    above = ("usb",) if number is None else ("usb-serial", "usb")
    return Port(kernel, above, {"ID_PATH_TAG": socket}, attr)


def test_each_port_of_one_adapter_has_a_name_of_its_own() -> None:
    names = [links(usb(f"ttyUSB{number}", "pci-usb-0_1_1_0", number)) for number in range(4)]
    assert names == [
        ["tongzhan/usb-pci-usb-0_1_1_0"],
        ["tongzhan/usb-pci-usb-0_1_1_0-port1"],
        ["tongzhan/usb-pci-usb-0_1_1_0-port2"],
        ["tongzhan/usb-pci-usb-0_1_1_0-port3"],
    ]


def test_an_adapter_with_one_port_and_a_microcontroller_are_known_by_their_socket() -> None:
    assert links(usb("ttyUSB0", "one")) == ["tongzhan/usb-one"]
    assert links(usb("ttyACM0", "two", None)) == ["tongzhan/usb-two"]


def test_the_headers_own_ports_have_their_number_and_other_terminals_no_name() -> None:
    assert links(Port("ttyAMA0")) == ["tongzhan/uart-0"]
    assert links(Port("tty1")) == []
