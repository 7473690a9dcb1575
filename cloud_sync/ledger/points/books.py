"""What settling a batch reads first: cards and accounts, what days already gave, who owes, what was minted.

All of it under the community's lock, so that nothing of it changes until the batch is settled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from msgspec import Struct

from cloud_sync.award_rules import Tally
from cloud_sync.ledger import sql
from cloud_sync.ledger.points.accounts import Accounts, accounts_of
from cloud_sync.ledger.points.models import CardRole
from cloud_sync.ledger.points.offsets import OpenDebt, open_debts
from cloud_sync.ledger.stations.models import Community, Station

CARDS = sql.Table(
    "points_card",
    {"community_id": "bigint", "hash": "text", "status": "text", "role": "text"},
    conflict="ON CONFLICT DO NOTHING",
)

Earner = int | str
"""Who earns: a household's primary key, or an unbound card's hash."""


class Holder(Struct, frozen=True, gc=False):
    """A card as settling sees it."""

    hash: str
    household: int | None
    account: int | None
    """Of the household."""
    staff: bool
    suspected: bool

    @property
    def earner(self) -> Earner:
        """Whose day the card's visits count to."""
        return self.hash if self.household is None else self.household


@dataclass(frozen=True, slots=True)
class Books:
    """What a batch is settled against; tallies, minted points and debts move while it is."""

    own: Accounts
    holders: dict[str, Holder]
    tallies: dict[tuple[Earner, date], Tally]
    debts: dict[int, list[OpenDebt]]
    """By the debtor's account, oldest first."""
    minted: dict[date, int]
    mint_limit: int


def open_books(station: Station, hashes: Collection[str], days: Collection[date]) -> Books:
    """Everything that visits of these cards on these local days are settled against."""
    community = station.community
    holders = _holders(community, hashes)
    limit = station.daily_mint_limit
    households = sorted({holder.household for holder in holders.values() if holder.household is not None})
    unbound = sorted(holder.hash for holder in holders.values() if holder.household is None)
    return Books(
        own=accounts_of(community),
        holders=holders,
        tallies=_tallies(community, households, unbound, days),
        debts=open_debts(households),
        minted=_minted(station, days),
        mint_limit=community.daily_mint_limit if limit is None else limit,
    )


def _holders(community: Community, hashes: Collection[str]) -> dict[str, Holder]:
    """These cards by hash; one never seen before gets its row."""
    found = _find_holders(community, hashes)
    if unseen := sorted(set(hashes) - set(found)):
        sql.insert(CARDS, [(community.pk, hash_, "active", "resident") for hash_ in unseen])
        found |= _find_holders(community, unseen)
    return found


def _find_holders(community: Community, hashes: Iterable[str]) -> dict[str, Holder]:
    rows = sql.select(
        "SELECT c.hash, c.household_id, a.id, c.role, c.suspected_at FROM points_card c "
        "LEFT JOIN points_account a ON a.household_id = c.household_id "
        "WHERE c.community_id = %s AND c.hash AMONG",
        hashes,
        [community.pk],
    )
    return {
        hash_: Holder(hash_, household, account, role == CardRole.STAFF, suspected is not None)
        for hash_, household, account, role, suspected in rows
    }


def _tallies(
    community: Community, households: list[int], unbound: list[str], days: Collection[date]
) -> dict[tuple[Earner, date], Tally]:
    """What each household and each unbound card has already earned on these days."""
    first, last = min(days).isoformat(), max(days).isoformat()
    sums = (
        "local_day, CAST(SUM(settled + held) AS BIGINT), CAST(SUM(counted) AS BIGINT) "
        "FROM points_visitsettlement WHERE local_day BETWEEN %s AND %s AND"
    )
    rows = sql.select(
        f"SELECT household_id, {sums} household_id AMONG GROUP BY household_id, local_day",
        households,
        [first, last],
    )
    rows += sql.select(
        f"SELECT card_hash, {sums} household_id IS NULL AND community_id = %s "
        "AND card_hash AMONG GROUP BY card_hash, local_day",
        unbound,
        [first, last, community.pk],
    )
    return {(who, sql.day_of(day)): Tally(points, deposits) for who, day, points, deposits in rows}


def _minted(station: Station, days: Collection[date]) -> dict[date, int]:
    rows = sql.select(
        "SELECT day, points FROM points_minted WHERE station_id = %s AND day AMONG",
        [day.isoformat() for day in days],
        [station.pk],
    )
    return {sql.day_of(day): points for day, points in rows}
