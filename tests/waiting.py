"""Waiting for what another thread or process brings about: a condition with a deadline, no blind sleeps."""

from __future__ import annotations

import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPException
from math import inf

PATIENCE = float(os.environ.get("TONGZHAN_PATIENCE", "1"))
"""How much longer than on an idle machine to wait; the everyday run measures it at its start."""
WITHIN_S = 60.0 * PATIENCE
"""For what takes milliseconds on a machine that does nothing else."""
COMMAND_WITHIN_S = 240.0 * PATIENCE
"""For one of our commands to end, or to be at work: it took 50 s on two cores that had seven times too much
to do. A test that hangs fails at the limit of its stage, in tests/running/stages.py."""


def until(condition: Callable[[], object], what: str = "the condition", within_s: float = WITHIN_S) -> None:
    """Return as soon as `condition` holds; fail when it does not within `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {within_s} s in vain: {what}"
        time.sleep(0.005)


def tried(action: Callable[[], object], condition: Callable[[], object], what: str, every_s: float) -> None:
    """Act now and again with pauses, as a person does who sees nothing happen, until a condition holds."""
    acted_at = -inf

    def holds() -> bool:
        nonlocal acted_at
        if time.monotonic() >= acted_at + every_s:
            action()
            acted_at = time.monotonic()
        return bool(condition())

    until(holds, what, COMMAND_WITHIN_S)


def fetch(url: str) -> str:
    """Give the text of one of our own pages."""
    with urllib.request.urlopen(url, timeout=WITHIN_S) as answer:  # noqa: S310 (our own pages)
        text: str = answer.read().decode()
    return text


def answers(url: str) -> bool:
    """Whether a page of ours can be had."""
    try:
        fetch(url)
    except (OSError, HTTPException):
        # The latter is no server's fault: a call to a port that nobody listens on yet may get that very
        # port as its own, and then hears itself.
        return False
    return True


def turns(what: str, most: int = 10_000) -> Iterator[int]:
    """Count a loop over virtual time, with `next` at its head; fail when it does not end by itself."""
    yield from range(most)
    raise AssertionError(f"waited {most} turns in vain: {what}")
