"""Runs blocking jobs: on one thread for each device with a small mailbox, or at once when simulated."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from config.process.threads import Complaints, thread
from edge.messages import Event
from edge.ports import Inbox

Job = Callable[[], Event | None]

log = logging.getLogger(__name__)

STOP_S = 5.0
"""How long a stop waits for all workers together."""
SLOTS = 8
"""Most jobs that wait for one device: a family may throw things in faster than the model answers."""


class ThreadWorkers:
    """One thread for each device, started at its first job. Implements `edge.ports.Workers`."""

    def __init__(self, inbox: Inbox, slots: int = SLOTS) -> None:
        """Post results to `inbox`; at most `slots` jobs wait for a device."""
        self._inbox = inbox
        self._slots = slots
        self._mailboxes: dict[str, queue.Queue[Job | None]] = {}
        self._threads: list[threading.Thread] = []
        self._complaints: dict[str, Complaints] = {}
        self._is_stopping = False

    def submit(self, device: str, job: Job, busy: Event | None) -> None:
        """Run `job` on the device's thread and post its result; post `busy` if there is no room."""
        if device not in self._mailboxes:
            self._start(device)
        try:
            self._mailboxes[device].put_nowait(job)
        except queue.Full:
            log.warning("%s is busy: a job was turned away", device)
            if busy is not None:
                self._inbox.post(busy)

    def _start(self, device: str) -> None:
        mailbox: queue.Queue[Job | None] = queue.Queue(self._slots)
        self._mailboxes[device] = mailbox
        self._complaints[device] = Complaints(log)
        worker = thread(partial(self._work, device, mailbox), device)
        worker.start()
        self._threads.append(worker)

    def _work(self, device: str, mailbox: queue.Queue[Job | None]) -> None:
        while (job := mailbox.get()) is not None:
            self._do(device, job)
            if self._is_stopping and mailbox.empty():
                return  # a full mailbox had no room for the None that ends the thread

    def _do(self, device: str, job: Job) -> None:
        try:
            result = job()
        except Exception as error:  # noqa: BLE001 (the worker's outermost loop: the next job must still run)
            self._complaints[device].raised(f"a job of {device} failed; its visit goes on by deadline", error)
            return
        self._complaints[device].over()
        if result is not None:
            self._inbox.post(result)

    def stop(self, wait_s: float = STOP_S) -> None:
        """Let every thread finish its jobs and end.

        Returns after at most `wait_s` seconds in all; a thread that still hangs ends with the process.
        """
        self._is_stopping = True
        until = time.monotonic() + wait_s
        for mailbox in self._mailboxes.values():
            with suppress(queue.Full):  # a full mailbox is read by a thread that sees `_is_stopping` after it
                mailbox.put_nowait(None)
        for worker in self._threads:
            worker.join(max(0.0, until - time.monotonic()))
        hanging = [worker.name for worker in self._threads if worker.is_alive()]
        if hanging:
            log.error("still at work after %g s, and left behind: %s", wait_s, ", ".join(hanging))


class InlineWorkers:
    """Runs each job at once on the caller's thread, for virtual time. Implements `edge.ports.Workers`."""

    def __init__(self, inbox: Inbox) -> None:
        """Post results to `inbox`."""
        self._inbox = inbox

    def submit(self, device: str, job: Job, busy: Event | None) -> None:
        """Run `job` now and post its result; there is always room."""
        del device, busy
        result = job()
        if result is not None:
            self._inbox.post(result)

    def stop(self) -> None:
        """Do nothing: no job runs between calls."""
