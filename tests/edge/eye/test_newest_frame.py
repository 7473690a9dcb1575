from __future__ import annotations

import threading

import numpy as np

from edge.eye.newest_frame import Frame, NewestFrame
from tests.edge.hardware.posted import Hand
from tests.waiting import WITHIN_S

RED = np.full((2, 3, 3), (0, 0, 255), np.uint8)
BLUE = np.full((2, 3, 3), (255, 0, 0), np.uint8)


def test_a_frame_comes_to_whoever_waits_for_it() -> None:
    newest = NewestFrame(Hand())
    found: list[Frame | None] = []
    waiting = threading.Thread(target=lambda: found.append(newest.wait_for(5.0, within_s=WITHIN_S)))
    waiting.start()
    newest.put(RED, 4.9)
    newest.put(BLUE, 5.0)
    waiting.join(WITHIN_S)
    (frame,) = found
    assert frame is not None
    assert (frame.at, frame.picture is BLUE) == (5.0, True)


def test_a_frame_that_is_too_old_does_not_come() -> None:
    newest = NewestFrame(Hand())
    newest.put(RED, 4.9)
    assert newest.wait_for(5.0, within_s=0.01) is None


def test_a_repetition_does_not_count_and_does_not_make_a_frame_younger() -> None:
    clock = Hand()
    newest = NewestFrame(clock)
    newest.put(RED, clock.now())
    clock.at += 7
    assert newest.put(RED.copy(), clock.now()) is None
    assert newest.age_s() == 7
    assert newest.put(BLUE, clock.now()) is not None
    assert newest.age_s() == 0


def test_before_the_first_frame_the_age_is_that_of_the_beginning() -> None:
    clock = Hand()
    newest = NewestFrame(clock)
    clock.at += 5
    newest.begin()
    clock.at += 2
    assert newest.age_s() == 2
