from __future__ import annotations

import random

import pytest

from firmware_bridge.link import frame
from firmware_bridge.link.frame import Frame
from firmware_bridge.link.messages import (
    Ack,
    EndLease,
    Heartbeat,
    LidState,
    OpenLid,
    Position,
    SensorKind,
    SensorValue,
    SetLid,
    WiegandBits,
)
from tests.firmware_bridge.conformance.device import HOST_DAILY, Device
from tests.firmware_bridge.conformance.speaker import Speaker, coded


def numbers(host: Speaker, since: int) -> list[int]:
    return [number for number, _ in host.heard[since:] if number]


def acks(host: Speaker, since: int = 0) -> list[Ack]:
    return [one for _, one in host.heard[since:] if isinstance(one, Ack)]


def quiet(host: Speaker) -> None:
    """A new link on which the device's first messages are read and acknowledged."""
    host.greet()
    host.settle()


def test_a_repeated_message_is_acknowledged_again_and_not_carried_out_again(
    device: Device, linked: Speaker
) -> None:
    linked.ask(OpenLid(0, 60_000))
    linked.expect(LidState, lambda one: one.position is Position.OPEN)
    linked.ask(EndLease(0))
    linked.expect(LidState, lambda one: one.position is Position.SHUT)
    since = len(linked.heard)
    linked.say(OpenLid(0, 60_000), 1)
    linked.until(lambda: acks(linked, since), "an acknowledgement")
    linked.listen(0.3)
    assert {ack.number for ack in acks(linked, since)} == {2}
    assert device.lid(0) == (0, "off")


def test_a_message_that_is_ahead_is_dropped(device: Device, linked: Speaker) -> None:
    linked.say(OpenLid(0, 60_000), 2)
    linked.say(OpenLid(1, 60_000), 100)
    linked.listen(0.6)
    assert {ack.number for ack in acks(linked)} == {0}
    assert device.lid(0) == device.lid(1) == (0, "off")


def test_numbers_wrap_from_255_to_1(linked: Speaker) -> None:
    given = [linked.ask(SetLid(0, 300)) for _ in range(260)]
    assert given[253:] == [254, 255, 1, 2, 3, 4, 5]


def test_messages_with_a_wrong_or_missing_number_are_dropped(device: Device, linked: Speaker) -> None:
    linked.say(OpenLid(0, 60_000), 0)
    linked.say(Heartbeat(linked.link, linked.boot, 0), 1)
    linked.listen(0.6)
    assert {ack.number for ack in acks(linked)} == {0}
    assert device.lid(0) == (0, "off")


def test_it_repeats_a_message_until_it_is_acknowledged(device: Device, host: Speaker) -> None:
    quiet(host)
    host.acks = False
    device.do("wiegand 1 0110")
    since = len(host.heard)
    host.until(lambda: len(numbers(host, since)) >= 4, "repeats")
    told = [said for said in host.heard[since:] if said[0]]
    assert set(told) == {(told[0][0], WiegandBits(1, "0110"))}
    host.say(Ack(told[0][0], 8))
    host.listen(0.2)
    since = len(host.heard)
    host.listen(1.0)
    assert numbers(host, since) == []


def test_it_keeps_to_the_credit_it_was_given(device: Device, host: Speaker) -> None:
    quiet(host)
    taken = host.taken
    host.acks = False
    host.say(Ack(taken, 2))
    host.listen(0.2)
    since = len(host.heard)
    for bits in ("0001", "0010", "0011", "0100"):
        device.do(f"wiegand 0 {bits}")
    host.listen(1.0)
    first, second = taken % 255 + 1, (taken + 1) % 255 + 1
    assert set(numbers(host, since)) == {first, second}
    host.say(Ack(second, 1))
    host.listen(0.2)
    since = len(host.heard)
    host.listen(1.0)
    assert set(numbers(host, since)) == {(taken + 2) % 255 + 1}


def test_credit_0_stops_it_from_sending_until_more_is_given(device: Device, host: Speaker) -> None:
    quiet(host)
    host.acks = False
    host.say(Ack(host.taken, 0))
    host.listen(0.2)
    since = len(host.heard)
    device.do("wiegand 0 1111")
    host.listen(0.6)
    assert numbers(host, since) == []
    host.acks = True
    host.say(Ack(host.taken, 8))
    assert host.expect(WiegandBits).bits == "1111"


def test_the_first_credit_comes_from_hello(host: Speaker) -> None:
    host.acks = False
    host.greet(credit=1)
    host.listen(1.0)
    assert set(numbers(host, 0)) == {1}


def test_a_full_queue_keeps_the_newest_state_of_each_input(device: Device, host: Speaker) -> None:
    quiet(host)
    host.acks = False
    host.say(Ack(host.taken, 0))
    host.listen(0.2)
    for number in range(40):
        device.do(f"wiegand 0 {number:08b}")
        device.do(f"sensor 4 0 {number % 2}")
        host.listen(0.02)
    device.do("sensor 4 0 1")
    host.listen(0.3)
    host.acks = True
    host.say(Ack(host.taken, 8))
    host.listen(1.0)
    doors = [one for one in host.told if isinstance(one, SensorValue) and one.kind is SensorKind.DOOR]
    assert doors[-1] == SensorValue(SensorKind.DOOR, 0, 1)
    taps = [one.bits for one in host.told if isinstance(one, WiegandBits)]
    assert taps == sorted(set(taps))
    assert len(taps) < 40


@pytest.mark.parametrize("device", HOST_DAILY, indirect=True)
def test_a_host_that_acknowledges_nothing_loses_the_link_and_its_leases(
    device: Device, linked: Speaker
) -> None:
    linked.ask(OpenLid(0, 60_000))
    linked.expect(LidState, lambda one: one.position is Position.OPEN)
    linked.settle()
    linked.acks = False
    device.do("wiegand 0 0001")
    since = len(linked.heard)
    linked.until(lambda: any(_is_unlinked(one) for _, one in linked.heard[since:]), "the end of the link")
    assert len(numbers(linked, since)) >= 10
    linked.until(lambda: device.lid(0) == (0, "off"), "the lid to shut")


def _is_unlinked(one: object) -> bool:
    return isinstance(one, Heartbeat) and one.other == 0


def test_corrupted_frames_do_nothing(device: Device, linked: Speaker) -> None:
    coded_open = coded(OpenLid(0, 60_000), 1)
    for bit in range(8 * (len(coded_open) - 1)):
        damaged = bytearray(coded_open)
        damaged[bit // 8] ^= 1 << bit % 8
        linked.write(bytes(damaged) + b"\0")
    for length in range(1, len(coded_open) - 1):
        linked.write(coded_open[:length] + b"\0" + coded_open[length:])
    linked.listen(0.5)
    assert {ack.number for ack in acks(linked)} == {0}
    assert device.lid(0) == (0, "off")


def test_noise_and_endless_frames_do_not_stop_the_link(linked: Speaker) -> None:
    chance = random.Random(5)
    for _ in range(10):
        linked.write(chance.randbytes(200))
        linked.listen(0.02)
    linked.write(b"\x55" * 2000)
    linked.listen(0.2)
    linked.write(b"\0" + frame.encode(Frame(0x11, 0, bytes(64))))
    linked.ask(OpenLid(1, 1000))
    linked.expect(LidState, lambda one: one.lid == 1 and one.position is Position.OPEN)
