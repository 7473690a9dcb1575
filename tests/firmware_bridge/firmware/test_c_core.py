"""The whole core in virtual time: no fault of a host or a switch drives a lid where it must not."""

from __future__ import annotations

import ctypes

import pytest

from firmware_bridge.link.messages import (
    Ack,
    Cause,
    EndLease,
    Heartbeat,
    Hello,
    LidState,
    OpenLid,
    Position,
    Reason,
    Refused,
    Resume,
    SensorKind,
    SensorValue,
    SerialBytes,
    SetLid,
    StopMotors,
    WiegandBits,
)
from tests.firmware_bridge.firmware.core import BOOT, LINK, Contacts, CoreDevice


def open_lid(device: CoreDevice, lease_ms: int = 60_000) -> None:
    """Open lid 0 until it arrives."""
    device.ask(OpenLid(0, lease_ms))
    device.contacts = Contacts(closed=False)
    device.run(300)
    device.contacts = Contacts(opened=True, closed=False)
    device.run_until(lambda: device.lid.position is Position.OPEN)
    device.run(150)  # its motor has rested


def leave_the_open_switch(device: CoreDevice) -> None:
    """Have lid 0 begin to shut and leave its open switch."""
    device.run_until(lambda: device.drive == "shut")
    device.contacts = Contacts(closed=False)
    device.run(30)


def test_a_lease_that_is_over_shuts_the_lid(device: CoreDevice) -> None:
    open_lid(device, 5000)
    assert device.drive == "off"
    device.run_until(lambda: device.drive == "shut", within_ms=5000)
    device.contacts = Contacts()
    device.run_until(lambda: device.drive == "off", within_ms=30)
    assert device.lid == LidState(0, Position.SHUT, Cause.LEASE_OVER)


@pytest.mark.parametrize("start_ms", [0, 2**31 - 4000, 2**32 - 4000])
def test_a_clock_that_wraps_after_weeks_changes_nothing(library: ctypes.CDLL, start_ms: int) -> None:
    device = CoreDevice(library, start_ms)
    device.link()
    open_lid(device, 6000)
    assert 4000 < device.run_until(lambda: device.drive == "shut") < 6000
    device.contacts = Contacts(closed=False)
    device.run_until(lambda: device.drive == "off", within_ms=3200)  # a silent switch reverses it
    device.run_until(lambda: device.drive == "open", within_ms=200)


def test_a_silent_host_ends_the_lease_within_a_second_and_keeps_its_link(device: CoreDevice) -> None:
    open_lid(device)
    device.beats = False
    assert device.run_until(lambda: device.drive == "shut") <= 1000
    device.beats = True
    device.run_until(lambda: device.lid == LidState(0, Position.CLOSING, Cause.HOST_SILENT), within_ms=900)


@pytest.mark.parametrize(("link", "boot"), [(LINK + 1, BOOT), (LINK, BOOT + 1)])
def test_a_heartbeat_of_another_link_or_for_another_life_of_the_board_keeps_no_lease(
    device: CoreDevice, link: int, boot: int
) -> None:
    open_lid(device)
    device.beats = False
    shut_at = device.now_ms + 1000
    while device.now_ms < shut_at and device.drive != "shut":
        device.say(Heartbeat(link, boot, 0))
        device.run(10)
    assert device.drive == "shut"


def test_a_host_that_does_not_acknowledge_loses_the_link(device: CoreDevice) -> None:
    device.beats = False
    device.pulse(0, "0110")
    for _ in range(80):  # it beats, but takes nothing
        device.say(Heartbeat(LINK, 0xB007, 0))
        device.run(100)
    assert [one for _, one in device.heard if isinstance(one, Heartbeat)][-1].other == 0


def test_a_host_that_acknowledges_late_again_and_again_keeps_the_link(device: CoreDevice) -> None:
    device.beats = False
    for number in range(8):
        device.pulse(0, "0110" * 7)
        for _ in range(20):  # about four repeats
            device.say(Heartbeat(LINK, 0xB007, 0))
            device.run(100)
        last = max(sequence for sequence, _ in device.heard)
        device.say(Ack(last, 16))
        device.run(10)
        beat = [one for _, one in device.heard if isinstance(one, Heartbeat)][-1]
        assert beat.other == LINK, f"the link went after {number + 1} late acknowledgements"


def test_something_in_the_way_reverses_the_lid_and_it_is_left_open_in_the_end(device: CoreDevice) -> None:
    open_lid(device)
    device.ask(EndLease(0))
    causes = []
    for _ in range(3):
        leave_the_open_switch(device)
        device.contacts = Contacts(closed=False, free=False)
        device.run_until(lambda: device.drive != "shut", within_ms=2)
        device.run_until(lambda: device.drive == "open", within_ms=101)
        device.contacts = Contacts(opened=True, closed=False)
        device.run_until(lambda: device.drive == "off", within_ms=50)
        causes.append(device.lid.cause)
    device.run(30_000)
    assert device.drive == "off"
    assert device.lid == LidState(0, Position.OPEN, Cause.LEFT_OPEN)
    assert Cause.OBSTRUCTED in causes


def test_a_lid_that_does_not_arrive_stops_its_motor(device: CoreDevice) -> None:
    device.ask(SetLid(0, 400))
    device.ask(OpenLid(0, 60_000))
    assert device.run_until(lambda: device.drive == "off") <= 700
    device.run(5)
    assert device.lid == LidState(0, Position.SHUT, Cause.TRAVEL_TIMEOUT)
    device.ask(OpenLid(0, 60_000))
    device.run(1000)
    assert device.drive == "off"  # a renewal is no second drive


def test_no_motor_runs_while_both_switches_are_closed(device: CoreDevice) -> None:
    device.ask(OpenLid(0, 60_000))
    assert device.drive == "open"
    device.contacts = Contacts(opened=True, closed=True)
    device.run_until(lambda: device.drive == "off", within_ms=25)
    assert device.lid == LidState(0, Position.UNKNOWN, Cause.BOTH_SWITCHES)
    device.ask(OpenLid(0, 60_000))
    device.run(500)
    assert device.drive == "off"


def test_panic_stops_every_motor_until_a_person_resumes(device: CoreDevice) -> None:
    device.ask(OpenLid(0, 60_000))
    device.contacts = Contacts(closed=False, panic=True)
    device.run_until(lambda: device.drive == "off", within_ms=25)
    assert device.lid == LidState(0, Position.STOPPED, Cause.MOTORS_STOPPED)
    device.ask(Resume())  # still pressed
    device.contacts = Contacts(closed=False)
    device.run(300)
    device.ask(OpenLid(0, 60_000))
    device.ask(EndLease(0))
    device.run(100)
    assert device.drive == "off"
    refused = device.told_of(Refused)
    assert [one.reason for one in refused] == [Reason.MOTORS_STOPPED] * 2
    device.ask(Resume())
    device.run(5000)
    assert device.drive == "off"  # nothing moves until it is asked to
    device.ask(OpenLid(0, 60_000))
    assert device.drive == "open"


def test_a_panic_at_the_start_keeps_a_lid_that_stands_open_from_moving(library: ctypes.CDLL) -> None:
    device = CoreDevice(library, contacts=Contacts(opened=True, closed=False, panic=True))
    device.link()
    device.run(10_000)
    assert device.drive == "off"
    assert device.is_sane


def test_smoke_shuts_a_free_lid_and_refuses_to_open_it(device: CoreDevice) -> None:
    open_lid(device)
    device.contacts = Contacts(opened=True, closed=False, smoke=True)
    device.run_until(lambda: device.drive == "shut", within_ms=25)
    device.run(5)
    assert device.lid == LidState(0, Position.CLOSING, Cause.SMOKE)
    device.ask(OpenLid(0, 5000))
    assert device.told_of(Refused)[-1].reason is Reason.SMOKE


def test_smoke_does_not_shut_a_lid_that_is_in_someones_way(device: CoreDevice) -> None:
    open_lid(device)
    device.contacts = Contacts(opened=True, closed=False, free=False, smoke=True)
    device.run(19_000)
    assert device.drive == "off"
    assert device.lid == LidState(0, Position.OPEN, Cause.OBSTRUCTED)


def test_stop_motors_works_while_a_lid_is_reversing(device: CoreDevice) -> None:
    open_lid(device, 1000)
    leave_the_open_switch(device)
    device.contacts = Contacts(closed=False, free=False)
    device.run_until(lambda: device.drive == "open")
    device.ask(StopMotors())
    device.run(3000)
    assert device.drive == "off"


def test_a_lid_found_open_at_the_start_is_shut_once_its_way_was_free_for_a_while(
    library: ctypes.CDLL,
) -> None:
    device = CoreDevice(library, contacts=Contacts(opened=True, closed=False, free=False))
    device.link()
    device.run(5000)
    assert device.drive == "off"
    device.contacts = Contacts(opened=True, closed=False)
    assert device.run_until(lambda: device.drive == "shut") >= 2000


def test_a_new_link_reports_every_lid_and_every_contact(device: CoreDevice) -> None:
    assert {one.lid for one in device.told_of(LidState)} == {0, 1}
    assert {one.position for one in device.told_of(LidState)} == {Position.SHUT}
    assert {one.kind for one in device.told_of(SensorValue)} == {
        SensorKind.SMOKE,
        SensorKind.DOOR,
        SensorKind.PANIC,
    }  # of what was never measured there is nothing to tell


def test_a_new_link_drops_waiting_messages_and_ends_leases(device: CoreDevice) -> None:
    open_lid(device)
    device.beats = False
    device.pulse(0, "010101")
    device.run(40)
    device.say(Hello(1, 1, LINK + 1, 16))
    since = len(device.heard)
    device.run(300)
    assert device.drive == "shut"
    assert not [one for _, one in device.heard[since:] if isinstance(one, WiegandBits)]


def test_bits_become_one_message_after_a_pause(device: CoreDevice) -> None:
    bits = "01101001100101101001011001"
    device.pulse(1, bits)
    assert not device.told_of(WiegandBits)
    device.run(30)
    assert device.told_of(WiegandBits) == [WiegandBits(1, bits)]


@pytest.mark.parametrize("count", [1, 3, 65, 200])
def test_too_few_and_too_many_bits_are_noise(device: CoreDevice, count: int) -> None:
    device.pulse(0, "1" * count)
    device.run(40)
    device.pulse(0, "1001")
    device.run(40)
    assert [one.bits for one in device.told_of(WiegandBits)] == ["1001"]


def test_two_readers_at_once_are_two_messages(device: CoreDevice) -> None:
    for _ in range(13):
        device.pulse(0, "1")
        device.pulse(1, "0")
    device.run(40)
    assert sorted((one.reader, one.bits) for one in device.told_of(WiegandBits)) == [
        (0, "1" * 13),
        (1, "0" * 13),
    ]


def test_a_serial_readers_bytes_are_passed_on_whole_and_in_pieces_of_32(device: CoreDevice) -> None:
    device.serial(0, bytes(range(70)))
    device.run(10)
    pieces = [one.data for one in device.told_of(SerialBytes)]
    assert b"".join(pieces) == bytes(range(70))
    assert max(map(len, pieces)) == 32


def test_a_tap_without_a_link_is_dropped_and_not_reported_later(library: ctypes.CDLL) -> None:
    device = CoreDevice(library)
    device.run(100)
    device.pulse(0, "01010101")
    device.serial(0, b"\x02abc")
    device.run(100)
    device.link()
    assert not device.told_of(WiegandBits)
    assert not device.told_of(SerialBytes)


def test_a_value_that_changes_by_more_than_noise_is_reported_at_most_four_times_a_second(
    device: CoreDevice,
) -> None:
    for step in range(1000):
        device.measured(SensorKind.WEIGHT, 0, 1000 * step + step % 2 * 50)
        device.run(1)
    told = [one for one in device.told_of(SensorValue) if one.kind is SensorKind.WEIGHT]
    assert 3 <= len(told) <= 5
    device.measured(SensorKind.WEIGHT, 0, told[-1].value + 150)
    device.run(1000)
    assert [one for one in device.told_of(SensorValue) if one.kind is SensorKind.WEIGHT] == told


@pytest.mark.parametrize("kind", [SensorKind.SMOKE, SensorKind.PANIC])
def test_an_alarm_is_reported_at_once_even_right_after_the_last_report(
    device: CoreDevice, kind: SensorKind
) -> None:
    def told() -> int:
        return [one.value for one in device.told_of(SensorValue) if one.kind is kind][-1]

    on = Contacts(smoke=kind is SensorKind.SMOKE, panic=kind is SensorKind.PANIC)
    device.contacts = on
    device.run_until(lambda: told() == 1)
    device.contacts = Contacts()
    device.run_until(lambda: told() == 0)
    device.contacts = on
    device.run_until(lambda: told() == 1, within_ms=100)


def test_extreme_values_are_reported_unchanged(device: CoreDevice) -> None:
    for value in (-(2**31), 2**31 - 1):
        device.measured(SensorKind.WEIGHT, 3, value)
        device.run(300)
    assert [one.value for one in device.told_of(SensorValue) if one.kind is SensorKind.WEIGHT] == [
        -(2**31),
        2**31 - 1,
    ]


def test_credit_keeps_room_for_every_refusal(device: CoreDevice) -> None:
    device.beats = False  # it acknowledges nothing: what the device says piles up
    for number in range(1, 40):
        device.say(OpenLid(9, 1000), number)
        device.run(1)
    acks = [one for _, one in device.heard if isinstance(one, Ack)]
    assert acks[-1].credit == 0
    assert acks[-1].number < 39  # what could not be answered was not taken
    device.run(200)
    assert device.is_sane


def test_a_bouncing_switch_counts_once_it_has_settled(device: CoreDevice) -> None:
    device.ask(OpenLid(0, 60_000))
    device.contacts = Contacts(closed=False)
    for bounce in range(100):
        device.contacts.opened = bounce % 3 == 0
        device.run(2)
    assert device.drive == "open"
    device.contacts.opened = True
    device.run_until(lambda: device.drive == "off", within_ms=25)


def test_a_working_scale_is_reported_regularly_and_a_silent_one_is_not(device: CoreDevice) -> None:
    weight = SensorValue(SensorKind.WEIGHT, 0, 777)

    def told_within(ms: int, *, is_read: bool) -> int:
        device.told.clear()
        for _ in range(ms // 100):
            if is_read:
                device.measured(SensorKind.WEIGHT, 0, 777)
            device.run(100)
        return device.told.count(weight)

    assert told_within(21_000, is_read=True) == 5
    assert told_within(60_000, is_read=False) <= 1  # the last reading had not been told yet
    assert told_within(1_000, is_read=True) == 1
