"""Silence and noise of a reader, by a clock that the test moves; and the page that outlives a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.wiring import ReaderSection
from edge.faults import CATALOGUE, Blocks, FaultCode, Severity
from edge.messages import FaultCleared, FaultRaised, Tapped
from edge.readers.kind import ControllerPart
from edge.readers.last_seen import FILE, WRITE_S, LastSeenBook, read_last_seen
from edge.readers.registry import find_kinds
from edge.readers.watch import AGAIN_S, MOST_TRIES, REPEAT_S, RETAP_S, ReaderWatch
from firmware_bridge.decoders.em4100 import CardBits
from firmware_bridge.link.messages import VERSION, SerialBytes, Welcome, WiegandBits
from tests.edge.hardware.posted import Hand, Posted, services

HOUR_S = 3600.0
BOOT = "a-boot"
WIEGAND_26 = "10000100001101100111011011"
HAS = Welcome(VERSION, VERSION, 1, 2, 0, 1, 1, 0, 8, (1, 0, 0))


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def posted() -> Posted:
    return Posted()


def raised(posted: Posted) -> list[FaultCode]:
    """Give the faults that stand, in the order in which they began."""
    standing: list[FaultCode] = []
    for event in posted.events:
        match event:
            case FaultRaised(_, code):
                standing.append(code)
            case FaultCleared(_, code) if code in standing:
                standing.remove(code)
    return standing


def watch(
    clock: Hand, posted: Posted, quiet_hours: float = 36.0, book: LastSeenBook | None = None
) -> ReaderWatch:
    made = ReaderWatch(ReaderSection(id="gate", quiet_hours=quiet_hours), clock, posted, book)
    made.resume()
    return made


def test_silence_is_a_fault_after_its_hours_and_due_again_each_hour(clock: Hand, posted: Posted) -> None:
    reader = watch(clock, posted)
    clock.at += 36 * HOUR_S - 1
    assert not reader.is_due()
    clock.at += 1
    assert reader.is_due()
    assert not reader.is_due()
    clock.at += AGAIN_S
    assert reader.is_due()
    assert posted.names() == ["FaultRaised"]
    reader.note_input(0.1, cards=0)
    assert raised(posted) == []
    assert not reader.is_due()


def test_a_reader_whose_hours_are_none_may_be_silent_for_ever(clock: Hand, posted: Posted) -> None:
    reader = watch(clock, posted, quiet_hours=0)
    clock.at += 1000 * HOUR_S
    assert not reader.is_due()
    assert posted.events == []


def test_time_without_its_port_or_link_does_not_count(clock: Hand, posted: Posted) -> None:
    reader = watch(clock, posted)
    clock.at += 20 * HOUR_S
    reader.pause()
    reader.pause()
    clock.at += 100 * HOUR_S
    assert not reader.is_due()
    reader.resume()
    clock.at += 15 * HOUR_S
    assert not reader.is_due()
    clock.at += HOUR_S
    assert reader.is_due()


def test_tries_without_a_card_are_a_fault_and_one_card_ends_it(clock: Hand, posted: Posted) -> None:
    reader = watch(clock, posted)
    for _ in range(MOST_TRIES - 1):
        reader.note_input(1, cards=0)
    assert raised(posted) == []
    reader.note_input(1, cards=0)
    assert raised(posted) == [FaultCode.READER_GARBLED]
    reader.note_input(1, cards=1)
    assert raised(posted) == []
    for _ in range(MOST_TRIES - 1):
        reader.note_input(1, cards=0)
    assert raised(posted) == []


def test_both_are_warnings_that_stop_nothing() -> None:
    for code in (FaultCode.READER_QUIET, FaultCode.READER_GARBLED):
        assert (CATALOGUE[code].severity, CATALOGUE[code].blocks) == (Severity.WARNING, Blocks.NOTHING)


RDM6300, WIEGAND = "rdm6300", "wiegand"


def mcu_reader(kind: str, clock: Hand, posted: Posted) -> ControllerPart:
    made = find_kinds()[kind]
    section = made.section(id="gate", controller="mcu", number=0)
    assert made.attach is not None
    given = services(bytes(32), CardBits.WIEGAND_26, clock, posted)
    reader = made.attach(section, section.wiring.input, given)
    reader.link_up(HAS)
    return reader


@pytest.mark.parametrize(
    ("kind", "own", "other", "noise"),
    [
        (RDM6300, SerialBytes(0, b"\x02"), SerialBytes(1, b"\x02"), SerialBytes(0, b"\x55" * 14)),
        (WIEGAND, WiegandBits(0, WIEGAND_26), SerialBytes(0, b"\x02"), WiegandBits(0, "0110")),
    ],
)
def test_a_controllers_reader_is_watched_by_what_it_sends_itself(
    kind: str,
    own: SerialBytes | WiegandBits,
    other: SerialBytes,
    noise: SerialBytes | WiegandBits,
    clock: Hand,
    posted: Posted,
) -> None:
    reader = mcu_reader(kind, clock, posted)
    clock.at += 36 * HOUR_S
    reader.handle_report(other)
    reader.poll()
    assert raised(posted) == [FaultCode.READER_QUIET]
    reader.handle_report(own)
    assert raised(posted) == []
    for _ in range(MOST_TRIES):
        reader.handle_report(noise)
    assert raised(posted) == [FaultCode.READER_GARBLED]


def test_a_controllers_reader_is_not_silent_while_there_is_no_link(clock: Hand, posted: Posted) -> None:
    reader = mcu_reader(WIEGAND, clock, posted)
    reader.link_down()
    clock.at += 50 * HOUR_S
    reader.poll()
    assert raised(posted) == [FaultCode.READER_FAILED]
    reader.link_up(HAS)
    reader.poll()
    assert raised(posted) == []


def test_a_station_that_restarts_goes_on_counting_where_it_stopped(
    clock: Hand, posted: Posted, tmp_path: Path
) -> None:
    watch(clock, posted, book=LastSeenBook(tmp_path, BOOT, clock)).note_input(1, cards=1)
    clock.at += 35 * HOUR_S
    again = watch(clock, posted, book=LastSeenBook(tmp_path, BOOT, clock))
    assert not again.is_due()
    clock.at += HOUR_S
    assert again.is_due()


def test_what_was_written_down_in_another_boot_is_forgotten(clock: Hand, tmp_path: Path) -> None:
    book = LastSeenBook(tmp_path, BOOT, clock)
    book.note("gate")
    assert read_last_seen(tmp_path, BOOT) == {"gate": clock.at}
    assert LastSeenBook(tmp_path, BOOT, clock).last("gate") == clock.at
    assert read_last_seen(tmp_path, "another-boot") == {}
    assert LastSeenBook(tmp_path, "another-boot", clock).last("gate") is None


def test_a_busy_reader_is_written_down_now_and_then(clock: Hand, tmp_path: Path) -> None:
    book = LastSeenBook(tmp_path, BOOT, clock)
    began = clock.at
    book.note("gate")
    clock.at += WRITE_S - 1
    book.note("gate")
    assert read_last_seen(tmp_path, BOOT) == {"gate": began}
    clock.at += 1
    book.note("gate")
    assert read_last_seen(tmp_path, BOOT) == {"gate": began + WRITE_S}


def test_a_page_that_was_cut_off_or_a_folder_that_is_missing_harms_nobody(
    clock: Hand, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_bytes(b'{"boot": "a-bo')
    assert LastSeenBook(tmp_path, BOOT, clock).last("gate") is None
    nowhere = LastSeenBook(tmp_path / "nowhere", BOOT, clock)
    nowhere.note("gate")
    assert nowhere.last("gate") == clock.at


def test_stuck_wires_of_a_wiegand_reader_are_no_card_and_name_it(clock: Hand, posted: Posted) -> None:
    reader = mcu_reader(WIEGAND, clock, posted)
    for bits in ("0" * 25 + "1", "0" + "1" * 25, "0" * 33 + "1", "0" + "1" * 33) * 2:
        reader.handle_report(WiegandBits(0, bits))
    assert "Tapped" not in posted.names()
    assert raised(posted) == [FaultCode.READER_GARBLED]


def again_s(posted: Posted) -> list[float]:
    return [event.again_s for event in posted.events if isinstance(event, Tapped)]


@pytest.mark.parametrize("noise", ["011010", WIEGAND_26[:-1], WIEGAND_26[:-1] + "01"])
def test_a_wiegand_readers_first_word_is_enough_unless_noise_came_just_before(
    clock: Hand, posted: Posted, noise: str
) -> None:
    reader = mcu_reader(WIEGAND, clock, posted)
    reader.handle_report(WiegandBits(0, WIEGAND_26))
    reader.handle_report(WiegandBits(0, "0110"))  # a key press
    reader.handle_report(WiegandBits(0, WIEGAND_26))
    reader.handle_report(WiegandBits(0, noise))
    reader.handle_report(WiegandBits(0, WIEGAND_26))
    clock.at += RETAP_S
    reader.handle_report(WiegandBits(0, WIEGAND_26))
    assert again_s(posted) == [0.0, 0.0, RETAP_S, 0.0]


def test_a_serial_reader_at_a_controller_is_believed_as_one_at_the_pi(clock: Hand, posted: Posted) -> None:
    reader = mcu_reader(RDM6300, clock, posted)
    reader.handle_report(SerialBytes(0, b"\x02" + b"0" * 12 + b"\x03"))
    assert posted.events[1:] == []
    reader.handle_report(SerialBytes(0, b"\x0262E3086CED08\x03"))
    reader.handle_report(SerialBytes(0, b"\x0262E3086CED08\r\n\x03"))
    assert again_s(posted) == [REPEAT_S, 0.0]
