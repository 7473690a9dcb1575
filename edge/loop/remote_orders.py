"""Officers' commands on the station's own thread: admitted once each, answered, and recorded if done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cloud_sync.wire.commands import Answer, Ending, Part, RemoteCommand, Why, words_of
from cloud_sync.wire.facts import CommandFacts
from edge.messages import EndPart, Reply
from edge.remote.freshness import Register

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RemoteOrders:
    """What a station needs for commands: what came in this boot, its uptime, and where answers go."""

    register: Register
    uptime: Callable[[], float]
    """Seconds of this machine's boot, suspended time included."""
    send: Callable[[Answer], None]
    """Sends an answer to the sync process; never blocks."""
    ends: Mapping[Part, Callable[[], bool]]
    """Has a process end; returns False if it is not there."""

    def admit(self, command: RemoteCommand, *, is_stopping: bool) -> bool:
        """Return whether a command may act now; if not, answer it, unless it is under way."""
        taken = self.register.take(command, self.uptime())
        if isinstance(taken, Answer):
            self.send(taken)
            return False
        if taken is None:
            return False
        log.info("command %s of %s: %s (%s)", command.id, command.issuer, _said(command), command.reason)
        if is_stopping:
            self.reply(Reply(command.id, Ending.REFUSED, Why.STOPPING))
            return False
        return True

    def reply(self, reply: Reply) -> CommandFacts | None:
        """Answer a command; return what is to be recorded of it, None if it did nothing."""
        boot, command = self.register.boot, self.register.remembered[reply.order].command
        answer = Answer(
            command.id,
            boot.community,
            boot.station,
            reply.outcome,
            round(self.uptime(), 3),
            reply.why,
            reply.lid,
            reply.after_s,
        )
        self.send(self.register.end(command.id, answer))
        log.info("command %s: %s%s", command.id, reply.outcome, f" ({reply.why})" if reply.why else "")
        if reply.outcome not in {Ending.DONE, Ending.UNSEEN}:
            return None
        verb, about = words_of(command.verb)
        is_seen = reply.outcome is Ending.DONE
        return CommandFacts(command.id, verb, command.issuer, command.reason, about or None, is_seen)

    def end_part(self, order: EndPart) -> CommandFacts | None:
        """Have a process end, and answer; the sync process first gets the answer that it must send."""
        end = self.ends.get(order.part, lambda: False)
        if order.part == "sync":
            facts = self.reply(Reply(order.order, Ending.DONE))
            end()
            return facts
        if end():
            return self.reply(Reply(order.order, Ending.DONE))
        return self.reply(Reply(order.order, Ending.REFUSED, Why.NO_SUCH_PART))


def _said(command: RemoteCommand) -> str:
    return " ".join(filter(None, words_of(command.verb)))
