"""Makes commands, and finds them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

import msgspec
from django.contrib.auth.models import User

from cloud_sync.ledger.audit.write import write
from cloud_sync.ledger.commanding.models import OPEN, Command
from cloud_sync.ledger.commanding.outcomes import end_forgotten
from cloud_sync.ledger.officers.grants import rights_of
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.decisions import said
from cloud_sync.ledger.points.posting import atomically
from cloud_sync.ledger.stations.models import Community, Station
from cloud_sync.wire.commands import VERBS, verb_of
from config.errors import InputError

LID_VERBS = frozenset({"open", "close"})
"""Verbs that move a lid; the others have a right of their own."""
KEY_DIGITS = 16
"""Bytes of a form's key."""
LISTED = 50


def new_form() -> str:
    """Return the key of a form that is about to be shown."""
    return secrets.token_hex(KEY_DIGITS)


def deed_of(verb: str) -> Deed:
    """Return the deed that a command is."""
    return Deed.COMMAND_LID if verb in LID_VERBS else Deed.COMMAND_STATION


def may_still(issuer: str, verb: str, community: Community) -> bool:
    """Return whether an officer may give this command now: they are not retired and have the right."""
    user = User.objects.filter(username=issuer, is_active=True).first()
    return user is not None and rights_of(user).may(deed_of(verb), community.pk)


@atomically
def make_command(  # noqa: PLR0913 (one parameter a fact)
    station: Station,
    verb: str,
    about: str,
    *,
    form: str,
    issuer: str,
    reason: str,
    now: datetime,
) -> Command:
    """Make a command for a worker to send; the same form again returns the command that it made.

    InputError for a retired station, an unknown verb or what it is about, an officer who may not, and without
    who and why.
    """
    issuer, reason = said(issuer, reason)
    if (made := Command.objects.filter(form=form).first()) is not None:
        return made
    if not station.active:
        raise InputError(f"station {station} is retired", "command one that is in use")
    try:
        verb_of(verb, about)
    except (ValueError, msgspec.ValidationError) as error:
        raise InputError(f"{verb} {about}".strip() + f": {error}", f"use one of {', '.join(VERBS)}") from None
    if not may_still(issuer, verb, station.community):
        raise InputError(
            f"officer {issuer} may not do this in {station.community}",
            f"give a role: tongzhan ledger officer grant {issuer} --role installer "
            f"--community {station.community} --reason WHY --config F",
        )
    made = Command(
        station=station,
        order=secrets.token_hex(16),
        form=form,
        verb=verb,
        about=about,
        issuer=issuer,
        reason=reason,
        made_at=now,
    )
    write(made, deed_of(verb), by=issuer, reason=reason, now=now)
    return made


def open_commands() -> list[Command]:
    """Return every command that may still have to be sent, the oldest first."""
    found = Command.objects.filter(state__in=OPEN).select_related("station__community")
    return list(found.order_by("made_at")[:1000])


def lately(station: Station, now: datetime) -> Sequence[Command]:
    """Return a station's last commands, the newest first."""
    end_forgotten(now)
    return list(Command.objects.filter(station=station).order_by("-made_at")[:LISTED])
