"""Texts that say why something needs a person and what to do, in the activated language."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop, ngettext

from cloud_sync.ledger.intake.parse import Reason
from cloud_sync.ledger.office.pending import STRAY
from cloud_sync.ledger.points.models import Household
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.rules.award_rules import HeldBy


@dataclass(frozen=True, slots=True)
class Explained:
    """What happened, and what a person can do about it."""

    what: str
    todo: str


ASIDE: dict[str, Explained] = {
    STRAY: Explained(
        gettext_noop("Part of a message could not be recognised."),
        gettext_noop(
            "The station's software is at fault. No resident lost points by it. Tell those who maintain "
            "the station."
        ),
    ),
    Reason.MALFORMED: Explained(
        gettext_noop("A record cannot be read."),
        gettext_noop("If the station is newer than this ledger, have the ledger updated, then apply it."),
    ),
    Reason.TOO_LARGE: Explained(
        gettext_noop("A record is unusually large."),
        gettext_noop("The station's software is at fault. It is kept as evidence."),
    ),
    Reason.UNKNOWN_RULES: Explained(
        gettext_noop("The visit was counted by rules that this ledger does not have."),
        gettext_noop("Have the rules added to the ledger, then apply it. Its points are given then."),
    ),
    Reason.CONFLICT: Explained(
        gettext_noop("The same record came twice with different content. The first one counts."),
        gettext_noop(
            "Look at the station: its memory card may be a copy, or somebody changed its journal. Then say "
            "that the first stays."
        ),
    ),
}
HELD: dict[str, Explained] = {
    HeldBy.UNKNOWN_CARD: Explained(
        gettext_noop("The card is not registered to a household yet."),
        gettext_noop(
            "Register the card to its household. After 90 days the points go back; registering it later "
            "still gives them."
        ),
    ),
    HeldBy.CHEATING: Explained(
        gettext_noop("There are strong signs of cheating with this card."),
        gettext_noop("Look into it, then give the points or not. After 7 days the resident gets them."),
    ),
    HeldBy.MINT_LIMIT: Explained(
        gettext_noop("The station brought more points in a day than it plausibly can."),
        gettext_noop(
            "Look at the station, then give the points or not. They stay on hold until somebody decides."
        ),
    ),
    HeldBy.CLONED: Explained(
        gettext_noop("The same journal came from two stations, so these visits may be copies."),
        gettext_noop("Find out which station was there. Give its points, and do not give those of the copy."),
    ),
    HeldBy.BACKDATED: Explained(
        gettext_noop("The visits are dated too early for this station or this household."),
        gettext_noop("If the station was offline or its clock was wrong, give the points; otherwise do not."),
    ),
    HeldBy.LEDGER_CLOCK: Explained(
        gettext_noop("The ledger's clock was wrong when the visits came, so their day is not known yet."),
        gettext_noop(
            "Set the clock of the ledger's computer: the points are then given by themselves. "
            "If you are sure of the station's own time, give them now."
        ),
    ),
}
ALARMS: dict[str, Explained] = {
    Cause.UNKNOWN_STATION: Explained(
        gettext_noop("A station that is not registered sends messages."),
        gettext_noop(
            "If it is one of yours, ask the ledger's administrator to register it. Its records do not "
            "count until then."
        ),
    ),
    Cause.RETIRED_STATION: Explained(
        gettext_noop("A station that was retired sends messages."),
        gettext_noop("Have it switched off. Its records do not count."),
    ),
    Cause.UNKNOWN_KEY: Explained(
        gettext_noop("Messages are signed by a key that this station does not have, or no longer has."),
        gettext_noop(
            "If the station got a new key, ask the ledger's administrator to register that key. Records "
            "do not count until then."
        ),
    ),
    Cause.SIGNATURE: Explained(
        gettext_noop("A message's signature is wrong: somebody changed or forged it."),
        gettext_noop(
            "Ask the ledger's administrator who else can send messages. These messages do not count."
        ),
    ),
    Cause.FOREIGN: Explained(
        gettext_noop("A message claims to be from another station than it came from."),
        gettext_noop("Have the station's configuration checked. These messages do not count."),
    ),
    Cause.UNREADABLE: Explained(
        gettext_noop("A message cannot be read."),
        gettext_noop("Have the station's software version checked."),
    ),
    Cause.TOO_LARGE: Explained(
        gettext_noop("A message is larger than allowed."),
        gettext_noop("Have the station's software version checked."),
    ),
    Cause.VERSION: Explained(
        gettext_noop("This ledger does not support the version of a message."),
        gettext_noop("Have the ledger updated. The station keeps its records and sends them again."),
    ),
    Cause.CONFLICT: Explained(
        gettext_noop("A station contradicts what it sent before."),
        gettext_noop("See “Set aside” below. What counted first still counts."),
    ),
    Cause.SET_ASIDE: Explained(
        gettext_noop("Records were set aside because they could not be applied."),
        gettext_noop("See “Set aside” below."),
    ),
    Cause.MINT_LIMIT: Explained(
        gettext_noop("A station brought more points in a day than it plausibly can."),
        gettext_noop("See “Points on hold” below."),
    ),
    Cause.LOST: Explained(
        gettext_noop("A station lost records before they came here: its journal was damaged."),
        gettext_noop(
            "Have its memory card replaced. A resident who misses points can be given them another way."
        ),
    ),
    Cause.SILENT: Explained(
        gettext_noop("A station has sent nothing for days."),
        gettext_noop("See whether it has power and network. It keeps its visits meanwhile."),
    ),
    Cause.CERTIFICATE: Explained(
        gettext_noop("The certificate of the message server expires soon, or has expired."),
        gettext_noop(
            "Ask the ledger's administrator to renew it; docs/operate.md says how. Stations that cannot "
            "connect keep their records."
        ),
    ),
    Cause.CLONED: Explained(
        gettext_noop("The same journal came from two stations: a memory card was copied."),
        gettext_noop(
            "Both stations' visits of that journal are on hold below. Have the copy set up as a station "
            "of its own; a restart begins a new journal."
        ),
    ),
    Cause.TWO_AT_ONCE: Explained(
        gettext_noop("Two devices send as one station: both have the same name and key."),
        gettext_noop("Have one switched off and set up as a station of its own."),
    ),
    Cause.BACKDATED: Explained(
        gettext_noop("A station sent visits that are dated too early."),
        gettext_noop(
            "If it was offline or its clock was wrong, give the points below. Otherwise its key may be "
            "stolen."
        ),
    ),
    Cause.CLOCK: Explained(
        gettext_noop("The ledger's clock disagrees with its stations."),
        gettext_noop(
            "Have the clock of the ledger's machine checked. If it is right, and the ledger or all "
            "stations were offline, the next visit closes this alarm."
        ),
    ),
    Cause.STATE: Explained(
        gettext_noop("What a station says of itself cannot be read."),
        gettext_noop("Have the station's software version checked. Its visits count all the same."),
    ),
    Cause.ENROLMENT: Explained(
        gettext_noop("Somebody tried to add a device by this station's code, which was not theirs to use."),
        gettext_noop(
            "It was refused. If nobody of yours tried twice, somebody has seen the code: add the station "
            "again with a new one, which ends the keys before it."
        ),
    ),
    Cause.TOO_MUCH: Explained(
        gettext_noop("A station sends far more than one station can have; part of it was not read."),
        gettext_noop(
            "If it was offline for months, wait: it sends everything again. Otherwise ask the ledger's "
            "administrator to give it a new key."
        ),
    ),
    Cause.MOVED: Explained(
        gettext_noop("This community has moved to another ledger, and a station still sends here."),
        gettext_noop(
            "Have the station set up for the other ledger. Until then its records wait at the station; none "
            "is lost."
        ),
    ),
}


def counted(points: int) -> str:
    """Return a number of points with its word."""
    return ngettext("%(points)d point", "%(points)d points", points) % {"points": points}


def named(household: Household, *, with_name: bool) -> str:
    """Return a household's code, with its name if that may be seen."""
    return " · ".join(filter(None, (household.code, household.name if with_name else "")))


def explained(reason: str, table: dict[str, Explained]) -> Explained:
    """Return a reason's words in the activated language."""
    english = table[reason]
    return Explained(gettext(english.what), gettext(english.todo))
