"""Noise on a controller's line: named as what it is, and over when the line is quiet."""

from __future__ import annotations

import random

import pytest

from firmware_bridge.link.codec import encode
from firmware_bridge.link.events import Event, LeaseAcknowledged, Noisy, WrongDevice
from firmware_bridge.link.frame import Frame
from firmware_bridge.link.frame import encode as coded
from firmware_bridge.link.link import Link
from firmware_bridge.link.messages import Ack, Heartbeat, Message, OpenLid, Welcome
from firmware_bridge.link.noise import FLAWS, QUIET_S, WINDOW_S, LineNoise

LINK, BOOT = 77, 5
WELCOME = Welcome(1, 1, LINK, BOOT, 2, 0, 0, 0, 8, (1, 0, 0))


def test_a_line_is_noisy_after_several_damaged_frames_and_quiet_after_a_while_without() -> None:
    noise = LineNoise()
    assert [noise.judge(dropped, dropped * 0.1) for dropped in range(1, FLAWS)] == [None] * (FLAWS - 1)
    assert noise.judge(FLAWS, 1.0) is True
    assert noise.judge(FLAWS, 1.0 + QUIET_S - 0.01) is None
    assert noise.judge(FLAWS, 1.0 + QUIET_S) is False


def test_an_occasional_damaged_frame_is_not_noise() -> None:
    noise = LineNoise()
    assert {noise.judge(dropped, dropped * WINDOW_S / 4) for dropped in range(100)} == {None}


def wire(message: Message, number: int = 0) -> bytes:
    code, body = encode(message)
    return coded(Frame(code, number, body))


def linked() -> tuple[Link, list[Event]]:
    link = Link(lambda: LINK, 0.0)
    link.step(0.0)
    return link, list(link.step(0.01, wire(WELCOME)).events)


@pytest.mark.parametrize("bytes_a_step", [3, 50, 5000])
def test_random_bytes_between_a_controllers_frames_are_noise_and_not_another_device(
    bytes_a_step: int,
) -> None:
    rng = random.Random(7)
    link, events = linked()
    for tick in range(100):
        now = 0.1 + tick * 0.1
        said = wire(Heartbeat(BOOT, LINK, tick)) + wire(Ack(0, 8))
        events += link.step(now, rng.randbytes(bytes_a_step) + said).events
    for tick in range(100):
        now = 10.1 + tick * 0.1
        said = b"\0" + wire(WELCOME) + wire(Heartbeat(BOOT, LINK, tick)) + wire(Ack(0, 8))
        events += link.step(now, said).events
    assert [event for event in events if isinstance(event, Noisy)] == [Noisy(is_so=True), Noisy(is_so=False)]
    assert not [event for event in events if isinstance(event, WrongDevice)]


def test_a_lease_is_given_once_the_device_acknowledges_it() -> None:
    link, _ = linked()
    assert link.step(1.0, wire(Heartbeat(BOOT, LINK, 1)), [OpenLid(1, 5000)]).events == ()
    assert link.step(1.1, wire(Ack(0, 8))).events == ()
    assert link.step(1.2, wire(Ack(1, 8))).events == (LeaseAcknowledged(1),)
    assert link.step(1.3, wire(Ack(1, 8))).events == ()
