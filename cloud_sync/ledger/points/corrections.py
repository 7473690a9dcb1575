"""Corrections: a new transfer takes back what an earlier one gave; points already spent become a debt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cloud_sync.ledger.audit.write import note, write
from cloud_sync.ledger.chain import records
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.accounts import accounts_of
from cloud_sync.ledger.points.decisions import decide
from cloud_sync.ledger.points.models import Account, Debt, Household, Transfer
from cloud_sync.ledger.points.posting import Movement, Purpose, atomically, lock, origin_of, post
from config.errors import InputError

GIFTS = (Purpose.AWARD, Purpose.RELEASE, Purpose.RESTORE)
"""Transfers that give a household points, and so can be corrected."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """The points that a correction took at once, and the debt that it left, if any."""

    taken: int
    debt: Debt | None


@atomically
def correct(transfer: Transfer, by: str, reason: str, now: datetime) -> Corrected:
    """Reverse a transfer that gave a household points, once; the points go back to issuing.

    InputError if the transfer gave no household points, or was corrected before.
    """
    end = lock(transfer.community)
    household, account = _receiver(transfer)
    if Debt.objects.filter(reverses=transfer).exists() or transfer.reversed_by.exists():
        raise InputError(
            f"transfer {transfer.position} was corrected before", "see the household's statement"
        )
    decision = decide(transfer.community, by, reason, now)
    taken = min(account.balance, transfer.points)
    if taken:
        move = Movement(
            origin_of(transfer.event),
            Purpose.CORRECTION,
            account.pk,
            accounts_of(transfer.community).issuing,
            taken,
            household=household.pk,
            reverses=transfer,
            decision=decision,
        )
        post(end, [move], now)
    owed = transfer.points - taken
    after = {"taken": taken, "owed": owed}
    note(Deed.TAKE_BACK, transfer, after=after, by=by, reason=reason, now=now)
    if not owed:
        return Corrected(taken, None)
    debt = Debt(
        household=household,
        reverses=transfer,
        points=owed,
        left=owed,
        created_at=now,
        decision=decision,
    )
    write(debt, Deed.TAKE_BACK, by=by, reason=reason, now=now)
    records.register(transfer.community_id, "owed", debt, now)
    return Corrected(taken, debt)


@atomically
def forgive(debt: Debt, by: str, reason: str, now: datetime) -> int:
    """Forgive what is left of a debt and return the points. InputError if nothing is left."""
    community = debt.household.community
    lock(community)
    row = Debt.objects.get(pk=debt.pk)
    if not row.left:
        raise InputError(f"debt {row.pk} is settled", "choose a debt that is still open")
    points, decision = row.left, decide(community, by, reason, now)
    values = {"forgiven": points, "left": 0, "forgiveness": decision}
    write(row, Deed.FORGIVE_DEBT, by=by, reason=reason, now=now, **values)
    records.register(community.pk, "forgiven", row, now)
    return points


def _receiver(transfer: Transfer) -> tuple[Household, Account]:
    """Return the household that the transfer gave points to, and its account as it is under the lock."""
    account = Account.objects.select_related("household").get(pk=transfer.credit_id)
    if transfer.purpose not in GIFTS or account.household is None:
        what = f"transfer {transfer.position} ({transfer.purpose}) gave no household any points"
        raise InputError(what, "correct the award or the release; refuse what is still held")
    return account.household, account
