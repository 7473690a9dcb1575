"""The board's build on a simulated ATmega2560: pins, watchdog and memory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from functools import partial
from shutil import which
from typing import NamedTuple

import pytest

from firmware_bridge.link.messages import (
    Cause,
    EndLease,
    LidState,
    OpenLid,
    Position,
    SensorKind,
    SensorValue,
)
from tests.firmware_bridge.conformance.device import Device
from tests.firmware_bridge.conformance.speaker import Speaker
from tests.firmware_bridge.firmware.rigs import board_command, board_rig
from tests.waiting import until

RAM = 8192
STATIC_MOST = 4096
STACK_LEAST = 2048
SERVO_LID = 6
WATCHDOG_MS = 300
"""It waits 250 ms by its own oscillator."""


@pytest.fixture
def board() -> Iterator[Device]:
    with board_rig() as device:
        yield device
        assert not state(device).shorted, "both inputs of a bridge were high at once"


@pytest.fixture
def host(board: Device) -> Iterator[Speaker]:
    with Speaker(board.path) as speaker:
        speaker.greet()
        yield speaker


class State(NamedTuple):
    """The simulated board's own figures."""

    resets: int
    stack_margin: int
    shorted: int
    hung_ms: int
    bytes_lost: int


def state(board: Device) -> State:
    return State(*map(int, board.do("board").split()[1:6]))


def was_reset(board: Device, before: int) -> bool:
    return state(board).resets == before + 1


def open_slowly(board: Device, host: Speaker, lid: int = 0) -> None:
    board.do(f"travel {lid} 1000")
    host.ask(OpenLid(lid, 60_000))
    host.until(lambda: board.lid(lid)[1] == "open", "the motor")


def test_a_hung_main_loop_is_reset_by_the_watchdog_with_all_motors_off(board: Device, host: Speaker) -> None:
    open_slowly(board, host, 0)
    open_slowly(board, host, SERVO_LID)
    board.do("hang")
    until(lambda: state(board).resets == 1, "a reset by the watchdog")
    assert [board.lid(lid)[1] for lid in range(8)] == ["off"] * 8
    assert 0 < state(board).hung_ms <= WATCHDOG_MS  # in the chip's own time
    assert host.greet().boot  # it runs again


def test_a_loop_that_hangs_in_a_reset_chip_again_is_reset_again(board: Device, host: Speaker) -> None:
    for _ in range(2):
        host.greet()
        before = state(board).resets
        board.do("hang")
        until(partial(was_reset, board, before), "a reset by the watchdog")


def test_a_board_that_runs_is_not_reset(board: Device, host: Speaker) -> None:
    host.listen(1.0)
    assert state(board).resets == 0


def test_each_start_counts_the_boot_id_up(board: Device, host: Speaker) -> None:
    boots = [host.boot]
    for _ in range(3):
        board.do("reboot")
        boots.append(host.greet().boot)
    assert boots == list(range(boots[0], boots[0] + 4))


def test_after_a_restart_the_inputs_are_read_again(board: Device, host: Speaker) -> None:
    board.do("place 1 1000")
    for _ in range(2):
        board.do("reboot")
        host.greet()
        host.expect(LidState, lambda one: one == LidState(0, Position.SHUT, Cause.ASKED))
        host.expect(SensorValue, lambda one: one == SensorValue(SensorKind.WEIGHT, 0, 0))
        host.until(lambda: board.lid(1) == (0, "off"), "the lid that was found open to shut")
        board.do("place 1 1000")
        host.expect(LidState, lambda one: one.lid == 1 and one.position is Position.OPEN)


def test_stack_memory_is_left_when_everything_happens_at_once(board: Device, host: Speaker) -> None:
    for lid in range(8):
        host.ask(OpenLid(lid, 1000))
    board.do("wiegand 0 " + "01" * 17)
    board.do("wiegand 1 " + "10" * 32)
    board.do("serial 0 " + "5a" * 40)
    board.do("serial 1 " + "a5" * 40)
    board.do("obstruct 3 1")
    host.write(os.urandom(600))
    for _ in range(20):
        host.refusal(0x7E)
    assert state(board).stack_margin >= STACK_LEAST


def test_no_byte_is_lost_while_both_ends_talk_at_full_speed(board: Device, host: Speaker) -> None:
    host.write(os.urandom(20_000))  # the port takes it at 115,200 baud
    for lid in range(8):
        host.ask(OpenLid(lid, 1000))
    assert state(board).bytes_lost == 0


def test_static_memory_leaves_half_the_ram() -> None:
    command = board_command()
    sizes = board_sizes(command[-1])
    assert sizes[".data"] + sizes[".bss"] + sizes.get(".noinit", 0) <= STATIC_MOST < RAM


def board_sizes(elf: str) -> dict[str, int]:
    out = subprocess.run(
        [which("avr-size") or "", "-A", elf], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in out.splitlines() if line.startswith(".")]
    return {row[0]: int(row[1]) for row in rows}


def test_a_servos_lid_moves_by_its_pulses_and_gets_none_at_rest(board: Device, host: Speaker) -> None:
    host.ask(OpenLid(SERVO_LID, 60_000))
    host.expect(LidState, lambda one: one == LidState(SERVO_LID, Position.OPEN, Cause.ASKED))
    host.until(lambda: board.lid(SERVO_LID) == (1000, "off"), "the servo to rest")
    host.ask(EndLease(SERVO_LID))
    host.expect(LidState, lambda one: one == LidState(SERVO_LID, Position.SHUT, Cause.ASKED))
    host.until(lambda: board.lid(SERVO_LID) == (0, "off"), "the servo to rest")


@pytest.mark.parametrize(
    ("kind", "index", "value", "within"),
    [
        (SensorKind.WEIGHT, 0, 1_234_567, 0),
        (SensorKind.WEIGHT, 3, -8_388_608, 0),
        (SensorKind.LEVEL, 0, 750, 3),
        (SensorKind.LEVEL, 1, 2000, 3),
        (SensorKind.TEMPERATURE, 0, 2350, 30),
        (SensorKind.TEMPERATURE, 0, -1000, 60),
        (SensorKind.SUPPLY, 0, 12_000, 30),
    ],
)
def test_sensors_on_its_pins_are_measured(
    board: Device, host: Speaker, kind: SensorKind, index: int, value: int, within: int
) -> None:
    board.do(f"sensor {kind} {index} {value}")

    def is_right(one: SensorValue) -> bool:
        return (one.kind, one.index) == (kind, index) and abs(one.value - value) <= within

    host.expect(SensorValue, is_right)
