from __future__ import annotations

import logging
import subprocess
import sys
import threading
from queue import SimpleQueue

import pytest

from config.process.threads import FAILED, Complaints, later, thread
from tests.waiting import COMMAND_WITHIN_S, WITHIN_S, until

HALF = """
import sys
from config.process.threads import thread

def run():
    raise RuntimeError("no room on the bus")

thread(run, "delivery").start()
sys.stdin.read()
"""
INTERRUPTED = HALF.replace("import thread", "import interrupt, thread").replace(
    '"delivery")', '"delivery", interrupt)'
)


def test_a_process_whose_thread_fails_ends_too_and_says_why() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HALF], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.wait(COMMAND_WITHIN_S) == FAILED
        assert process.stderr is not None
        said = process.stderr.read()
    assert "the thread delivery failed" in said
    assert "no room on the bus" in said


def test_a_process_that_must_stop_other_processes_is_interrupted_instead() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert "no room on the bus" in process.stderr.read()


def test_a_failed_thread_passes_its_error_to_the_given_function() -> None:
    mistakes: list[Exception] = []

    def run() -> None:
        raise ValueError("noted")

    asked = thread(run, "asked", mistakes.append)
    asked.start()
    asked.join(WITHIN_S)
    assert [str(mistake) for mistake in mistakes] == ["noted"]


def test_a_thread_that_ends_normally_is_not_a_failure() -> None:
    done: list[int] = []
    quiet = thread(lambda: done.append(1), "quiet", lambda _error: done.append(2))
    quiet.start()
    quiet.join(WITHIN_S)
    assert done == [1]
    assert quiet.daemon


def test_a_repeated_failure_is_logged_once_until_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    complaints = Complaints(logging.getLogger("loop"))
    for error in [OSError("away"), OSError("away"), ValueError("odd"), OSError("away")]:
        complaints.raised("a turn failed", error)
    assert [str(record.exc_info and record.exc_info[1]) for record in caplog.records] == [
        "away",
        "odd",
        "away",
    ]
    complaints.over()
    complaints.raised("a turn failed", OSError("away"))
    assert len(caplog.records) == 4


def test_a_later_call_is_made_unless_it_is_cancelled() -> None:
    done: SimpleQueue[str] = SimpleQueue()
    later(0.0, lambda: done.put("done"), "soon")
    assert done.get(timeout=WITHIN_S) == "done"
    waiting = later(3600.0, lambda: done.put("too late"), "called off")
    waiting.set()
    until(lambda: "called off" not in {running.name for running in threading.enumerate()})
    assert done.empty()
