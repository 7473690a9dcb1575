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
class RosterEntry:
    """One known card. A card that is not in the roster is unknown, and opens lids too."""

    state: CardState
    role: Role
