"""Who acts now, and why: set at the door, by the office's guard and by a command, and read by each write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or a program, and the reason for what they do."""

    by: str
    reason: str


_PROGRAM = Actor("ledger", "by the program itself")
_ACTOR: ContextVar[Actor] = ContextVar("actor", default=_PROGRAM)


@contextmanager
def acting(by: str, reason: str) -> Iterator[None]:
    """Let everything within be done by this person for this reason, unless a write names another."""
    token = _ACTOR.set(Actor(by, reason))
    try:
        yield
    finally:
        _ACTOR.reset(token)


def actor() -> Actor:
    """Return who acts now."""
    return _ACTOR.get()
