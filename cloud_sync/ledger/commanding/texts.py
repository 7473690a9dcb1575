"""What is said of commands: on pages in the language that is activated, on the command line in English."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from django.utils.translation import gettext, gettext_noop, override

from cloud_sync.ledger.commanding.models import Command, CommandState
from cloud_sync.ledger.commanding.outcomes import NOT_DELIVERED, RETIRED
from cloud_sync.wire.commands import Answer, Why

VERB_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "open": gettext_noop("Open the lid"),
        "close": gettext_noop("Shut the lid"),
        "out_of_service": gettext_noop("Take out of service"),
        "in_service": gettext_noop("Put in service"),
        "restart": gettext_noop("Restart a part"),
        "say": gettext_noop("Say something"),
        "identify": gettext_noop("Show which station it is"),
    }
)
PART_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "eye": gettext_noop("Cameras and model"),
        "lids": gettext_noop("Lid control"),
        "sync": gettext_noop("Connection to the office"),
    }
)
PROMPT_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "tap_first": gettext_noop("Please tap your card first."),
        "wait": gettext_noop("One moment, a lid is still closing."),
        "clear_lid": gettext_noop("Something is blocking the lid. Please take it away."),
        "card_blocked": gettext_noop("This card is blocked. Please ask the staff."),
        "out_of_service": gettext_noop("This station is out of service. Please use another station."),
    }
)
WHY_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        Why.NOT_MINE: gettext_noop("It was for another station."),
        Why.OTHER_BOOT: gettext_noop("The station has restarted since. Give the command again."),
        Why.TOO_LATE: gettext_noop("It came too late. Give the command again."),
        Why.TOO_FAR: gettext_noop("It would have lived too long. Give the command again."),
        Why.TOO_MANY: gettext_noop("Too many commands at once. Wait half a minute."),
        Why.STOPPING: gettext_noop("The station is stopping."),
        Why.NO_SUCH_BIN: gettext_noop("The station has no such bin."),
        Why.NO_SUCH_PART: gettext_noop("That part does not answer, or the station has none."),
        Why.EMERGENCY: gettext_noop("Emergency stop: somebody must go there and tap a staff card."),
        Why.OUT_OF_SERVICE: gettext_noop("The station is out of service. Put it in service first."),
        Why.BUSY: gettext_noop("Somebody is using the station. Try again shortly."),
        Why.FAULT: gettext_noop("The lid has a fault; see the station's alarms."),
        Why.FULL: gettext_noop("The bin is full. Have it emptied."),
        Why.MOVER: gettext_noop("The motor has to rest. Try again in a minute."),
        Why.OBSTRUCTED: gettext_noop("Something is in the lid's way."),
        Why.LID_OPEN: gettext_noop("A lid stands open. Shut it first."),
        Why.NOT_SEEN: gettext_noop("No switch reported the lid in time. Have somebody look."),
        RETIRED: gettext_noop("The officer may no longer do this."),
        NOT_DELIVERED: gettext_noop("Not delivered: no answer within 30 seconds. Is the station online?"),
    }
)
LID_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "open": gettext_noop("Done: its switch reports the lid open."),
        "shut": gettext_noop("Done: its switch reports the lid shut."),
    }
)
DONE = gettext_noop("Done.")
UNDER_WAY = gettext_noop("Under way …")
OTHERWISE = gettext_noop("It did not happen.")


def outcome_text(command: Command) -> str:
    """Return what became of a command, in one sentence."""
    if command.ended_at is None:
        return gettext(UNDER_WAY)
    if command.why:
        return gettext(WHY_TEXTS.get(command.why, OTHERWISE))
    if command.state != CommandState.ANSWERED:
        return gettext(OTHERWISE)
    lid = msgspec.json.decode(command.answer, type=Answer).lid
    return gettext(LID_TEXTS[lid] if lid else DONE)


def plain_outcome(command: Command) -> str:
    """Return what became of a command, in English."""
    with override("en"):
        return outcome_text(command)


def about_text(command: Command) -> str:
    """Return what a command is about, in words where there are any."""
    texts = {"restart": PART_TEXTS, "say": PROMPT_TEXTS}
    found = texts.get(command.verb, {}).get(command.about)
    return command.about if found is None else gettext(found)
