"""A community's accounts, as far as something that moves points needs them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q

from cloud_sync.ledger.points.models import Account, AccountKind, ChainHead
from cloud_sync.ledger.stations.models import Community


@dataclass(frozen=True, slots=True)
class Accounts:
    """A community's accounts, by primary key."""

    issuing: int
    suspense: int
    household: dict[int, int]
    """Account by household, both primary keys."""


def open_accounts(community: Community) -> None:
    """Make sure that a community has its issuing and its suspense account, and a chain."""
    for kind in (AccountKind.ISSUING, AccountKind.SUSPENSE):
        Account.objects.get_or_create(community=community, kind=kind)
    ChainHead.objects.get_or_create(community=community)


def accounts_of(community: Community, households: Collection[int] = ()) -> Accounts:
    """The community's own accounts and those of these households; they do not change once they are there."""
    shared = Q(kind__in=[AccountKind.ISSUING, AccountKind.SUSPENSE])
    wanted = Account.objects.filter(shared | Q(household__in=households), community=community)
    rows = list(wanted)
    one = {row.kind: row.pk for row in rows if row.household_id is None}
    return Accounts(
        issuing=one[AccountKind.ISSUING],
        suspense=one[AccountKind.SUSPENSE],
        household={row.household_id: row.pk for row in rows if row.household_id is not None},
    )
