from __future__ import annotations

import threading

import pytest

from edge.hardware.polled_thread import PolledThread
from tests.waiting import until


def test_a_turn_is_taken_at_start_and_whenever_it_is_woken() -> None:
    turns: list[int] = []
    loop = PolledThread("test", lambda: turns.append(1), lambda: None)
    loop.start()
    until(lambda: len(turns) == 1)
    loop.wake()
    until(lambda: len(turns) == 2)
    loop.stop()


def test_a_turn_that_is_due_is_taken_without_being_woken() -> None:
    turns: list[int] = []

    def turn() -> float:
        turns.append(1)
        return 0.01

    loop = PolledThread("test", turn, lambda: None)
    loop.start()
    until(lambda: len(turns) >= 3)
    loop.stop()


def test_a_turn_that_fails_is_told_and_the_next_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    story: list[str] = []

    def turn() -> None:
        story.append("turn")
        if len(story) == 1:
            raise ValueError("broken")

    loop = PolledThread("lid left", turn, lambda: story.append("failed"))
    loop.start()
    until(lambda: story == ["turn", "failed", "turn"])
    loop.stop()
    assert "lid left: a turn failed" in caplog.text


def test_after_stop_nothing_runs() -> None:
    turns: list[int] = []
    loop = PolledThread("test", lambda: turns.append(1), lambda: None)
    loop.start()
    until(lambda: turns)
    loop.stop()
    assert all(thread.name != "test" for thread in threading.enumerate())
    loop.wake()
    assert len(turns) == 1


def test_a_loop_that_never_started_can_be_stopped() -> None:
    PolledThread("test", lambda: None, lambda: None).stop()
