from __future__ import annotations

import pytest

from firmware_bridge.link.messages import (
    Cause,
    EndLease,
    LidState,
    OpenLid,
    Position,
    Reason,
    Refused,
    Resume,
    SensorKind,
    SensorValue,
    SetLid,
    StopMotors,
)
from tests.firmware_bridge.conformance.device import ALL_DAILY, Device
from tests.firmware_bridge.conformance.speaker import Speaker

LONG_MS = 60_000
SHUT_AT, OPEN_AT = 0, 1000


@pytest.fixture
def lids(linked: Speaker) -> Speaker:
    """A host that has set both lids' bounds and read their positions."""
    for lid in (0, 1):
        linked.ask(SetLid(lid, travel_ms=300, retry_ms=200, patience_ms=20_000, tries=2))
        expect(linked, Position.SHUT, lid=lid)
    return linked


def expect(host: Speaker, position: Position, cause: Cause | None = None, lid: int = 0) -> LidState:
    def fits(state: LidState) -> bool:
        return state.lid == lid and state.position is position and cause in (None, state.cause)

    return host.expect(LidState, fits)


def opened(host: Speaker, lease_ms: int = LONG_MS, lid: int = 0) -> None:
    host.ask(OpenLid(lid, lease_ms))
    expect(host, Position.OPEN, Cause.ASKED, lid)


def rests(device: Device, host: Speaker, place: int, lid: int = 0) -> None:
    """Wait until the lid is there with its motor off."""
    host.until(lambda: device.lid(lid) == (place, "off"), f"the lid at {place}, at {device.lid(lid)}")


def test_a_lid_is_opened_and_only_its_switch_reports_it_open(device: Device, lids: Speaker) -> None:
    device.do("travel 0 700")
    lids.ask(SetLid(0, 700))
    lids.ask(OpenLid(0, LONG_MS))
    expect(lids, Position.OPENING, Cause.ASKED)
    place, drive = device.lid(0)
    assert place < OPEN_AT
    assert drive == "open"
    expect(lids, Position.OPEN, Cause.ASKED)
    rests(device, lids, OPEN_AT)
    assert device.lid(1) == (SHUT_AT, "off")


@pytest.mark.parametrize("device", ALL_DAILY, indirect=True)
def test_a_lease_that_is_over_shuts_the_lid(device: Device, lids: Speaker) -> None:
    opened(lids, 800)
    expect(lids, Position.CLOSING, Cause.LEASE_OVER)
    expect(lids, Position.SHUT, Cause.LEASE_OVER)
    rests(device, lids, SHUT_AT)


def test_a_lease_that_ends_while_the_lid_opens_shuts_it(device: Device, lids: Speaker) -> None:
    device.do("travel 0 2000")
    lids.ask(SetLid(0, 2000, tries=2))
    lids.ask(OpenLid(0, 400))
    expect(lids, Position.CLOSING, Cause.LEASE_OVER)
    rests(device, lids, SHUT_AT)
    assert not [one for _, one in lids.heard if isinstance(one, LidState) and one.position is Position.OPEN]


def test_a_renewed_lease_keeps_the_lid_open(device: Device, lids: Speaker) -> None:
    opened(lids, 2500)
    for _ in range(5):
        lids.listen(0.3)
        lids.ask(OpenLid(0, 2500))
        assert device.lid(0) == (OPEN_AT, "off")
    assert not [
        one for _, one in lids.heard if isinstance(one, LidState) and one.position is Position.CLOSING
    ]
    lids.ask(EndLease(0))
    rests(device, lids, SHUT_AT)


@pytest.mark.parametrize("request_", [EndLease(0), OpenLid(0, 0)], ids=["END_LEASE", "lease 0"])
def test_the_end_of_a_lease_shuts_the_lid(
    device: Device, lids: Speaker, request_: EndLease | OpenLid
) -> None:
    opened(lids)
    lids.ask(request_)
    expect(lids, Position.CLOSING, Cause.ASKED)
    expect(lids, Position.SHUT, Cause.ASKED)
    rests(device, lids, SHUT_AT)


def test_a_lid_that_stands_open_reports_it_again_after_a_request(lids: Speaker) -> None:
    opened(lids)
    opened(lids)


def test_two_lids_move_independently(device: Device, lids: Speaker) -> None:
    opened(lids)
    opened(lids, lid=1)
    lids.ask(EndLease(0))
    rests(device, lids, SHUT_AT)
    assert device.lid(1) == (OPEN_AT, "off")


def test_a_silent_host_loses_its_leases(device: Device, lids: Speaker) -> None:
    opened(lids)
    opened(lids, lid=1)
    lids.beats = lids.acks = False
    rests(device, lids, SHUT_AT)
    rests(device, lids, SHUT_AT, lid=1)
    lids.beats = lids.acks = True
    expect(lids, Position.CLOSING, Cause.HOST_SILENT)
    expect(lids, Position.SHUT, Cause.HOST_SILENT, lid=1)
    opened(lids)  # the link was kept


def test_something_in_the_way_reverses_a_lid_that_shuts(device: Device, lids: Speaker) -> None:
    opened(lids)
    device.do("travel 0 8000")
    lids.ask(SetLid(0, 8000, retry_ms=200, tries=3))
    lids.ask(EndLease(0))
    expect(lids, Position.CLOSING)
    lids.until(lambda: device.lid(0)[0] < OPEN_AT - 50, "the lid to have left")
    device.do("obstruct 0 1")
    expect(lids, Position.OPENING, Cause.OBSTRUCTED)
    device.do("travel 0 300")
    rests(device, lids, OPEN_AT)
    device.do("obstruct 0 0")
    rests(device, lids, SHUT_AT)


def test_a_lid_with_something_in_its_way_does_not_begin_to_shut(device: Device, lids: Speaker) -> None:
    opened(lids)
    device.do("obstruct 0 1")
    lids.listen(0.1)
    lids.ask(EndLease(0))
    lids.listen(0.8)
    assert device.lid(0) == (OPEN_AT, "off")
    device.do("obstruct 0 0")
    rests(device, lids, SHUT_AT)


def test_a_lid_that_is_obstructed_too_often_is_left_open(device: Device, lids: Speaker) -> None:
    opened(lids)
    device.do("switch 0 shut 0")  # it never says that it is shut: all that tells of a hand without an input
    lids.ask(EndLease(0))
    expect(lids, Position.OPENING, Cause.OBSTRUCTED)
    left = lids.expect(LidState, lambda one: one.cause is Cause.LEFT_OPEN)
    assert left.position is Position.OPEN
    rests(device, lids, OPEN_AT)


def test_patience_can_end_before_the_tries(device: Device, lids: Speaker) -> None:
    lids.ask(SetLid(0, 300, retry_ms=100, patience_ms=600, tries=10))
    opened(lids)
    device.do("obstruct 0 1")
    lids.listen(0.1)
    lids.ask(EndLease(0))
    expect(lids, Position.OPEN, Cause.LEFT_OPEN)
    assert device.lid(0) == (OPEN_AT, "off")


def test_a_lid_that_is_left_open_opens_and_shuts_again_when_it_is_asked(
    device: Device, lids: Speaker
) -> None:
    lids.ask(SetLid(0, 300, retry_ms=100, patience_ms=300, tries=1))
    opened(lids)
    device.do("obstruct 0 1")
    lids.listen(0.1)
    lids.ask(EndLease(0))
    expect(lids, Position.OPEN, Cause.LEFT_OPEN)
    device.do("obstruct 0 0")
    lids.listen(0.4)
    opened(lids)
    lids.ask(EndLease(0))
    rests(device, lids, SHUT_AT)


def test_a_lid_that_does_not_come_open_stops_its_motor(device: Device, lids: Speaker) -> None:
    device.do("travel 0 30000")
    lids.ask(OpenLid(0, LONG_MS))
    expect(lids, Position.STOPPED, Cause.TRAVEL_TIMEOUT)
    place, drive = device.lid(0)
    assert SHUT_AT < place < OPEN_AT
    assert drive == "off"
    lids.ask(OpenLid(0, LONG_MS))  # a renewal is no second drive
    lids.listen(0.3)
    assert device.lid(0) == (place, "off")


def test_a_lid_that_is_stuck_shut_does_not_claim_to_open(device: Device, lids: Speaker) -> None:
    device.do("jam 0 1")
    lids.ask(OpenLid(0, 3000))
    expect(lids, Position.OPENING)
    expect(lids, Position.SHUT)
    rests(device, lids, SHUT_AT)


def test_both_switches_at_once_stop_the_motor_and_keep_it_off(device: Device, lids: Speaker) -> None:
    device.do("travel 0 1500")
    lids.ask(SetLid(0, 1500))
    lids.ask(OpenLid(0, LONG_MS))
    expect(lids, Position.OPENING)
    device.do("switch 0 open 1")
    device.do("switch 0 shut 1")
    expect(lids, Position.UNKNOWN, Cause.BOTH_SWITCHES)
    assert device.lid(0)[1] == "off"
    place = device.lid(0)[0]
    lids.ask(OpenLid(0, LONG_MS))
    lids.listen(0.3)
    assert device.lid(0) == (place, "off")


def test_a_motor_driven_back_and_forth_without_end_must_rest(device: Device, lids: Speaker) -> None:
    device.do("travel 0 5000")
    lids.ask(SetLid(0, 50, retry_ms=100))  # whose longest drive is 175 ms
    refused: list[Refused] = []

    def is_refused() -> bool:
        for request in (OpenLid(0, LONG_MS), EndLease(0)):
            lids.ask(request)
            lids.listen(0.15)
        refused[:] = [one for _, one in lids.heard if isinstance(one, Refused)]
        return bool(refused)

    lids.until(is_refused, "the motor to rest")
    assert {one.reason for one in refused} == {Reason.MOTOR_RESTS}
    assert device.lid(1) == (SHUT_AT, "off")
    opened(lids, lid=1)  # each motor for itself
    device.do("travel 0 50")
    rests(device, lids, SHUT_AT)  # it is shut as soon as it may

    def is_granted() -> bool:
        lids.ask(OpenLid(0, LONG_MS))
        lids.listen(0.1)
        return device.lid(0) == (OPEN_AT, "off")

    lids.until(is_granted, "the motor to be rested")


@pytest.mark.parametrize("switch", ["open", "shut"])
def test_a_wrong_switch_never_drives_a_lid_forever(device: Device, lids: Speaker, switch: str) -> None:
    device.do(f"switch 0 {switch} 0")
    lids.ask(OpenLid(0, 500))
    lids.until(lambda: device.lid(0)[1] == "open", "the motor to open")
    lids.until(lambda: _rests_for_a_while(device, lids), "the motor to stay off")


def _rests_for_a_while(device: Device, host: Speaker) -> bool:
    """Check that the motor stays off for the time of a wait and a try."""
    for _ in range(12):
        host.listen(0.1)
        if device.lid(0)[1] != "off":
            return False
    return True


def test_stop_halts_every_motor_until_resume(device: Device, lids: Speaker) -> None:
    device.do("travel 0 5000")
    lids.ask(SetLid(0, 5000))
    opened(lids, lid=1)
    lids.ask(OpenLid(0, LONG_MS))
    expect(lids, Position.OPENING)
    lids.ask(StopMotors())
    expect(lids, Position.STOPPED, Cause.MOTORS_STOPPED)
    place, drive = device.lid(0)
    assert drive == "off"
    number = lids.ask(OpenLid(0, LONG_MS))
    assert lids.expect(Refused) == Refused(number, Reason.MOTORS_STOPPED)
    lids.ask(EndLease(1))
    lids.listen(0.4)
    assert device.lid(0) == (place, "off")
    assert device.lid(1) == (OPEN_AT, "off")
    lids.ask(Resume())
    lids.listen(0.4)
    assert device.lid(0) == (place, "off"), "no lid moves until it is asked to"
    device.do("travel 0 300")
    opened(lids)
    lids.ask(EndLease(1))
    rests(device, lids, SHUT_AT, lid=1)


def test_panic_halts_every_motor_and_resume_is_refused_until_it_is_released(
    device: Device, lids: Speaker
) -> None:
    device.do("travel 0 5000")
    lids.ask(SetLid(0, 5000))
    lids.ask(OpenLid(0, LONG_MS))
    expect(lids, Position.OPENING)
    device.do("sensor 5 0 1")
    expect(lids, Position.STOPPED, Cause.MOTORS_STOPPED)
    lids.expect(SensorValue, SensorValue(SensorKind.PANIC, 0, 1).__eq__)
    assert device.lid(0)[1] == "off"
    number = lids.ask(Resume())
    assert lids.expect(Refused) == Refused(number, Reason.MOTORS_STOPPED)
    device.do("sensor 5 0 0")
    lids.expect(SensorValue, SensorValue(SensorKind.PANIC, 0, 0).__eq__)
    number = lids.ask(OpenLid(0, LONG_MS))
    assert lids.expect(Refused) == Refused(number, Reason.MOTORS_STOPPED)
    lids.ask(Resume())
    device.do("travel 0 300")
    opened(lids)


def test_smoke_shuts_lids_whose_way_is_free_and_opens_none(device: Device, lids: Speaker) -> None:
    opened(lids)
    opened(lids, lid=1)
    device.do("obstruct 1 1")
    lids.listen(0.1)
    device.do("sensor 2 0 1")
    expect(lids, Position.CLOSING, Cause.SMOKE)
    expect(lids, Position.SHUT, Cause.SMOKE)
    lids.listen(0.3)
    assert device.lid(1) == (OPEN_AT, "off")
    number = lids.ask(OpenLid(0, LONG_MS))
    assert lids.expect(Refused) == Refused(number, Reason.SMOKE)
    device.do("sensor 2 0 0")
    lids.expect(SensorValue, lambda one: one == SensorValue(SensorKind.SMOKE, 0, 0))
    opened(lids)


def test_a_lid_found_open_after_a_restart_is_shut(device: Device, lids: Speaker) -> None:
    opened(lids)
    device.do("reboot")
    lids.greet()
    rests(device, lids, SHUT_AT)


def test_a_restart_turns_a_running_motor_off(device: Device, lids: Speaker) -> None:
    device.do("travel 0 30000")
    lids.ask(SetLid(0, 30_000))
    lids.ask(OpenLid(0, LONG_MS))
    expect(lids, Position.OPENING)
    device.do("reboot")
    assert device.lid(0)[1] != "open"
