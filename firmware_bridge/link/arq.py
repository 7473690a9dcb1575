"""Numbered messages: repeated until acknowledged, accepted once and in order (go-back-n). Pure.

Both sides of a link have a `Sender` and a `Receiver`; docs/protocol.md specifies them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, auto
from math import inf
from typing import Generic, TypeVar

_NUMBERS = 255
_HALF = 127
FIRST_WAIT_S = 0.1
MAX_WAIT_S = 0.8
MAX_REPEATS = 10
MAX_IN_FLIGHT = 64
"""Limit for any credit: with more than 127 in flight an old number could pass for a new one."""


def following(number: int) -> int:
    """Return the next number: 1 to 255, then 1 again; 1 after 0, which means none."""
    return number % _NUMBERS + 1


class ReceiveResult(StrEnum):
    """What to do with a numbered message."""

    ACCEPTED = auto()
    """It is the next one: act on it and acknowledge it."""
    DUPLICATE = auto()
    """It was accepted before: only acknowledge it again."""
    OUT_OF_ORDER = auto()
    """One before it is missing: ignore it, it will be sent again."""


class Receiver:
    """Accepts each number once, in order. `taken` is the last one, 0 before the first."""

    def __init__(self) -> None:
        self.taken = 0

    def receive(self, number: int) -> ReceiveResult:
        """Return what to do with a message of this number, and remember an accepted one."""
        behind = (following(self.taken) - number) % _NUMBERS
        if behind == 0:
            self.taken = number
            return ReceiveResult.ACCEPTED
        return ReceiveResult.DUPLICATE if behind <= _HALF else ReceiveResult.OUT_OF_ORDER


MessageT = TypeVar("MessageT")


@dataclass(frozen=True, slots=True)
class Queued(Generic[MessageT]):
    """A message and the time of its request: its content may age while it waits."""

    message: MessageT
    at: float


@dataclass(frozen=True, slots=True)
class _InFlight(Generic[MessageT]):
    number: int
    asked: Queued[MessageT]


class Sender(Generic[MessageT]):
    """Keeps messages until they are acknowledged; `waiting` holds those that wait for credit.

    The owner bounds `waiting`: which messages may be dropped or replaced depends on their meaning. `amend`
    returns a message as it must be sent at a given time.
    """

    def __init__(self, credit: int, amend: Callable[[Queued[MessageT], float], MessageT]) -> None:
        self.waiting: deque[Queued[MessageT]] = deque()
        self._in_flight: deque[_InFlight[MessageT]] = deque()
        self._credit = min(credit, MAX_IN_FLIGHT)
        self._amend = amend
        self._last = 0
        self._acknowledged = 0
        self._repeats = 0
        self._repeat_at = inf

    @property
    def is_exhausted(self) -> bool:
        """Whether the oldest message was repeated MAX_REPEATS times and still not acknowledged in time."""
        return self._repeats > MAX_REPEATS

    @property
    def in_flight(self) -> int:
        """How many messages are sent and not yet acknowledged."""
        return len(self._in_flight)

    def acknowledged(self, number: int, credit: int, now: float) -> list[MessageT]:
        """Note that the other side has accepted everything up to `number` and gives `credit` more.

        Return the messages that this acknowledges.
        """
        numbers = [in_flight.number for in_flight in self._in_flight]
        taken = []
        if number in numbers:
            taken = [self._in_flight.popleft().asked.message for _ in range(numbers.index(number) + 1)]
            self._acknowledged = number
            self._repeats = 0
            self._repeat_at = now + FIRST_WAIT_S if self._in_flight else inf
        if number == self._acknowledged:
            self._credit = min(credit, MAX_IN_FLIGHT)
        return taken

    def replace_in_flight(self, change: Callable[[MessageT], MessageT]) -> None:
        """Change messages in flight; the change applies when they are repeated."""
        self._in_flight = deque(
            _InFlight(one.number, Queued(change(one.asked.message), one.asked.at)) for one in self._in_flight
        )

    def due(self, now: float) -> list[tuple[int, MessageT]]:
        """Return numbers and messages to send now: repeats of all in flight if due, then new ones."""
        sent = []
        if now >= self._repeat_at:
            self._repeats += 1
            self._repeat_at = now + min(FIRST_WAIT_S * 2**self._repeats, MAX_WAIT_S)
            sent += [(one.number, self._amend(one.asked, now)) for one in self._in_flight]
        while self.waiting and len(self._in_flight) < self._credit:
            asked = self.waiting.popleft()
            self._last = following(self._last)
            self._in_flight.append(_InFlight(self._last, asked))
            self._repeat_at = min(self._repeat_at, now + FIRST_WAIT_S)
            sent.append((self._last, self._amend(asked, now)))
        return sent

    def next_due(self) -> float:
        """Return when `due` will have something to repeat; inf if never."""
        return self._repeat_at
