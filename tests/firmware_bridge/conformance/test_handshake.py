from __future__ import annotations

from firmware_bridge.link import codec, frame
from firmware_bridge.link.frame import Frame
from firmware_bridge.link.messages import (
    Ack,
    EndLease,
    Heartbeat,
    Hello,
    LidState,
    OpenLid,
    Position,
    SensorKind,
    SensorValue,
    Welcome,
)
from tests.firmware_bridge.conformance.device import Device
from tests.firmware_bridge.conformance.speaker import Speaker, coded


def beats(host: Speaker) -> list[Heartbeat]:
    return [one for _, one in host.heard if isinstance(one, Heartbeat)]


def test_it_answers_hello_with_its_parts(host: Speaker) -> None:
    welcome = host.greet()
    assert (welcome.version, welcome.highest) == (1, 1)
    assert welcome.boot
    assert 2 <= welcome.lids <= 8
    assert welcome.wiegand_readers >= 2
    assert welcome.serial_readers >= 1
    assert 1 <= welcome.credit <= 8
    for kind in (SensorKind.SMOKE, SensorKind.DOOR, SensorKind.PANIC):
        assert welcome.sensors >> kind & 1


def test_it_chooses_the_highest_version_that_both_speak(host: Speaker) -> None:
    assert host.greet(lowest=0, highest=9).version == 1


def test_it_makes_no_link_with_a_host_of_unknown_versions(host: Speaker) -> None:
    welcome = host.greet(lowest=2, highest=9)
    assert (welcome.version, welcome.highest) == (0, 1)
    host.say(OpenLid(0, 5000), 1)
    host.until(lambda: len(beats(host)) >= 3, "heartbeats")
    assert all(beat.other == 0 for beat in beats(host))
    assert not [one for _, one in host.heard if isinstance(one, Ack)]


def test_a_longer_hello_of_a_later_version_is_understood(host: Speaker) -> None:
    code, body = codec.encode(Hello(1, 2, 4711, 8))
    host.write(b"\0" + frame.encode(Frame(code, 0, body + b"later")))
    host.until(lambda: any(isinstance(one, Welcome) and one.link == 4711 for _, one in host.heard), "WELCOME")


def test_noise_before_a_hello_is_ignored(host: Speaker) -> None:
    host.write(bytes(range(1, 256)) * 4)
    assert host.greet().version == 1


def test_a_new_link_gets_a_report_of_every_lid_and_sensor(device: Device, host: Speaker) -> None:
    device.do("place 1 500")
    device.do("sensor 2 0 1")
    welcome = host.greet()
    lids = {host.expect(LidState).lid for _ in range(welcome.lids)}
    assert lids == set(range(welcome.lids))
    kinds = {kind for kind in SensorKind if welcome.sensors >> kind & 1}
    host.until(
        lambda: {one.kind for one in host.told if isinstance(one, SensorValue)} == kinds,
        "every kind of sensor",
    )
    assert SensorValue(SensorKind.SMOKE, 0, 1) in host.told


def test_a_repeated_hello_of_the_same_link_changes_nothing(device: Device, linked: Speaker) -> None:
    linked.ask(OpenLid(0, 60_000))
    linked.expect(LidState, lambda one: one.position is Position.OPEN)
    again = linked.greet(link=linked.link)
    assert again.link == linked.link
    assert again.boot == linked.boot
    linked.ask(OpenLid(1, 60_000))  # the numbers go on
    linked.expect(LidState, lambda one: one.lid == 1 and one.position is Position.OPEN)
    assert device.lid(0) == (1000, "off")


def test_a_new_link_ends_every_lease_and_numbers_begin_again(device: Device, linked: Speaker) -> None:
    linked.ask(OpenLid(0, 60_000))
    linked.expect(LidState, lambda one: one.lid == 0 and one.position is Position.OPEN)
    linked.greet()
    assert linked.ask(EndLease(1)) == 1
    linked.until(lambda: device.lid(0) == (0, "off"), "the lid to shut")


def test_without_a_link_it_only_sends_heartbeats(device: Device, host: Speaker) -> None:
    host.say(OpenLid(0, 60_000), 1)
    device.do("wiegand 0 01010101")
    host.until(lambda: len(beats(host)) >= 4, "heartbeats")
    assert {type(one) for _, one in host.heard} == {Heartbeat}
    assert {beat.other for beat in beats(host)} == {0}
    assert device.lid(0) == (0, "off")


def test_heartbeats_name_both_sides_and_the_time_since_the_start(linked: Speaker) -> None:
    since = len(linked.heard)
    linked.until(lambda: sum(isinstance(one, Heartbeat) for _, one in linked.heard[since:]) >= 5, "beats")
    heard = [one for _, one in linked.heard[since:] if isinstance(one, Heartbeat)]
    assert {(beat.own, beat.other) for beat in heard} == {(linked.boot, linked.link)}
    apart_ms = (heard[-1].uptime_ms - heard[0].uptime_ms) / (len(heard) - 1)
    assert 200 <= apart_ms < 1000  # by the device's own clock; a busy machine may make it late


def test_every_heartbeat_comes_with_an_acknowledgement(linked: Speaker) -> None:
    number = linked.ask(EndLease(0))
    since = len(linked.heard)
    linked.until(lambda: sum(isinstance(one, Heartbeat) for _, one in linked.heard[since:]) >= 4, "beats")
    acks = [one for _, one in linked.heard[since:] if isinstance(one, Ack)]
    assert len(acks) >= 3
    assert {ack.number for ack in acks} == {number}


def test_a_restart_shows_in_the_heartbeat_and_the_link_is_gone(device: Device, linked: Speaker) -> None:
    linked.ask(OpenLid(0, 60_000))
    linked.expect(LidState, lambda one: one.position is Position.OPENING)
    before = linked.boot
    device.do("reboot")
    linked.until(lambda: any(beat.own != before for beat in beats(linked)), "another boot id")
    assert beats(linked)[-1].other == 0
    since = len(linked.heard)
    linked.write(coded(OpenLid(1, 60_000), 2))
    linked.listen(0.6)
    assert not [one for _, one in linked.heard[since:] if isinstance(one, Ack)]
    assert device.lid(1) == (0, "off")
    assert linked.greet().boot != before


def test_a_heartbeat_of_another_link_keeps_no_lease_alive(device: Device, linked: Speaker) -> None:
    linked.ask(OpenLid(0, 60_000))
    linked.expect(LidState, lambda one: one.position is Position.OPEN)
    linked.beats = linked.acks = False

    def has_begun_to_shut() -> bool:
        linked.say(Heartbeat(linked.link + 1, linked.boot, 0))
        linked.say(Heartbeat(linked.link, linked.boot + 1, 0))
        return device.lid(0) != (1000, "off")

    linked.until(has_begun_to_shut, "the lid to shut")
