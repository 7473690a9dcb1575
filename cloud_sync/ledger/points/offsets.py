"""Pay a household's debts from points that it is given, with one more transfer for each gift."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import F

from cloud_sync.ledger.db import sql
from cloud_sync.ledger.points.models import Debt, DebtPart, Transfer
from cloud_sync.ledger.points.posting import Movement, Purpose


@dataclass(slots=True)
class OpenDebt:
    """A debt that is not yet paid or forgiven."""

    key: int
    household: int
    left: int


@dataclass(frozen=True, slots=True)
class Payment:
    """What one offset (named by its event) pays of one debt."""

    event: int
    debt: int
    points: int


def open_debts(households: Collection[int]) -> dict[int, list[OpenDebt]]:
    """Return these households' open debts by account, oldest first; hold the community's lock."""
    # Usually nobody owes anything, and this one query is enough.
    if not sql.execute('SELECT 1 FROM points_debt WHERE "left" > 0 LIMIT 1', []):
        return {}
    rows = sql.select(
        'SELECT a.id, d.id, d.household_id, d."left" FROM points_debt d '
        "JOIN points_account a ON a.household_id = d.household_id "
        'WHERE d."left" > 0 AND d.household_id AMONG ORDER BY d.id',
        households,
    )
    found: dict[int, list[OpenDebt]] = {}
    for account, key, household, left in rows:
        found.setdefault(account, []).append(OpenDebt(key, household, left))
    return found


def with_offsets(
    given: Sequence[Movement], debts: Mapping[int, list[OpenDebt]], issuing: int
) -> tuple[list[Movement], list[Payment]]:
    """Return the movements, each followed by the offset that pays its receiver's debts; reduce `debts`.

    Offsets go to the `issuing` account.
    """
    if not debts:
        return list(given), []
    moves: list[Movement] = []
    payments: list[Payment] = []
    for gift in given:
        moves.append(gift)
        owed = debts.get(gift.credit, [])
        if paid := _pay(gift, owed):
            payments += paid
            points = sum(part.points for part in paid)
            moves.append(
                Movement(
                    gift.origin, Purpose.OFFSET, gift.credit, issuing, points, household=owed[0].household
                )
            )
    return moves, payments


def _pay(gift: Movement, debts: Sequence[OpenDebt]) -> list[Payment]:
    left, paid = gift.points, []
    for debt in debts:
        points = min(left, debt.left)
        if points:
            paid.append(Payment(gift.origin.event, debt.key, points))
            debt.left -= points
            left -= points
    return paid


def store(payments: Sequence[Payment]) -> None:
    """Store what was paid of each debt; call it after the offsets are posted."""
    if not payments:
        return
    events = {payment.event for payment in payments}
    transfers = dict(
        Transfer.objects.filter(event__in=events, purpose=Purpose.OFFSET).values_list("event_id", "pk")
    )
    DebtPart.objects.bulk_create(
        DebtPart(debt_id=payment.debt, transfer_id=transfers[payment.event], points=payment.points)
        for payment in payments
    )
    for payment in payments:
        Debt.objects.filter(pk=payment.debt).update(left=F("left") - payment.points)
