"""Turns among communities and their stations: what a worker takes next, so that no other waits. Pure.

A worker's session at the broker is one queue, and MQTT wants it acknowledged in its order. So what waits
in a worker is little of each station and is taken by turns; what a station sends beyond that is let go
unread. Nothing is lost by it: a journal keeps what has no receipt and sends it again. A station that
waits for its receipts, as `cloud_sync.transport.resend` does, never comes near these bounds, but for one that
brings more than a month of visits at once, which then takes some minutes. A restart begins with full
budgets, which a minute would fill anyway; what must hold longer is counted in the database (`begun`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cloud_sync.transport.mqtt import Message
from cloud_sync.transport.resend import WINDOW

Name = tuple[str, str]
"""Community and station, as a topic names them."""

SHARE = 2 * WINDOW
"""Messages of one station that may wait: what it has on its way, and the same again after a reconnection."""
A_MINUTE = 30_000
"""Work that one station may cause in a minute, and all at once, counted in events."""
MESSAGE = 20
"""Work of a message by itself: its signature, its place in a transaction."""
REFUSED = 5
"""Work of an event that is kept as evidence: it is looked up, stored and told of one by one."""
EPOCH = 15
"""Work of an epoch that was never heard of: it is compared with the others of its station."""
REJECTED = 100
"""Work of a message that is not to be believed, or would begin too many epochs."""
MOST_NAMES = 10_000
"""Stations whose work is remembered; those that have not caused any lately are forgotten first."""


@dataclass(slots=True, eq=False)
class Waiting:
    """One message in the worker; the broker may forget it once it is `done` and all before it are."""

    message: Message
    station: Name
    done: bool = False


@dataclass(slots=True)
class _Budget:
    """How much work a station may still cause, and when that was so."""

    left: float
    at: float


class Turns:
    """What waits in one worker. `now` is monotonic seconds."""

    def __init__(self, at_once: int, most_bytes: int) -> None:
        """Hold at most `at_once` messages; one turn gives `most_bytes` of them, or one that is larger."""
        self.let_go: Counter[Name] = Counter()
        """Messages let go unread, by station; whoever tells of them clears it."""
        self._at_once, self._most_bytes = at_once, most_bytes
        self._arrived: deque[Waiting] = deque()
        self._queues: dict[str, dict[Name, deque[Waiting]]] = {}
        """Communities and stations of which something waits, those whose turn is next first."""
        self._budgets: dict[Name, _Budget] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be taken."""
        return not self._queues

    @property
    def has_room(self) -> bool:
        """Whether one more message may be added."""
        return len(self._arrived) < self._at_once

    def add(self, message: Message, station: Name, now: float) -> None:
        """Have a message wait for its station's turn, or let it go if the station has sent too much."""
        waiting = Waiting(message, station)
        self._arrived.append(waiting)
        queue = self._queues.get(station[0], {}).get(station)
        if (queue is not None and len(queue) >= SHARE) or self._is_spent(station, now):
            waiting.done = True
            self.let_go[station] += 1
        elif queue is None:
            self._queues.setdefault(station[0], {})[station] = deque([waiting])
        else:
            queue.append(waiting)

    def add_done(self, message: Message) -> None:
        """Have a message that nothing is done with be forgotten in its order."""
        self._arrived.append(Waiting(message, ("", ""), done=True))

    def take(self, besides: Collection[str] = ()) -> list[Waiting]:
        """The next messages of one community, one of each of its stations by turns.

        The next turn is another community's, if anything of one waits. Those `besides` are passed by.
        """
        community = next((name for name in self._queues if name not in besides), None)
        if community is None:
            return []
        queues = self._queues.pop(community)
        taken: list[Waiting] = []
        size = 0
        while queues and len(taken) < self._at_once and size < self._most_bytes:
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
        """Have messages that were taken and not applied be the next ones."""
        for waiting in reversed(taken):
            queues = self._queues.pop(waiting.station[0], {})
            queue = queues.pop(waiting.station, None) or deque()
            queue.appendleft(waiting)
            self._queues = {waiting.station[0]: {waiting.station: queue, **queues}, **self._queues}

    def drop(self, community: str) -> int:
        """Do nothing with what waits of a community; how many messages that was."""
        dropped = [waiting for queue in self._queues.pop(community, {}).values() for waiting in queue]
        for waiting in dropped:
            waiting.done = True
        return len(dropped)

    def charge(self, station: Name, work: int, now: float) -> None:
        """Count work that a station's messages caused."""
        budget = self._budget(station, now)
        if len(self._budgets) >= MOST_NAMES and station not in self._budgets:
            self._forget(now)
        self._budgets[station] = _Budget(budget.left - work, now)

    def finished(self) -> list[Message]:
        """The messages that the broker may forget now, in the order they came."""
        done: list[Message] = []
        while self._arrived and self._arrived[0].done:
            done.append(self._arrived.popleft().message)
        return done

    def _is_spent(self, station: Name, now: float) -> bool:
        return self._budget(station, now).left <= 0

    def _budget(self, station: Name, now: float) -> _Budget:
        """What a station has by now."""
        budget = self._budgets.get(station)
        if budget is None:
            return _Budget(A_MINUTE, now)
        return _Budget(min(A_MINUTE, budget.left + (now - budget.at) * A_MINUTE / 60), now)

    def _forget(self, now: float) -> None:
        full = [name for name in self._budgets if self._budget(name, now).left == A_MINUTE]
        for station in full or list(self._budgets)[: MOST_NAMES // 2]:
            del self._budgets[station]
