"""Which commands may still act: for this boot, before their end, and each id once. Pure.

Only the station's own uptime counts, so that no calendar matters. What is remembered dies with the boot, and
so do all commands: each names its boot.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cloud_sync.wire.commands import LIFE_S, Answer, Ending, RemoteCommand, Why

ROOM = 256
"""Commands remembered at most. One that may still act is never forgotten: then a new one is refused."""


@dataclass(frozen=True, slots=True)
class Boot:
    """This start of the station, and whose it is."""

    community: str
    station: str
    token: str


@dataclass(slots=True)
class Remembered:
    """A command that came, and its answer once there is one."""

    command: RemoteCommand
    answer: Answer | None = None


@dataclass(slots=True)
class Register:
    """Every command that came in this boot, as far as it still matters."""

    boot: Boot
    remembered: dict[str, Remembered] = field(default_factory=dict)

    def take(self, command: RemoteCommand, uptime: float) -> Answer | RemoteCommand | None:
        """Return the answer of a command that may not act, or the command if it may act now, once.

        A repeated command gets the answer of the first; None while that is not known.
        """
        if (known := self.remembered.get(command.id)) is not None:
            return known.answer
        if not self._has_room(uptime):
            return self._answer(command, uptime, Ending.REFUSED, Why.TOO_MANY)
        self.remembered[command.id] = Remembered(command)
        if refusal := self._refusal(command, uptime):
            return self.end(command.id, self._answer(command, uptime, *refusal))
        return command

    def end(self, order: str, answer: Answer) -> Answer:
        """Remember a command's answer."""
        self.remembered[order].answer = answer
        return answer

    def _refusal(self, command: RemoteCommand, uptime: float) -> tuple[Ending, Why] | None:
        if (command.community, command.station) != (self.boot.community, self.boot.station):
            return Ending.REFUSED, Why.NOT_MINE
        if command.boot != self.boot.token:
            return Ending.EXPIRED, Why.OTHER_BOOT
        if uptime > command.not_after:
            return Ending.EXPIRED, Why.TOO_LATE
        if command.not_after > uptime + LIFE_S:
            return Ending.REFUSED, Why.TOO_FAR
        return None

    def _answer(self, command: RemoteCommand, uptime: float, outcome: Ending, why: Why) -> Answer:
        return Answer(command.id, self.boot.community, self.boot.station, outcome, round(uptime, 3), why)

    def _has_room(self, uptime: float) -> bool:
        """Forget the oldest command that cannot act any more, if there must be room for another."""
        if len(self.remembered) < ROOM:
            return True
        dead = next((id_ for id_, one in self.remembered.items() if self._is_dead(one, uptime)), None)
        if dead is not None:
            del self.remembered[dead]
        return dead is not None

    def _is_dead(self, one: Remembered, uptime: float) -> bool:
        """Return whether a command would be refused if it came again, so that it may be forgotten."""
        return one.answer is not None and self._refusal(one.command, uptime) is not None
