from __future__ import annotations

from functools import partial

import pytest

from firmware_bridge.decoders.rdm6300 import Rdm6300Decoder
from firmware_bridge.link.messages import MAX_SERIAL, SensorKind, SensorValue, SerialBytes, WiegandBits
from tests.firmware_bridge.conformance.device import Device
from tests.firmware_bridge.conformance.speaker import Speaker

FOB = b"\x0262E3086CED08\x03"
CARD_26 = "10110001000010000110110011"
CARD_34 = "1110001100001000011011001110110101"[:34]


@pytest.fixture
def calm(linked: Speaker) -> Speaker:
    """A host that has read the device's first messages of a link."""
    linked.settle()
    return linked


def passed_through(host: Speaker) -> bytes:
    return b"".join(one.data for one in host.told if isinstance(one, SerialBytes))


@pytest.mark.parametrize("bits", ["0101", CARD_26, CARD_34, "1" * 37, "10" * 32], ids=len)
def test_a_wiegand_readers_bits_arrive_unchanged(device: Device, calm: Speaker, bits: str) -> None:
    device.do(f"wiegand 0 {bits}")
    assert calm.expect(WiegandBits) == WiegandBits(0, bits)


def test_two_readers_are_two_taps_in_order(device: Device, calm: Speaker) -> None:
    for reader in (0, 1, 1, 0):
        device.do(f"wiegand {reader} {CARD_26}")
        assert calm.expect(WiegandBits) == WiegandBits(reader, CARD_26)


def test_a_serial_readers_bytes_are_passed_through(device: Device, calm: Speaker) -> None:
    device.do(f"serial 0 {FOB.hex()}")
    calm.until(lambda: len(passed_through(calm)) >= len(FOB), "the reader's bytes")
    assert passed_through(calm) == FOB
    assert Rdm6300Decoder().feed(FOB) == ["62e3086ced"]


def test_every_byte_is_passed_through_and_no_message_is_too_long(device: Device, calm: Speaker) -> None:
    everything = bytes(range(256))

    def has_come(count: int) -> bool:
        return len(passed_through(calm)) >= count

    for start in range(0, 256, 64):
        device.do(f"serial 0 {everything[start : start + 64].hex()}")
        calm.until(partial(has_come, start + 64), "the reader's bytes")
    assert passed_through(calm) == everything
    assert all(len(one.data) <= MAX_SERIAL for one in calm.told if isinstance(one, SerialBytes))


def test_a_tap_from_before_the_link_is_not_reported(device: Device, host: Speaker) -> None:
    device.do(f"wiegand 0 {CARD_26}")
    device.do(f"serial 0 {FOB.hex()}")
    host.listen(0.3)
    host.greet()
    host.settle()
    device.do("wiegand 1 0110")
    assert host.expect(WiegandBits) == WiegandBits(1, "0110")
    assert not [one for _, one in host.heard if isinstance(one, SerialBytes)]


@pytest.mark.parametrize("kind", [SensorKind.SMOKE, SensorKind.DOOR, SensorKind.PANIC])
def test_a_contact_is_reported_when_it_changes(device: Device, linked: Speaker, kind: SensorKind) -> None:
    linked.expect(SensorValue, lambda one: one == SensorValue(kind, 0, 0))
    for value in (1, 0, 1):
        device.do(f"sensor {kind} 0 {value}")
        linked.expect(SensorValue, SensorValue(kind, 0, value).__eq__)


@pytest.mark.parametrize(
    ("kind", "value", "within"),
    [
        (SensorKind.WEIGHT, 123_456, 0),
        (SensorKind.WEIGHT, -4_000, 0),
        (SensorKind.LEVEL, 800, 20),
        (SensorKind.TEMPERATURE, 2_500, 100),
        (SensorKind.SUPPLY, 12_000, 400),
    ],
)
def test_a_measured_value_is_reported_in_its_unit(
    device: Device, linked: Speaker, kind: SensorKind, value: int, within: int
) -> None:
    first = next(one for _, one in linked.heard if hasattr(one, "sensors"))
    if not first.sensors >> kind & 1:
        pytest.skip(f"this device has no {kind.name.lower()}")
    device.do(f"sensor {kind} 0 {value}")
    linked.expect(
        SensorValue, lambda one: (one.kind, one.index) == (kind, 0) and abs(one.value - value) <= within
    )


def test_the_rig_names_what_it_cannot_do(device: Device) -> None:
    for line in ("nonsense", "lid 99", "wiegand 0 012", "sensor 99 0 1", "travel 0 x", "place 0", "jam 0 2"):
        assert device.try_to(line).startswith("error"), line
