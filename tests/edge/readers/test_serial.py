from __future__ import annotations

import logging
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from serial import Serial

from cloud_sync.wire.cards import card_hash
from cloud_sync.wire.facts import Credential
from edge.faults import FaultCode
from edge.loop.clocks import RealClock
from edge.messages import FaultCleared, FaultRaised, Tapped
from edge.ports import Clock
from edge.readers.kind import ReaderDevice
from edge.readers.kinds.rdm6300 import KIND, Rdm6300Section
from edge.readers.pseudonym import Cards
from edge.readers.watch import REPEAT_S
from firmware_bridge.decoders.em4100 import CardBits
from tests.edge.hardware.posted import Hand, Posted, services
from tests.firmware_bridge.wire import Wire
from tests.waiting import until

KEY = bytes(range(32))
FRAME = b"\x0262E3086CED08\x03"
NUMBER = "62e3086ced"
HOUR_S = 3600.0


def reader_at(port: str, clock: Clock, posted: Posted) -> ReaderDevice:
    assert KIND.drive is not None
    section = Rdm6300Section(id="left", port=port)
    return KIND.drive(section, services(KEY, CardBits.ALL, clock, posted))


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(tmp_path / "reader")
    wire.plug_in()
    yield wire
    wire.unplug()


@pytest.fixture
def inbox(wire: Wire) -> Iterator[Posted]:
    """Give the inbox of a reader that is reading the wire."""
    posted = Posted()
    reader = reader_at(wire.path, RealClock(), posted)
    reader.start()
    until(lambda: posted.events)
    yield posted
    reader.stop()


def test_a_card_is_posted_under_its_hash_with_the_time_it_came(wire: Wire, inbox: Posted) -> None:
    before = RealClock().now()
    wire.send(FRAME)
    until(lambda: inbox.events[1:])
    (tap,) = inbox.events[1:]
    assert isinstance(tap, Tapped)
    assert before <= tap.at <= RealClock().now()
    assert tap == Tapped(tap.at, "left", card_hash(KEY, Credential.EM4100, NUMBER), Credential.EM4100)


def test_what_noise_makes_of_a_frame_is_no_card_and_names_the_reader(wire: Wire, inbox: Posted) -> None:
    for number in ("00" * 6, "FF" * 5 + "FF", "55" * 6):
        wire.send(b"\x02%b\x03" % number.encode() * 3)
    until(lambda: inbox.events[1:])
    raised = inbox.events[-1]
    assert raised == FaultRaised(raised.at, FaultCode.READER_GARBLED, "left")
    assert "Tapped" not in inbox.names()


@pytest.mark.parametrize(("end", "again_s"), [(b"\x03", REPEAT_S), (b"\r\n\x03", 0.0)])
def test_an_unknown_card_is_wanted_twice_of_a_reader_that_sends_it_twice(
    wire: Wire, inbox: Posted, end: bytes, again_s: float
) -> None:
    wire.send(FRAME[:-1] + end)
    until(lambda: inbox.events[1:])
    (tap,) = inbox.events[1:]
    assert isinstance(tap, Tapped)
    assert tap.again_s == again_s


def test_a_cards_number_is_nowhere_in_events_or_log(
    wire: Wire, inbox: Posted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wire.send(FRAME)
    until(lambda: inbox.events[1:])
    told = f"{inbox.events} {caplog.text}".lower()
    assert NUMBER not in told
    assert str(int.from_bytes(bytes.fromhex(NUMBER)[1:], "big")) not in told


def test_a_reader_that_is_unplugged_raises_its_fault_and_goes_on_when_it_is_back(
    wire: Wire, inbox: Posted
) -> None:
    wire.send(FRAME[:7])
    wire.unplug()
    until(lambda: len(inbox.events) == 2)
    wire.plug_in()
    until(lambda: len(inbox.events) == 3)
    wire.send(FRAME[7:] + FRAME)
    until(lambda: len(inbox.events) == 4)
    found, lost, again, tap = inbox.events
    assert isinstance(found, FaultCleared)
    assert lost == FaultRaised(lost.at, FaultCode.READER_FAILED, "left")
    assert again == FaultCleared(again.at, FaultCode.READER_FAILED, "left")
    assert isinstance(tap, Tapped)


def test_half_a_frame_from_before_a_break_makes_no_card_with_what_comes_after_it(
    wire: Wire, inbox: Posted
) -> None:
    other = b"\x0201020304080C\x03"
    wire.send(FRAME + other[:7])  # in one piece, so that all of it is read once the first card is told
    until(lambda: "Tapped" in inbox.names())
    wire.unplug()
    until(lambda: "FaultRaised" in inbox.names())
    wire.plug_in()
    until(lambda: inbox.names()[-1] == "FaultCleared")
    wire.send(other[7:] + FRAME)
    until(lambda: inbox.names()[-1] == "Tapped")
    taps = [event for event in inbox.events if isinstance(event, Tapped)]
    assert {tap.card for tap in taps} == {card_hash(KEY, Credential.EM4100, NUMBER)}


def test_a_key_of_the_wrong_length_is_refused_before_anything_is_read() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Cards(KEY[:16])


def test_a_port_that_another_program_has_is_named_and_taken_when_it_is_let_go(wire: Wire) -> None:
    with Serial(wire.path, exclusive=True):
        posted = Posted()
        reader = reader_at(wire.path, RealClock(), posted)
        reader.start()
        until(lambda: posted.events[1:])
        busy = posted.events[-1]
        assert busy == FaultRaised(busy.at, FaultCode.PORT_BUSY, "left")
    until(lambda: FaultCleared(posted.events[-1].at, FaultCode.READER_FAILED, "left") == posted.events[-1])
    assert FaultCleared(posted.events[-2].at, FaultCode.PORT_BUSY, "left") in posted.events
    reader.stop()


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def patient(wire: Wire, clock: Hand) -> Iterator[Posted]:
    """Give the inbox of a reader that lives by a clock that a test moves."""
    posted = Posted()
    reader = reader_at(wire.path, clock, posted)
    reader.start()
    until(lambda: posted.events)
    yield posted
    reader.stop()


def test_a_reader_that_sent_nothing_for_a_day_and_a_half_raises_a_warning_until_its_next_byte(
    wire: Wire, clock: Hand, patient: Posted
) -> None:
    clock.at += 37 * HOUR_S
    until(lambda: patient.events[1:])
    assert patient.events[1:] == [FaultRaised(clock.at, FaultCode.READER_QUIET, "left")]
    wire.send_again_until(FRAME, lambda: "Tapped" in patient.names())
    until(lambda: FaultCleared(clock.at, FaultCode.READER_QUIET, "left") in patient.events)
    assert "FaultRaised" not in patient.names()[2:]


def test_the_port_of_a_silent_reader_is_opened_again_each_hour(
    wire: Wire, clock: Hand, patient: Posted
) -> None:
    clock.at += 37 * HOUR_S
    until(lambda: patient.events[1:])
    for _ in range(2):
        wire.set_baud(termios.B1200)
        clock.at += HOUR_S
        until(lambda: wire.baud() == termios.B9600, "whoever opens it sets its speed anew")
    assert patient.names().count("FaultRaised") == 1


def test_a_reader_that_only_sends_noise_is_named_until_it_reads_a_card(wire: Wire, inbox: Posted) -> None:
    for _ in range(8):
        wire.send(FRAME[:-1] + b"\x55")
    until(lambda: inbox.events[1:])
    raised = inbox.events[-1]
    assert raised == FaultRaised(raised.at, FaultCode.READER_GARBLED, "left")
    wire.send(FRAME)
    until(lambda: inbox.events[3:])
    tap, cleared = inbox.events[2:]
    assert isinstance(tap, Tapped)
    assert cleared == FaultCleared(cleared.at, FaultCode.READER_GARBLED, "left")
