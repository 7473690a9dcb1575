from __future__ import annotations

from dataclasses import replace

import pytest

from firmware_bridge.link import codec, frame
from firmware_bridge.link.events import (
    Down,
    DownReason,
    Event,
    Received,
    Rejected,
    Up,
    VersionRefused,
    WrongDevice,
)
from firmware_bridge.link.frame import Frame, FrameDecoder
from firmware_bridge.link.link import SILENCE_S, Link
from firmware_bridge.link.messages import (
    Ack,
    Cause,
    EndLease,
    Heartbeat,
    Hello,
    LidState,
    Message,
    OpenLid,
    Position,
    Reason,
    Refused,
    Report,
    Request,
    Resume,
    SensorKind,
    SensorValue,
    SetLid,
    StopMotors,
    Welcome,
    WiegandBits,
)
from firmware_bridge.twin.device_link import HostSilent, LinkBegan, RequestReceived
from firmware_bridge.wrong_device import OtherDevice
from tests.firmware_bridge.damage import WIRES, BadWire, PerfectWire, wire
from tests.firmware_bridge.pair import WELCOME, Ids, Pair

DEAD = type("DeadWire", (PerfectWire,), {"send": lambda *_: None})


def coded(message: Message, number: int = 0) -> bytes:
    code, body = codec.encode(message)
    return frame.encode(Frame(code, number, body))


def spoken(out: bytes) -> list[tuple[int, object]]:
    return [(one.sequence, codec.decode(one.type, one.body)) for one in FrameDecoder().feed(out)]


def tap(number: int) -> WiegandBits:
    return WiegandBits(0, f"{number:026b}")


def perfect() -> Pair:
    pair = Pair(PerfectWire(), PerfectWire())
    pair.run_until_up()
    pair.run(0.3)
    return pair


class Device:
    """A device whose messages the test sends one by one, over a link that is up."""

    def __init__(self, credit: int = 4) -> None:
        self.link = Link(Ids(), 0.0)
        self.now = 0.0
        self.events: list[Event] = []
        self.link.step(0.0)
        self.hear(replace(WELCOME, link=1001, boot=7, credit=credit))
        assert self.link.is_up

    def hear(self, message: Message, number: int = 0) -> list[tuple[int, object]]:
        return self.step(coded(message, number))

    def step(self, data: bytes = b"", *requests: Request) -> list[tuple[int, object]]:
        turn = self.link.step(self.now, data, requests)
        self.events += turn.events
        return spoken(turn.out)

    def ask(self, *requests: Request) -> list[tuple[int, object]]:
        return [said for said in self.step(b"", *requests) if said[0]]

    def later(self, seconds: float) -> list[tuple[int, object]]:
        """Return the numbered messages sent while time passes and the device only sends heartbeats."""
        until, said = self.now + seconds, []
        while self.now < until:
            self.now = min(self.now + 0.05, until)
            said += self.hear(Heartbeat(7, 1001, 0))
        return [one for one in said if one[0]]


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize("seed", range(3))
def test_each_message_arrives_once_and_in_order_over_any_wire(name: str, seed: int) -> None:
    pair = Pair(wire(name, seed), wire(name, seed + 100))
    pair.run_until_up()
    sent: list[Report] = []
    for number in range(300):
        pair.tell(tap(number))
        sent.append(tap(number))
        pair.ask(OpenLid(number % 4, 8000))
        pair.run(0.2)
    pair.run(8.0)
    first_of_link = [index for index, event in enumerate(pair.events) if isinstance(event, Up)]
    taps = [report for report in pair.told if isinstance(report, WiegandBits)]
    assert taps == sorted(set(taps), key=lambda one: one.bits), "a tap came twice, or out of order"
    if len(first_of_link) == 1:
        assert taps == sent
        assert pair.heard.count(LinkBegan()) == 1
        wanted = [event for event in pair.heard if isinstance(event, RequestReceived)]
        assert [one.number for one in wanted] == [index % 255 + 1 for index in range(len(wanted))]
        assert {one.request.lid for one in wanted[-4:] if isinstance(one.request, OpenLid)} == set(range(4))
    else:
        assert name == "bad", "only a wire that fails for a second ends a link"
        assert len(taps) > 200


def test_the_bad_wire_damages_a_fifth_of_its_bytes() -> None:
    bad = BadWire(1)
    bad.send(bytes(500_000), 0.0)
    assert bad.sent == 500_000
    assert 0.18 < bad.damaged / bad.sent < 0.22


def test_a_host_learns_the_devices_parts() -> None:
    pair = perfect()
    assert pair.events == [Up(replace(WELCOME, link=1001, boot=7))]
    assert pair.heard == [LinkBegan()]


def test_numbers_wrap_without_a_gap() -> None:
    pair = perfect()
    for number in range(700):
        pair.tell(tap(number))
        pair.run(0.002)
    assert pair.told == [tap(number) for number in range(700)]


def test_a_hello_is_repeated_until_it_is_answered() -> None:
    link = Link(Ids(), 0.0)
    said = [spoken(link.step(tenth / 10).out) for tenth in range(11)]
    hello = (0, Hello(1, 1, 1001, 8))
    assert [len(one) for one in said] == [1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0]
    assert said[0] == said[3] == [hello]


def test_a_missing_device_is_reported_once() -> None:
    link = Link(Ids(), 0.0)
    events = [event for tenth in range(200) for event in link.step(tenth / 10).events]
    assert events == [Down(DownReason.SILENT)]


def test_a_device_that_falls_silent_is_reported_after_a_second_and_found_again() -> None:
    pair = perfect()
    up, pair.up = pair.up, DEAD()
    pair.run(SILENCE_S + 0.3)
    assert pair.events[1:] == [Down(DownReason.SILENT)]
    pair.up = up
    pair.run(1.0)
    assert isinstance(pair.events[2], Up)


def test_a_host_that_falls_silent_loses_its_leases_and_not_the_link() -> None:
    pair = perfect()
    down, pair.down = pair.down, DEAD()
    pair.run(SILENCE_S + 0.3)
    assert pair.heard[1:] == [HostSilent()]
    pair.down = down
    pair.run(0.5)
    assert pair.host.is_up
    pair.ask(OpenLid(1, 500))
    pair.run(0.1)
    assert pair.heard[-1] == RequestReceived(1, OpenLid(1, 500))


def test_a_device_that_restarts_is_noticed_by_its_boot_id() -> None:
    pair = perfect()
    pair.ask(OpenLid(0, 5000))
    pair.reboot(8)
    pair.run(1.0)
    assert [type(event) for event in pair.events] == [Up, Down, Up]
    assert pair.events[1] == Down(DownReason.RESTARTED)
    assert pair.heard.count(LinkBegan()) == 2


def test_a_request_of_the_old_link_does_nothing_after_a_restart() -> None:
    pair = perfect()
    pair.down.take(pair.now)
    down, pair.down = pair.down, DEAD()
    pair.ask(OpenLid(0, 60_000))
    pair.reboot(8)
    pair.down = down
    pair.run(3.0)
    assert [event for event in pair.heard if isinstance(event, RequestReceived)] == []


def test_a_device_that_has_lost_the_link_gets_a_new_one() -> None:
    device = Device()
    device.hear(Heartbeat(7, 0, 0))
    assert device.events[1:] == [Down(DownReason.FORGOTTEN)]
    assert not device.link.is_up


def test_a_device_that_acknowledges_nothing_is_given_up_after_ten_repeats() -> None:
    device = Device()
    said = device.ask(EndLease(0)) + device.later(10.0)
    assert said == [(1, EndLease(0))] * 11 + [(1, EndLease(0))] * (len(said) - 11)
    assert len(said) in (11, 12)
    assert device.events[1:] == [Down(DownReason.UNANSWERED)]


def test_a_host_that_was_suspended_begins_a_new_link_and_drops_its_buffer() -> None:
    device = Device()
    device.now = 5.0
    device.step(coded(tap(1), 1))
    assert device.events[1:] == [Down(DownReason.STOOD_STILL)]


def test_a_repeated_report_is_acknowledged_again_and_posted_once() -> None:
    device = Device()
    assert (0, Ack(1, 8)) in device.hear(tap(1), 1)
    assert (0, Ack(1, 8)) in device.hear(tap(1), 1)
    assert device.hear(tap(3), 3) == []
    assert [event for event in device.events if isinstance(event, Received)] == [Received(tap(1))]


def test_an_unknown_numbered_message_of_a_newer_device_does_not_stop_the_link() -> None:
    device = Device()
    assert (0, Ack(1, 8)) in device.step(frame.encode(Frame(0x7F, 1, b"new")))
    device.hear(tap(2), 2)
    assert device.events[-1] == Received(tap(2))


def test_credit_holds_the_host_back_until_an_acknowledgement_lifts_it() -> None:
    device = Device(credit=2)
    requests = [SetLid(lid, 1000) for lid in range(4)]
    assert device.ask(*requests) == [(1, requests[0]), (2, requests[1])]
    assert [one for one in device.hear(Ack(2, 0)) if one[0]] == []
    assert device.later(1.0) == []
    assert device.hear(Ack(2, 4)) == [(3, requests[2]), (4, requests[3])]


def test_requests_without_a_link_are_dropped() -> None:
    link = Link(Ids(), 0.0)
    link.step(0.0, requests=[OpenLid(0, 60_000)])
    turn = link.step(0.01, coded(replace(WELCOME, link=1001, boot=7)))
    assert [type(event) for event in turn.events] == [Up]
    assert [number for number, _ in spoken(turn.out + link.step(0.02).out) if number] == []


def test_a_lease_is_counted_down_while_it_waits_and_while_it_is_repeated() -> None:
    device = Device(credit=0)
    device.ask(OpenLid(0, 2000))
    device.later(0.5)
    assert device.hear(Ack(0, 1)) == [(1, OpenLid(0, 1500))]
    leases = [said.lease_ms for _, said in device.later(2.0) if isinstance(said, OpenLid)]
    assert leases == sorted(leases, reverse=True)
    assert leases[0] == 1400
    assert leases[-1] == 0, "what waited longer than its lease opens nothing"


def test_the_end_of_a_lease_overtakes_waiting_opens() -> None:
    device = Device(credit=0)
    device.ask(OpenLid(0, 5000), OpenLid(1, 5000), OpenLid(2, 5000), EndLease(1))
    assert device.hear(Ack(0, 4)) == [(1, EndLease(1)), (2, OpenLid(0, 5000)), (3, OpenLid(2, 5000))]


def test_a_lids_newest_lease_replaces_those_that_wait() -> None:
    device = Device(credit=0)
    device.ask(*[OpenLid(0, lease_ms) for lease_ms in range(1, 500)])
    assert device.hear(Ack(0, 8)) == [(1, OpenLid(0, 499))]


def test_an_open_in_flight_is_repeated_with_a_lease_of_0_after_an_end() -> None:
    device = Device()
    device.ask(OpenLid(0, 5000), OpenLid(1, 5000))
    device.ask(EndLease(0))
    repeated = device.later(0.15)
    assert (1, OpenLid(0, 0)) in repeated
    assert (2, OpenLid(1, 4900)) in repeated


def test_a_stop_of_all_motors_goes_first_and_cancels_opens() -> None:
    device = Device(credit=0)
    device.ask(SetLid(0, 1000), OpenLid(0, 5000), EndLease(1), StopMotors(), Resume())
    assert device.hear(Ack(0, 8)) == [(1, StopMotors()), (2, SetLid(0, 1000)), (3, Resume())]


def test_a_refusal_names_its_request() -> None:
    device = Device()
    device.ask(EndLease(0), OpenLid(9, 1000))
    device.hear(Refused(2, Reason.NO_SUCH_LID), 1)
    assert device.events[-1] == Rejected(OpenLid(9, 1000), Reason.NO_SUCH_LID)


def test_a_refusal_of_an_unknown_request_is_posted_unchanged() -> None:
    device = Device()
    device.hear(Refused(77, Reason.MALFORMED), 1)
    assert device.events[-1] == Received(Refused(77, Reason.MALFORMED))


def test_a_device_of_another_version_is_named_once_and_asked_less_often() -> None:
    link = Link(Ids(), 0.0)
    events: list[Event] = []
    hellos = 0
    for tick in range(200):
        turn = link.step(tick / 20, coded(replace(WELCOME, version=0, highest=3, link=1001)))
        events += turn.events
        hellos += len(spoken(turn.out))
    assert events == [VersionRefused(1, 1, 3)]
    assert hellos <= 7


def test_a_version_that_was_not_offered_makes_no_link() -> None:
    link = Link(Ids(), 0.0)
    turn = link.step(0.0, coded(replace(WELCOME, version=2, highest=2, link=1001)))
    assert turn.events == (VersionRefused(1, 1, 2),)


def test_an_answer_to_another_link_is_ignored() -> None:
    link = Link(Ids(), 0.0)
    assert link.step(0.0, coded(replace(WELCOME, link=999))).events == ()
    assert not link.is_up


@pytest.mark.parametrize(
    ("says", "other_device"),
    [
        (b"\x0262E3086CED08\x03", OtherDevice.CARD_READER),
        (coded(Hello(1, 1, 1001, 8)), OtherDevice.ECHO),
        (b"\r\nOK\r\nRING\r\n" * 8, OtherDevice.NOISE),
    ],
)
def test_another_device_is_named_once(says: bytes, other_device: OtherDevice) -> None:
    link = Link(Ids(), 0.0)
    events = [event for tick in range(20) for event in link.step(tick / 20, says).events]
    assert events == [WrongDevice(other_device)]


def test_a_device_that_replaces_another_kind_is_linked() -> None:
    link = Link(Ids(), 0.0)
    link.step(0.0, b"\x0262E3086CED08\x03")
    turn = link.step(0.1, b"\0" + coded(replace(WELCOME, link=1001, boot=7)))
    assert [type(event) for event in turn.events] == [Up]


def test_noise_does_not_end_a_link_that_is_up() -> None:
    device = Device()
    for _ in range(100):
        device.step(b"\x0262E3086CED08\x03" * 10)
    device.hear(tap(1), 1)
    assert [type(event) for event in device.events] == [Up]  # the frame after noise, up to its zero, is lost
    device.hear(tap(1), 1)
    assert device.events[1:] == [Received(tap(1))]


def test_a_lost_port_ends_the_link_and_drops_half_a_frame() -> None:
    device = Device()
    device.step(coded(tap(1), 1)[:5])
    assert device.link.port_lost(0.1).events == (Down(DownReason.PORT_LOST),)
    found = device.link.port_found(60.0)
    assert (spoken(found.out), found.events) == ([(0, Hello(1, 1, 1003, 8))], ())
    turn = device.link.step(60.1, coded(replace(WELCOME, link=1003, boot=7)))
    assert [type(event) for event in turn.events] == [Up]


def test_a_port_that_comes_back_without_a_device_is_reported() -> None:
    link = Link(Ids(), 0.0)
    assert link.port_lost(0.1).events == (Down(DownReason.PORT_LOST),)
    assert link.port_found(5.0).events == ()
    assert link.step(6.5).events == (Down(DownReason.SILENT),)


def test_messages_with_a_wrong_or_missing_number_are_dropped() -> None:
    device = Device()
    device.hear(tap(1), 0)
    device.hear(Heartbeat(99, 1001, 0), 5)
    device.hear(Welcome(1, 1, 1001, 99, 0, 0, 0, 0, 4, (0, 0, 0)), 1)
    assert [type(event) for event in device.events] == [Up]


def test_a_device_whose_queue_is_full_keeps_the_newest_state_and_drops_taps() -> None:
    pair = perfect()
    up, pair.up = pair.up, DEAD()
    for number in range(40):
        pair.tell(tap(number), LidState(0, Position(number % 5), Cause.ASKED))
    smoke = SensorValue(SensorKind.SMOKE, 0, 1)
    pair.tell(smoke, LidState(0, Position.OPEN, Cause.ASKED))
    pair.up = up
    pair.run(0.9)
    assert pair.host.is_up
    assert len(pair.told) <= 8 + 16 + 2
    assert smoke in pair.told
    assert [report for report in pair.told if isinstance(report, LidState)][-1].position is Position.OPEN
