"""Posting transfers: rows and balances change together, accounts in sorted order."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import F, Q

from cloud_sync.ledger.points.models import Account, AccountKind, Transfer
from cloud_sync.ledger.stations.models import Community, Event


class Purpose(StrEnum):
    """What a transfer is for; with its event's id it makes the transfer's id."""

    AWARD = "award"
    HOLD = "hold"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Accounts:
    """A community's accounts, by primary key, as far as a batch needs them; locked."""

    issuing: int
    suspense: int
    household: dict[int, int]
    """Account by household, both primary keys."""


def open_accounts(community: Community) -> None:
    """Make sure that a community has its issuing and its suspense account."""
    for kind in (AccountKind.ISSUING, AccountKind.SUSPENSE):
        Account.objects.get_or_create(community=community, kind=kind)


def lock_accounts(community: Community, households: Collection[int]) -> Accounts:
    """Lock the accounts of these households and the community's own, in sorted order.

    Within a transaction. All of a community's settling waits for one another here, because it shares
    the issuing account; so daily caps hold across stations.
    """
    shared = Q(kind__in=[AccountKind.ISSUING, AccountKind.SUSPENSE])
    wanted = Account.objects.filter(shared | Q(household__in=households), community=community)
    rows = list(wanted.select_for_update().order_by("pk"))
    one = {AccountKind(row.kind): row.pk for row in rows if row.household_id is None}
    return Accounts(
        issuing=one[AccountKind.ISSUING],
        suspense=one[AccountKind.SUSPENSE],
        household={row.household_id: row.pk for row in rows if row.household_id is not None},
    )


def transfer(event: Event, purpose: Purpose, debit: int, credit: int, points: int, now: datetime) -> Transfer:
    """A transfer that is not yet posted. Its id is the same each time the same event asks for it."""
    station = event.station
    name = f"{station.community.slug}/{station.slug}/{event.epoch}/{event.sequence}/{purpose}"
    return Transfer(
        id=hashlib.sha256(name.encode()).hexdigest(),
        debit_id=debit,
        credit_id=credit,
        points=points,
        event=event,
        purpose=purpose,
        created_at=now,
    )


def post(transfers: Sequence[Transfer]) -> None:
    """Write transfers and move the balances; within the transaction that locked the accounts."""
    Transfer.objects.bulk_create(transfers)
    moved: Counter[int] = Counter()
    for row in transfers:
        moved[row.debit_id] -= row.points
        moved[row.credit_id] += row.points
    for account in sorted(moved):
        Account.objects.filter(pk=account).update(balance=F("balance") + moved[account])
