"""Schedules messages fairly among communities and their stations, and limits each station's rate. Pure.

A worker's session at the broker is one queue, and MQTT requires acknowledgements in its order. So a worker
holds few messages of each station, takes them by turns, and lets go unread what a station sends beyond
that. Nothing is lost: a journal keeps events without a receipt and sends them again. A station that waits
for its receipts, as `cloud_sync.transport.resend` does, stays far below these limits, unless it brings more
than a month of visits at once; that takes some minutes. A restart begins with full budgets, which a minute
would refill anyway; the database counts what must be limited for longer (`begun`).
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cloud_sync.transport.mailbox import Message
from cloud_sync.transport.resend import WINDOW

Name = tuple[str, str]
"""Community and station, as a topic names them."""

SHARE = 2 * WINDOW
"""Messages of one station that may wait: one window in flight, and the same again after a reconnection."""
A_MINUTE = 30_000
"""Budget of a station and its refill a minute, counted in events; all of it may be spent at once."""
MESSAGE = 20
"""Work of a message apart from its events: signature and transaction."""
REFUSED = 5
"""Work of an event kept as evidence: each is looked up, stored and reported by itself."""
EPOCH = 15
"""Work of a new epoch: it is compared with the others of its station."""
REJECTED = 100
"""Work of a message that is not believed or would begin too many epochs."""
SHARED_S = 10.0
"""How long turns stay short after messages of two communities came one after the other."""
MOST_NAMES = 10_000
"""Stations whose budget is remembered; those with a full budget are forgotten first."""


@dataclass(slots=True, eq=False)
class Waiting:
    """One message in the worker; the broker may forget it once it is `done` and all before it are."""

    message: Message
    station: Name
    done: bool = False


@dataclass(slots=True)
class _Budget:
    """Work that a station may still cause, and when that was computed."""

    left: float
    at: float


class Turns:
    """The messages that wait in one worker. `now` is monotonic seconds."""

    def __init__(self, held: int, at_once: int, most_bytes: int, shared_bytes: int) -> None:
        """Hold at most `held` messages; a turn has at most `at_once`.

        A turn ends once it has `most_bytes` or more, or `shared_bytes` while other communities are about.
        """
        self.let_go: Counter[Name] = Counter()
        """Messages let go unread, by station; the code that raises the alarm clears it."""
        self._held, self._at_once = held, at_once
        self._most_bytes, self._shared_bytes = most_bytes, shared_bytes
        self._last: str | None = None
        """The community of the message that came last."""
        self._shared_until = -math.inf
        self._arrived: deque[Waiting] = deque()
        self._queues: dict[str, dict[Name, deque[Waiting]]] = {}
        """Waiting messages by community and station, each in the order of turns."""
        self._budgets: dict[Name, _Budget] = {}

    @property
    def is_empty(self) -> bool:
        """Say whether no message waits to be taken."""
        return not self._queues

    @property
    def has_room(self) -> bool:
        """Say whether one more message may be added."""
        return len(self._arrived) < self._held

    def add(self, message: Message, station: Name, now: float) -> None:
        """Queue a message for its station's turn, or let it go if the station has sent too much."""
        waiting = Waiting(message, station)
        self._arrived.append(waiting)
        if self._last not in {None, station[0]}:
            self._shared_until = now + SHARED_S
        self._last = station[0]
        queue = self._queues.get(station[0], {}).get(station)
        if (queue is not None and len(queue) >= SHARE) or self._is_spent(station, now):
            waiting.done = True
            self.let_go[station] += 1
        elif queue is None:
            self._queues.setdefault(station[0], {})[station] = deque([waiting])
        else:
            queue.append(waiting)

    def add_done(self, message: Message) -> None:
        """Add a message that needs no work, so that it is acknowledged in its order."""
        self._arrived.append(Waiting(message, ("", ""), done=True))

    def take(self, now: float, besides: Collection[str] = ()) -> list[Waiting]:
        """Take the next messages of one community, one of each of its stations by turns.

        The next turn goes to another community if it has messages. Communities in `besides` are skipped.
        """
        community = next((name for name in self._queues if name not in besides), None)
        if community is None:
            return []
        queues = self._queues.pop(community)
        taken: list[Waiting] = []
        most, size = self._shared_bytes if now < self._shared_until else self._most_bytes, 0
        while queues and len(taken) < self._at_once and size < most:
            station = next(iter(queues))
            queue = queues.pop(station)
            taken.append(queue.popleft())
            size += len(taken[-1].message.payload)
            if queue:
                queues[station] = queue
        if queues:
            self._queues[community] = queues
        return taken

    def give_back(self, taken: Sequence[Waiting]) -> None:
        """Put back messages that were taken but not applied, as the next ones."""
        for waiting in reversed(taken):
            queues = self._queues.pop(waiting.station[0], {})
            queue = queues.pop(waiting.station, None) or deque()
            queue.appendleft(waiting)
            self._queues = {waiting.station[0]: {waiting.station: queue, **queues}, **self._queues}

    def drop(self, community: str) -> int:
        """Let go of all messages that wait for a community; return their number."""
        dropped = [waiting for queue in self._queues.pop(community, {}).values() for waiting in queue]
        for waiting in dropped:
            waiting.done = True
        return len(dropped)

    def charge(self, station: Name, work: int, now: float) -> None:
        """Deduct work that a station's messages caused from its budget."""
        budget = self._budget(station, now)
        if len(self._budgets) >= MOST_NAMES and station not in self._budgets:
            self._forget(now)
        self._budgets[station] = _Budget(budget.left - work, now)

    def finished(self) -> list[Message]:
        """Remove and return the messages that may be acknowledged now, in order of arrival."""
        done: list[Message] = []
        while self._arrived and self._arrived[0].done:
            done.append(self._arrived.popleft().message)
        return done

    def _is_spent(self, station: Name, now: float) -> bool:
        return self._budget(station, now).left <= 0

    def _budget(self, station: Name, now: float) -> _Budget:
        """Return a station's budget, refilled up to now."""
        budget = self._budgets.get(station)
        if budget is None:
            return _Budget(A_MINUTE, now)
        return _Budget(min(A_MINUTE, budget.left + (now - budget.at) * A_MINUTE / 60), now)

    def _forget(self, now: float) -> None:
        full = [name for name in self._budgets if self._budget(name, now).left == A_MINUTE]
        for station in full or list(self._budgets)[: MOST_NAMES // 2]:
            del self._budgets[station]
