"""Double entry in whole points. The database itself forbids what must never happen."""

from __future__ import annotations

from cloud_sync.ledger.points.models.debts import Debt, DebtPart
from cloud_sync.ledger.points.models.evidence import Record, SignedBatch
from cloud_sync.ledger.points.models.holders import (
    Account,
    AccountKind,
    Card,
    CardRole,
    CardStatus,
    Household,
)
from cloud_sync.ledger.points.models.settlements import Minted, Rules, Timed, VisitSettlement, Withdrawn
from cloud_sync.ledger.points.models.transfers import (
    ChainHead,
    Decision,
    ImmutableError,
    Transfer,
    TransferQuerySet,
)

__all__ = [
    "Account",
    "AccountKind",
    "Card",
    "CardRole",
    "CardStatus",
    "ChainHead",
    "Debt",
    "DebtPart",
    "Decision",
    "Household",
    "ImmutableError",
    "Minted",
    "Record",
    "Rules",
    "SignedBatch",
    "Timed",
    "Transfer",
    "TransferQuerySet",
    "VisitSettlement",
    "Withdrawn",
]
