"""Notes what became of commands: sent, answered, given up. Workers and stations say it, no person."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from django.db.models import Q

from cloud_sync.ledger.commanding.models import OPEN, Command, CommandState
from cloud_sync.ledger.stations.models import Station
from cloud_sync.wire.commands import LIFE_S, Answer, Ending

RETIRED = "issuer_retired"
"""Why the ledger itself stops a command: who gave it may no longer."""
NOT_DELIVERED = "not_delivered"
FORGOTTEN_S = LIFE_S + 15.0
"""An open command older than this has no worker; the next reader ends it."""


def send_to_boot(command: Command, boot: str, not_after: float) -> Command:
    """Note what a command is for when it is first sent; another worker's note stands. Return it as stored."""
    Command.objects.filter(pk=command.pk, state=CommandState.WAITING).update(
        state=CommandState.SENT, boot=boot, not_after=not_after
    )
    command.refresh_from_db()
    return command


def end_undelivered(command: Command, now: datetime) -> None:
    """End a command that no answer came to in its time."""
    _end(command.pk, CommandState.EXPIRED, NOT_DELIVERED, "", now)


def end_retired(command: Command, now: datetime) -> None:
    """End a command whose issuer may no longer give it."""
    _end(command.pk, CommandState.REFUSED, RETIRED, "", now)


def end_forgotten(now: datetime) -> None:
    """End open commands that no worker looks after."""
    since = timedelta(seconds=FORGOTTEN_S)
    stale = Command.objects.filter(Q(made_at__lt=now - since) | Q(made_at__gt=now + since), state__in=OPEN)
    for key in stale.values_list("pk", flat=True):
        _end(key, CommandState.EXPIRED, NOT_DELIVERED, "", now)


def note_answer(station: Station, answer: Answer, now: datetime) -> bool:
    """Note a station's answer; return whether it is news.

    It may come after the command was given up; what the station says it did is then the truth. The first
    answer stands.
    """
    state = {
        Ending.DONE: CommandState.ANSWERED,
        Ending.UNSEEN: CommandState.ANSWERED,
        Ending.REFUSED: CommandState.REFUSED,
        Ending.EXPIRED: CommandState.EXPIRED,
    }[answer.outcome]
    body = msgspec.json.encode(answer).decode()
    found = Command.objects.filter(station=station, order=answer.id, answer="")
    return bool(found.update(state=state, why=answer.why or "", answer=body, ended_at=now))


def _end(key: int, state: CommandState, why: str, answer: str, now: datetime) -> None:
    Command.objects.filter(pk=key, state__in=OPEN).update(state=state, why=why, answer=answer, ended_at=now)
