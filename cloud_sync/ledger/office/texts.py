"""Why something waits for a person, in plain words, in the language that is activated; and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop

from cloud_sync.ledger.intake.parse import Reason
from cloud_sync.ledger.office.pending import STRAY
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.rules.award_rules import HeldBy


@dataclass(frozen=True, slots=True)
class Explained:
    """What happened, and what a person can do about it."""

    what: str
    todo: str


ASIDE: dict[str, Explained] = {
    STRAY: Explained(
        gettext_noop("Part of a message names no event."),
        gettext_noop("The station's software is at fault. No points that the ledger knows of are lost."),
    ),
    Reason.MALFORMED: Explained(
        gettext_noop("An event cannot be read."),
        gettext_noop("If the station is newer than this ledger, update the ledger, then apply it."),
    ),
    Reason.TOO_LARGE: Explained(
        gettext_noop("An event is larger than an event can be."),
        gettext_noop("The station's software is at fault. It is kept as evidence."),
    ),
    Reason.UNKNOWN_RULES: Explained(
        gettext_noop("The visit was counted by rules that this ledger does not have."),
        gettext_noop("Give the ledger those rules, then apply it. Its points are given then."),
    ),
    Reason.CONFLICT: Explained(
        gettext_noop("An event came a second time with other content. The first stands."),
        gettext_noop("Look at the station: its memory card may be a copy, or someone changed its journal."),
    ),
}
HELD: dict[str, Explained] = {
    HeldBy.UNKNOWN_CARD: Explained(
        gettext_noop("The card belongs to no household yet."),
        gettext_noop(
            "Bind the card to its household. After 90 days the points go back, until the card is bound."
        ),
    ),
    HeldBy.CHEATING: Explained(
        gettext_noop("There are strong signs of cheating with this card."),
        gettext_noop("Look into it, then release or refuse. After 7 days the resident gets the points."),
    ),
    HeldBy.MINT_LIMIT: Explained(
        gettext_noop("The station brought more points in a day than it plausibly can."),
        gettext_noop("Look at the station, then release or refuse. They wait until somebody does."),
    ),
    HeldBy.CLONED: Explained(
        gettext_noop("The same journal came from two stations, so this visit may be a copy."),
        gettext_noop("Find out which station was there, then release its visit and refuse the copy."),
    ),
    HeldBy.BACKDATED: Explained(
        gettext_noop("The visit is dated before anything that this station or this home can still bring."),
        gettext_noop("If the station was away or its clock was wrong, release it; else refuse it."),
    ),
}
ALARMS: dict[str, Explained] = {
    Cause.UNKNOWN_STATION: Explained(
        gettext_noop("A station that is not registered sends messages."),
        gettext_noop("If it is yours, admit it with its public key. Nothing of it counts until then."),
    ),
    Cause.RETIRED_STATION: Explained(
        gettext_noop("A station that was retired sends messages."),
        gettext_noop("Switch it off. Nothing of it counts."),
    ),
    Cause.UNKNOWN_KEY: Explained(
        gettext_noop("Messages are signed by a key that this station does not have, or no longer has."),
        gettext_noop("If the station got a new key, admit that key. Nothing counts until then."),
    ),
    Cause.SIGNATURE: Explained(
        gettext_noop("A message's signature is wrong: someone changed or made it."),
        gettext_noop("Find out who else can write to the broker. Nothing of it counts."),
    ),
    Cause.FOREIGN: Explained(
        gettext_noop("A message speaks for another station than the one it came from."),
        gettext_noop("Look at the station's configuration. Nothing of it counts."),
    ),
    Cause.UNREADABLE: Explained(
        gettext_noop("A message cannot be read."),
        gettext_noop("Look at the station's software version."),
    ),
    Cause.TOO_LARGE: Explained(
        gettext_noop("A message is too large."),
        gettext_noop("Look at the station's software version."),
    ),
    Cause.VERSION: Explained(
        gettext_noop("A message is written in a version that this ledger does not know."),
        gettext_noop("Update the ledger. The station keeps its events and sends them again."),
    ),
    Cause.CONFLICT: Explained(
        gettext_noop("A station contradicts what it sent before."),
        gettext_noop("See what was set aside below. What counted first still counts."),
    ),
    Cause.SET_ASIDE: Explained(
        gettext_noop("Events were set aside because they could not be applied."),
        gettext_noop("See what was set aside below."),
    ),
    Cause.MINT_LIMIT: Explained(
        gettext_noop("A station brought more points in a day than it plausibly can."),
        gettext_noop("See the points that wait below."),
    ),
    Cause.LOST: Explained(
        gettext_noop("A station lost events before they came here: its journal was damaged."),
        gettext_noop("Replace its memory card. A resident who misses points can be given them another way."),
    ),
    Cause.SILENT: Explained(
        gettext_noop("A station has sent nothing for days."),
        gettext_noop(
            "See whether it has power and network, and run station check there. "
            "It keeps its visits meanwhile."
        ),
    ),
    Cause.CERTIFICATE: Explained(
        gettext_noop("The certificate by which stations know the broker ends soon, or has ended."),
        gettext_noop(
            "Run tongzhan ledger broker and reload mosquitto. If it is the authority, every station needs "
            "the new ca.pem."
        ),
    ),
    Cause.CLONED: Explained(
        gettext_noop("The same journal came from two stations: a memory card was copied."),
        gettext_noop(
            "Give the copy a state folder of its own. Both stations' visits of that journal wait below; "
            "a restart begins a new journal."
        ),
    ),
    Cause.TWO_AT_ONCE: Explained(
        gettext_noop("Two Pis write as one station: the same name and key are in both."),
        gettext_noop("Switch one off and make it a station of its own, with a name and a key of its own."),
    ),
    Cause.BACKDATED: Explained(
        gettext_noop("A station brought visits dated before anything that it can still bring."),
        gettext_noop(
            "If it was away or its clock was wrong, release them below. Else its key may be stolen."
        ),
    ),
    Cause.CLOCK: Explained(
        gettext_noop("The ledger's clock does not fit what its stations say."),
        gettext_noop(
            "Look at the clock of the ledger's machine. If it is right, and the ledger or all stations were "
            "away, the next visit ends this alarm."
        ),
    ),
    Cause.TOO_MUCH: Explained(
        gettext_noop("A station sends far more than a station can have; part of it was left unread."),
        gettext_noop(
            "If it was offline for months, wait: it sends all of it again. Else look who has its key, "
            "and give it a new one."
        ),
    ),
}


def explained(reason: str, table: dict[str, Explained]) -> Explained:
    """A reason in the activated language."""
    english = table[reason]
    return Explained(gettext(english.what), gettext(english.todo))
