"""Known cards, as the ledger tells them to the station. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cloud_sync.wire.facts import Role


class CardState(StrEnum):
    """What the ledger's roster says of a card."""

    ACTIVE = "active"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """One known card. A card that is not in the roster is unknown, and opens too."""

    state: CardState
    role: Role
