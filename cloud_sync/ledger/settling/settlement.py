"""Settle visits: price each by the rules, write its row, post its transfers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cloud_sync.ledger.chain import records
from cloud_sync.ledger.db import sql
from cloud_sync.ledger.points import offsets
from cloud_sync.ledger.points.posting import Movement, Origin, Purpose, lock, post
from cloud_sync.ledger.settling.dating import date_visits, local_days
from cloud_sync.ledger.settling.inputs import Holder, SettlementInputs, open_inputs
from cloud_sync.ledger.settling.pricing import NO_GROUNDS, Beyond, Grounds, Priced, Pricing, Visit
from cloud_sync.ledger.stations.models import Community, Station
from cloud_sync.rules.award_rules import AwardRules, Settlement

MINT_DAYS_BACK = timedelta(days=31)
"""Older visits count to the mint limit of this day: a stolen key cannot spread them over the calendar."""

AWARD, HOLD = Purpose.AWARD, Purpose.HOLD

SETTLEMENTS = sql.Table(
    "points_visitsettlement",
    {
        "event_id": "bigint",
        "community_id": "bigint",
        "card_hash": "text",
        "household_id": "bigint",
        "happened_at": "timestamptz",
        "local_day": "date",
        "provisional": "bigint",
        "settled": "bigint",
        "held": "bigint",
        "lowered": "bigint",
        "lowered_by": "text",
        "held_by": "text",
        "counted": "integer",
        "timed": "text",
        "held_since": "timestamptz",
        "withdrawn": "bigint",
        "withdrawn_by": "text",
        "held_at_s": "bigint",
    },
)
MINTED = sql.Table(
    "points_minted",
    {"station_id": "bigint", "day": "date", "points": "bigint"},
    conflict="ON CONFLICT (station_id, day) DO UPDATE SET points = excluded.points",
)


def settle_visits(  # noqa: PLR0913 (two of them have a default that fits)
    community: Community,
    stations: Mapping[int, Station],
    visits: Sequence[Visit],
    rules: Mapping[int, AwardRules],
    now: datetime,
    grounds: Grounds = NO_GROUNDS,
    *,
    came: datetime | None = None,
) -> list[Beyond]:
    """Settle visits at these stations of one community in order; return those that wait for their station.

    Call it within the transaction that stored their events; `came` says when they were received, if
    before `now`.
    """
    received = came or now
    zone = ZoneInfo(community.timezone)
    end = lock(community)
    times = date_visits(
        [(visit.origin, visit.stamp) for visit in visits], received, grounds.doubt, grounds.since
    )
    days = [local_days(moment, zone) for moment in times]
    oldest = received.astimezone(zone).date() - MINT_DAYS_BACK
    mint_days = [max(some[0], oldest) for some in days]
    minting = {(visit.origin.station, day) for visit, day in zip(visits, mint_days, strict=True)}
    wanted = {(visit.facts.card, day) for visit, some in zip(visits, days, strict=True) for day in some}
    inputs = open_inputs(community, stations.values(), wanted, minting)
    pricing = Pricing(inputs, grounds, zone)
    rows: list[sql.Row] = []
    given: list[Movement] = []
    keep = sql.keeper()
    at = keep(now)
    for visit, moment, some, mint_day in zip(visits, times, days, mint_days, strict=True):
        holder = inputs.holders[visit.facts.card]
        priced = pricing.price(visit, holder, moment, some, mint_day, rules[visit.facts.rules])
        word = priced.word
        ends = (moment.timed, at if word.held else None, 0, "", end.ran_s)
        rows.append(_row(community.pk, visit, holder, priced, keep(priced.at)) + ends)
        if word.settled or word.held:
            given.append(_movement(visit.origin, holder, word, inputs))
    sql.insert(SETTLEMENTS, rows)
    moves, payments = offsets.with_offsets(given, inputs.debts, inputs.own.issuing)
    post(end, moves, now)
    offsets.store(payments)
    minted = store_minted(inputs)
    columns = tuple(SETTLEMENTS.columns)
    settled = [dict(zip(columns, row, strict=True)) for row in rows]
    records.note_settled(community.pk, settled, minted, received, now)
    return pricing.beyond


def store_minted(inputs: SettlementInputs) -> list[tuple[int, str, int]]:
    """Write the points that stations brought until now; return these rows in order."""
    minted = [(station, day.isoformat(), points) for (station, day), points in sorted(inputs.minted.items())]
    sql.insert(MINTED, minted)
    return minted


def _row(community: int, visit: Visit, holder: Holder, priced: Priced, at: datetime | str) -> sql.Row:
    word = priced.word
    return (
        visit.origin.event,
        community,
        holder.hash,
        holder.household,
        at,
        priced.day.isoformat(),
        visit.facts.provisional,
        word.settled,
        word.held,
        word.lowered,
        word.lowered_by.value if word.lowered_by else "",
        word.held_by.value if word.held_by else "",
        priced.counted,
    )


def _movement(origin: Origin, holder: Holder, word: Settlement, inputs: SettlementInputs) -> Movement:
    if word.settled and holder.account is not None:
        return Movement(origin, AWARD, inputs.own.issuing, holder.account, word.settled)
    return Movement(origin, HOLD, inputs.own.issuing, inputs.own.suspense, word.held)
