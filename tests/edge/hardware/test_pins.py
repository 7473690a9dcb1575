from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.errors import InputError
from edge.hardware.pins import Contact, HBridge, real_pins
from firmware_bridge.h_bridge import Drive
from tests.edge.hardware.board import WIRES, MockBoard, both_ever_high, motor


@pytest.mark.skipif(Path("/dev/gpiochip0").exists(), reason="this machine has pins")
def test_a_machine_without_pins_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LG_WD", os.fspath(tmp_path))
    with pytest.raises(InputError) as refused:
        real_pins(tmp_path)
    assert "Pi" in refused.value.mend


def test_an_h_bridge_is_low_from_its_first_moment_and_never_high_on_both_sides() -> None:
    board = MockBoard()
    bridge = HBridge(17, 27, board.factory)
    for drive in (Drive.OPEN, Drive.SHUT, Drive.OPEN, Drive.OFF, Drive.SHUT, Drive.SHUT):
        bridge.set(drive)
        assert motor(board) == (drive is Drive.OPEN, drive is Drive.SHUT)
    bridge.close()
    assert motor(board) == (False, False)
    assert not both_ever_high(board)
    assert board.outputs[:2] == [(17, False), (27, False)]


def test_a_bridge_whose_second_pin_is_taken_gives_the_first_one_back() -> None:
    board = MockBoard()
    taken = Contact(WIRES.close_pin, lambda: None, board.factory)
    with pytest.raises(InputError, match=f"pin {WIRES.close_pin} cannot be used"):
        HBridge(WIRES.open_pin, WIRES.close_pin, board.factory)
    taken.close()
    HBridge(WIRES.open_pin, WIRES.close_pin, board.factory).close()


def test_a_contact_is_open_until_it_reaches_ground() -> None:
    board = MockBoard()
    contact = Contact(5, lambda: None, board.factory)
    assert not contact.is_closed
    board.contact(5, closed=True)
    assert contact.is_closed
    contact.close()
