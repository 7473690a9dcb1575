"""Blocking work beside the station: results come back, a full mailbox says so, nothing outlives its stop."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

import pytest

from edge.loop.inbox import QueueInbox
from edge.loop.workers import InlineWorkers, ThreadWorkers
from edge.messages import CaptureFailed, Event, LidOpened
from tests.waiting import WITHIN_S, until

DONE = LidOpened(1.0, "kitchen")
BUSY = CaptureFailed(1.0, 1, 1, busy=True)


@pytest.fixture
def inbox() -> QueueInbox:
    return QueueInbox()


@pytest.fixture
def workers(inbox: QueueInbox) -> Iterator[ThreadWorkers]:
    made = ThreadWorkers(inbox, slots=2)
    yield made
    made.stop()


def held_by(release: threading.Event) -> Callable[[], Event | None]:
    """Give a job that hangs until it is released."""

    def hang() -> None:
        release.wait(WITHIN_S)

    return hang


def next_event(inbox: QueueInbox) -> Event | None:
    taken = inbox.take(WITHIN_S)
    assert taken is not None, "nothing came"
    return taken[0]


def test_what_a_job_returns_comes_into_the_inbox(inbox: QueueInbox, workers: ThreadWorkers) -> None:
    workers.submit("camera", lambda: DONE, None)
    assert next_event(inbox) == DONE


def test_a_device_does_its_jobs_in_order(inbox: QueueInbox, workers: ThreadWorkers) -> None:
    for number in range(2):
        workers.submit("camera", lambda number=number: LidOpened(float(number), "kitchen"), None)  # type: ignore[misc]
    assert [next_event(inbox) for _ in range(2)] == [LidOpened(0.0, "kitchen"), LidOpened(1.0, "kitchen")]


def test_a_job_that_raises_costs_only_itself(
    inbox: QueueInbox, workers: ThreadWorkers, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Event:
        raise ZeroDivisionError

    workers.submit("camera", fail, None)
    workers.submit("camera", lambda: DONE, None)
    assert next_event(inbox) == DONE
    assert "a job of camera failed" in caplog.text


def test_a_full_mailbox_answers_busy_at_once(inbox: QueueInbox, workers: ThreadWorkers) -> None:
    begun, release = threading.Event(), threading.Event()

    def hold() -> Event:
        begun.set()
        release.wait(WITHIN_S)
        return DONE

    workers.submit("camera", hold, BUSY)
    assert begun.wait(WITHIN_S)
    for _ in range(3):
        workers.submit("camera", lambda: DONE, BUSY)
    assert next_event(inbox) == BUSY
    release.set()
    assert [next_event(inbox) for _ in range(3)] == [DONE] * 3


def test_one_device_that_hangs_keeps_no_other_waiting(inbox: QueueInbox, workers: ThreadWorkers) -> None:
    release = threading.Event()
    workers.submit("camera", held_by(release), None)
    workers.submit("speaker", lambda: DONE, None)
    assert next_event(inbox) == DONE
    release.set()


def test_stopping_does_what_waits_and_ends_every_thread(inbox: QueueInbox) -> None:
    before = set(threading.enumerate())
    workers = ThreadWorkers(inbox)
    done: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(5):
        workers.submit("journal", lambda number=number: done.put(number), None)  # type: ignore[misc]
        workers.submit("speaker", lambda: None, None)
    workers.stop()
    assert done.qsize() == 5
    assert set(threading.enumerate()) <= before


def test_stopping_does_not_wait_for_ever_for_a_device_that_hangs(inbox: QueueInbox) -> None:
    workers, release, begun = ThreadWorkers(inbox, slots=1), threading.Event(), threading.Event()

    def hangs() -> None:
        begun.set()
        release.wait()

    workers.submit("camera", hangs, None)
    assert begun.wait(WITHIN_S)
    workers.submit("camera", lambda: None, None)  # fills the mailbox: no room for the word to stop
    workers.stop(wait_s=0.05)
    release.set()
    until(lambda: all(thread.name != "camera" for thread in threading.enumerate()), "the hung thread")


def test_inline_work_is_done_when_submit_returns(inbox: QueueInbox) -> None:
    workers = InlineWorkers(inbox)
    workers.submit("camera", lambda: DONE, BUSY)
    workers.submit("camera", lambda: None, BUSY)
    assert inbox.take(0) is not None
    assert inbox.take(0) is None
    workers.stop()
