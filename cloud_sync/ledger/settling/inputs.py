"""Read what settling a batch needs: cards, accounts, points already earned by day, debts, minted points.

Everything is read under the community's lock, so that it cannot change until the batch is settled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from msgspec import Struct

from cloud_sync.ledger.db import sql
from cloud_sync.ledger.points.accounts import Accounts, accounts_of
from cloud_sync.ledger.points.models import CardRole
from cloud_sync.ledger.points.offsets import OpenDebt, open_debts
from cloud_sync.ledger.stations.models import Community, Station
from cloud_sync.rules.award_rules import Tally

CARDS = sql.Table(
    "points_card",
    {"community_id": "bigint", "hash": "text", "status": "text", "role": "text", "salt": "bytea"},
    conflict="ON CONFLICT DO NOTHING",
)

Earner = int | str
"""A household's primary key, or the hash of an unbound card."""


class Holder(Struct, frozen=True, gc=False):
    """A card as settling sees it."""

    hash: str
    household: int | None
    account: int | None
    """The household's account."""
    staff: bool
    suspected: bool
    earner: Earner
    """Whose daily caps the card's visits count against."""
    opened: datetime | None = None
    """When the household's account was opened, if known."""


@dataclass(frozen=True, slots=True)
class SettlementInputs:
    """What a batch is settled against; tallies, minted points and debts are updated while settling."""

    own: Accounts
    holders: dict[str, Holder]
    tallies: dict[tuple[Earner, date], Tally]
    debts: dict[int, list[OpenDebt]]
    """By the debtor's account, oldest first."""
    minted: dict[tuple[int, date], int]
    """By station (primary key) and day."""
    mint_limits: dict[int, int]
    """Points a day, by station (primary key)."""


def open_inputs(
    community: Community,
    stations: Collection[Station],
    wanted: Collection[tuple[str, date]],
    minting: Collection[tuple[int, date]],
) -> SettlementInputs:
    """Read everything that visits at one community's stations are settled against.

    `wanted` are card hashes, each with a local day on which the card may have been used; `minting` are
    stations, each with a day whose mint limit its visits count against.
    """
    holders = _holders(community, {card for card, _ in wanted})
    households = sorted({holder.household for holder in holders.values() if holder.household is not None})
    return SettlementInputs(
        own=accounts_of(community),
        holders=holders,
        tallies=tallies_of(community, {(holders[card].earner, day) for card, day in wanted}),
        debts=open_debts(households),
        minted=minted_on(minting),
        mint_limits=mint_limits_of(stations),
    )


def mint_limits_of(stations: Collection[Station]) -> dict[int, int]:
    """Return the points that each station may bring in a day."""
    return {station.pk: _mint_limit(station) for station in stations}


def _mint_limit(station: Station) -> int:
    own = station.daily_mint_limit
    return station.community.daily_mint_limit if own is None else own


def _holders(community: Community, hashes: Collection[str]) -> dict[str, Holder]:
    """Return these cards by hash; add a row for each card not seen before."""
    found = _find_holders(community, hashes)
    if unseen := sorted(set(hashes) - set(found)):
        sql.insert(CARDS, [(community.pk, hash_, "active", "resident", b"") for hash_ in unseen])
        found |= _find_holders(community, unseen)
    return found


def _find_holders(community: Community, hashes: Iterable[str]) -> dict[str, Holder]:
    rows = sql.matching(
        "SELECT c.hash, c.household_id, a.id, c.role, c.suspected_at, a.opened_at "
        "FROM w CROSS JOIN points_card c LEFT JOIN points_account a ON a.household_id = c.household_id "
        "WHERE c.community_id = %s AND c.hash = w.hash",
        {"hash": "text"},
        [(hash_,) for hash_ in hashes],
        [community.pk],
    )
    staff = CardRole.STAFF.value
    return {
        hash_: Holder(
            hash_,
            household,
            account,
            role == staff,
            suspected is not None,
            hash_ if household is None else household,
            None if opened is None else sql.moment_of(opened),
        )
        for hash_, household, account, role, suspected, opened in rows
    }


def tallies_of(
    community: Community, wanted: Collection[tuple[Earner, date]]
) -> dict[tuple[Earner, date], Tally]:
    """Return what each household and each unbound card has already earned on its days."""
    sums = "CAST(SUM(settled + held) AS BIGINT), CAST(SUM(counted) AS BIGINT) FROM points_visitsettlement"
    # Added only if needed: without this condition the index alone answers the query.
    dated = " AND timed <> 'doubted'" if _waits_to_be_dated(community) else ""
    of_day: dict[date, list[Earner]] = {}
    for earner, day in wanted:
        of_day.setdefault(day, []).append(earner)
    found: dict[tuple[Earner, date], Tally] = {}
    for day, earners in of_day.items():  # one statement a day: most batches have one or two days
        rows = sql.select(
            f"SELECT household_id, {sums} WHERE local_day = %s{dated} AND household_id AMONG "
            "GROUP BY household_id",
            [earner for earner in earners if isinstance(earner, int)],
            [day.isoformat()],
        )
        rows += sql.select(
            f"SELECT card_hash, {sums} WHERE local_day = %s{dated} AND household_id IS NULL "
            "AND community_id = %s AND card_hash AMONG GROUP BY card_hash",
            [earner for earner in earners if isinstance(earner, str)],
            [day.isoformat(), community.pk],
        )
        found |= {(earner, day): Tally(points, deposits) for earner, points, deposits in rows}
    return found


def _waits_to_be_dated(community: Community) -> bool:
    statement = (
        "SELECT 1 FROM points_visitsettlement WHERE community_id = %s AND timed = 'doubted' "
        "AND withdrawn = 0 LIMIT 1"
    )
    return bool(sql.execute(statement, [community.pk]))


def minted_on(wanted: Collection[tuple[int, date]]) -> dict[tuple[int, date], int]:
    """Return the points that stations have brought on these days, by their primary keys."""
    rows = sql.matching(
        "SELECT m.station_id, w.day, m.points FROM w CROSS JOIN points_minted m "
        "WHERE m.station_id = w.station AND m.day = w.day",
        {"station": "bigint", "day": "date"},
        [(station, day.isoformat()) for station, day in wanted],
    )
    return {(station, sql.day_of(day)): points for station, day, points in rows}
