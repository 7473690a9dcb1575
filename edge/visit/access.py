"""Decides whether a card may open a lid, and why. Pure: the same answer online and offline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cloud_sync.wire.facts import Role
from edge.messages import Granted, Refused, RefusedBy, Tapped
from edge.roster import CardState, RosterEntry


def decide(tap: Tapped, roster: Mapping[str, RosterEntry]) -> Granted | Refused:
    """Grant or refuse a tap. Only a known and blocked card is refused."""
    entry = roster.get(tap.card)
    if entry is not None and entry.state is CardState.BLOCKED:
        return Refused(tap.at, tap.reader, tap.card, RefusedBy.BLOCKED)
    if entry is None:
        return Granted(tap.at, tap.reader, tap.card, tap.credential, Role.UNKNOWN)
    return Granted(tap.at, tap.reader, tap.card, tap.credential, entry.role, entry.filming)


@dataclass(frozen=True, slots=True)
class HeldCards:
    """The last card of each reader, and when it was seen: a card held to a reader is one tap."""

    last: tuple[tuple[str, str, float], ...] = ()

    def seen(self, tap: Tapped) -> HeldCards:
        """Return the memory after this tap; bounded by the number of readers."""
        others = tuple(entry for entry in self.last if entry[0] != tap.reader)
        return replace(self, last=(*others, (tap.reader, tap.card, tap.at)))

    def is_held(self, tap: Tapped, held_card_s: float) -> bool:
        """Return whether this tap is the same card, still at the reader. Each sighting restarts the wait."""
        return any(
            reader == tap.reader and card == tap.card and tap.at - at < held_card_s
            for reader, card, at in self.last
        )
