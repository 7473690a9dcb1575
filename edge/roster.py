"""Known cards, as the ledger sends them to the station. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cloud_sync.wire.facts import Role


class CardState(StrEnum):
    """A card's state in the ledger's roster."""

    ACTIVE = "active"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Filming:
    """Whether clips of a household's deposits may and should be kept."""

    consents: bool = False
    """The household agreed to clips. Without that only a masked still is kept: nobody is filmed unasked."""
    is_appealed: bool = False
    """An appeal of the household is not decided yet."""


UNFILMED = Filming()
"""An unknown card's, and a household's that was not asked."""


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """One known card. A card that is not in the roster is unknown, and opens lids too."""

    state: CardState
    role: Role
    filming: Filming = UNFILMED
