"""Open and find a community's accounts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction

from cloud_sync.ledger.audit.write import find_or_add
from cloud_sync.ledger.chain import records
from cloud_sync.ledger.db import sql
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.models import Account, AccountKind, ChainHead
from cloud_sync.ledger.stations.models import Community


@dataclass(frozen=True, slots=True)
class Accounts:
    """A community's accounts, by primary key."""

    issuing: int
    suspense: int
    household: dict[int, int]
    """Accounts by household, both primary keys."""


def open_accounts(community: Community) -> None:
    """Ensure that a community has its issuing and suspense accounts and a chain."""
    with transaction.atomic():
        find_or_add(ChainHead, Deed.CHANGE_COMMUNITY, {}, community=community)
        for kind in (AccountKind.ISSUING, AccountKind.SUSPENSE):
            account, is_new = find_or_add(Account, Deed.CHANGE_COMMUNITY, {}, community=community, kind=kind)
            if is_new:
                records.register(community.pk, "account", account)


def accounts_of(community: Community, households: Collection[int] = ()) -> Accounts:
    """Return the community's own accounts and those of these households; they never change."""
    # Exactly the condition of the index on these two: with any other SQLite would read every account.
    own = "SELECT kind, id FROM points_account WHERE community_id = %s AND kind IN ('issuing', 'suspense')"
    one: dict[str, int] = dict(sql.execute(own, [community.pk]))
    of_households = "SELECT household_id, id FROM points_account WHERE household_id AMONG"
    return Accounts(
        issuing=one[AccountKind.ISSUING],
        suspense=one[AccountKind.SUSPENSE],
        household=dict(sql.select(of_households, households)),
    )
