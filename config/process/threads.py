"""The only module that starts threads: a thread that fails ends its process, or calls a given function."""

from __future__ import annotations

import _thread
import logging
import os
import threading
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)

FAILED = 70
"""Exit status after a thread failed (EX_SOFTWARE); the service manager starts the process again."""


def end_process(error: Exception) -> None:
    """End the process at once with FAILED: half a process looks alive but does not do its work."""
    del error
    logging.shutdown()
    os._exit(FAILED)


def interrupt(error: Exception) -> None:
    """Raise KeyboardInterrupt in the main thread, which must stop its own processes."""
    del error
    _thread.interrupt_main()


def thread(
    run: Callable[[], object], name: str, failed: Callable[[Exception], object] = end_process
) -> threading.Thread:
    """Create a daemon thread for `run`; the caller starts it.

    `run` catches errors after which it can continue. What it raises is logged and passed to `failed`, on
    that thread.
    """

    def outermost() -> None:
        try:
            run()
        except Exception as error:
            log.critical("the thread %s failed", name, exc_info=True)
            failed(error)

    return threading.Thread(target=outermost, name=name, daemon=True)


def later(wait_s: float, run: Callable[[], object], name: str) -> threading.Event:
    """Call `run` on a new thread after `wait_s`, unless the returned event is set before."""
    called_off = threading.Event()
    thread(lambda: called_off.wait(wait_s) or run(), name).start()
    return called_off


def within(wait_s: float, run: Callable[[], Answer], name: str) -> Answer:
    """Return what `run` returns; raise what it raises, or TimeoutError after `wait_s` seconds.

    For reads of a disk that may never answer. After a timeout `run` continues on its daemon thread.
    """
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def answer() -> None:
        try:
            answers.append(run())
        except BaseException as error:  # noqa: BLE001 (raised again on the caller's thread)
            errors.append(error)

    worker = thread(answer, name)
    worker.start()
    worker.join(wait_s)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer within {wait_s:g} s")
    return answers[0]


class Complaints:
    """Logs a failure of a loop once, with its traceback; the same one again only after `over`."""

    def __init__(self, logger: logging.Logger) -> None:
        """Log to `logger`."""
        self._log = logger
        self._last = ""

    def raised(self, what: str, error: Exception) -> None:
        """Log what failed with its exception; call it while handling the exception."""
        if self.is_new(f"{what}: {type(error).__name__}: {error}"):
            self._log.error("%s", what, exc_info=error)

    def is_new(self, words: str) -> bool:
        """Return whether `words` differs from the last complaint, and remember it."""
        is_new, self._last = words != self._last, words
        return is_new

    def over(self) -> None:
        """Forget the last complaint: it works."""
        self._last = ""
