"""Post transfers: rows, chain and balances change together, under the community's lock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from time import sleep
from typing import ParamSpec, TypeVar

from django.db import OperationalError, transaction
from msgspec import Struct

from cloud_sync.ledger.chain import chain
from cloud_sync.ledger.chain.records import has_moved
from cloud_sync.ledger.db import sql
from cloud_sync.ledger.points.models import Decision, Transfer
from cloud_sync.ledger.stations.models import Community, Event

Given = ParamSpec("Given")
Result = TypeVar("Result")

TRIES = 5
"""How often a transaction that gave way to another is tried."""
GAVE_WAY = frozenset({"40001", "40P01"})
"""PostgreSQL's codes for a serialization failure and a deadlock."""

TRANSFERS = sql.Table(
    "points_transfer",
    {
        "community_id": "bigint",
        "position": "bigint",
        "debit_id": "bigint",
        "credit_id": "bigint",
        "points": "bigint",
        "event_id": "bigint",
        "purpose": "text",
        "created_at": "timestamptz",
        "chain": "bytea",
        "household_id": "bigint",
        "reverses_id": "bigint",
        "decision_id": "bigint",
    },
)


class Purpose(StrEnum):
    """What a transfer is for; together with its event it identifies the transfer."""

    AWARD = "award"
    """Issuing to household: a visit is settled at once."""
    HOLD = "hold"
    """Issuing to suspense: a visit's points wait."""
    RELEASE = "release"
    """Suspense to household: held points are given."""
    RETURN = "return"
    """Suspense to issuing: held points are not given."""
    LOWER = "lower"
    """Suspense to issuing: points that a waiting visit's day, once known, does not allow."""
    RESTORE = "restore"
    """Issuing to household: points returned because the card was not bound are given after all."""
    CORRECTION = "correction"
    """Household to issuing: a person took back what one transfer gave, as far as it was not spent."""
    OFFSET = "offset"
    """Household to issuing: points just given pay a debt."""


# Looking up a member's value costs as much as building the rest of the row.
PURPOSES = {purpose: purpose.value for purpose in Purpose}


class Origin(Struct, frozen=True, gc=False):
    """The event behind a transfer, as the chain names it."""

    event: int
    """The event's primary key."""
    station: int
    epoch: str
    sequence: int
    digest: str


class Movement(Struct, frozen=True, gc=False):
    """Points to move between two accounts; once posted, a transfer."""

    origin: Origin
    purpose: Purpose
    debit: int
    credit: int
    points: int
    household: int | None = None
    """The household whose statement shows it as a separate line."""
    reverses: Transfer | None = None
    decision: Decision | None = None


@dataclass(slots=True)
class ChainEnd:
    """The end of a community's chain while its lock is held; the values of its `models.ChainHead`."""

    community: Community
    position: int
    chain: bytes
    ran_s: int
    """Total running time of the community's workers."""
    key_shift: int


def origin_of(event: Event) -> Origin:
    """Return a stored event as the chain names it."""
    return Origin(event.pk, event.station_id, event.epoch, event.sequence, event.digest)


def atomically(change: Callable[Given, Result]) -> Callable[Given, Result]:
    """Run a function as one transaction; start again if it had to give way to another transaction."""

    def run(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        for attempt in range(1, TRIES + 1):
            try:
                with transaction.atomic():
                    return change(*args, **kwargs)
            except OperationalError as error:
                if attempt == TRIES or not gave_way(error):
                    raise
                sleep(0.01 * 2**attempt)
        raise AssertionError

    run.__name__, run.__doc__ = change.__name__, change.__doc__
    return run


def gave_way(error: Exception) -> bool:
    """Return whether a transaction failed only because of a conflict with another one."""
    return getattr(error.__cause__, "sqlstate", None) in GAVE_WAY


def lock(community: Community) -> ChainEnd:
    """Take the community's lock; all code that moves points holds it until its transaction ends.

    Take it before any lock on cards and accounts: the same order everywhere prevents deadlocks. InputError
    for a community that has moved out.
    """
    statement = (
        "SELECT position, chain, ran_s, key_shift, moved_out FROM points_chainhead WHERE community_id = %s"
    )
    if sql.on_postgres():
        statement += " FOR UPDATE"
    ((position, link, ran_s, key_shift, moved_out),) = sql.execute(statement, [community.pk])
    if moved_out:
        raise has_moved(community.slug)
    return ChainEnd(community, position, bytes(link), ran_s, key_shift)


def has_left(community: Community) -> bool:
    """Return whether a community has moved out; certain while one of its stations is locked."""
    statement = "SELECT moved_out FROM points_chainhead WHERE community_id = %s"
    return any(moved_out for (moved_out,) in sql.execute(statement, [community.pk]))


def post(end: ChainEnd, movements: Sequence[Movement], now: datetime) -> None:
    """Append transfers to the chain and move the balances; `end` comes from `lock` and is updated."""
    if not movements:
        return
    at, at_us = sql.keeper()(now), chain.microseconds(now)
    community: int = end.community.pk
    rows: list[sql.Row] = []
    moved: defaultdict[int, int] = defaultdict(int)  # a Counter is slower for new keys
    for position, movement in enumerate(movements, end.position + 1):
        purpose = PURPOSES[movement.purpose]
        end.chain = chain.link(end.chain, _link(position, movement, purpose, at_us, end.key_shift))
        rows.append(_row(community, position, movement, purpose, at, end.chain))
        moved[movement.debit] -= movement.points
        moved[movement.credit] += movement.points
    sql.insert(TRANSFERS, rows)
    sql.add("points_account", "balance", moved)
    end.position += len(rows)
    sql.execute(
        "UPDATE points_chainhead SET position = %s, chain = %s WHERE community_id = %s",
        [end.position, end.chain, community],
    )


def _link(position: int, movement: Movement, purpose: str, at_us: int, shift: int) -> chain.Link:
    origin, reversed_, decision = movement.origin, movement.reverses, movement.decision
    return chain.Link(
        position,
        movement.debit - shift,
        movement.credit - shift,
        movement.points,
        purpose,
        origin.station - shift,
        origin.epoch,
        origin.sequence,
        origin.digest,
        at_us,
        None if movement.household is None else movement.household - shift,
        None if reversed_ is None else reversed_.position,
        None if decision is None else str(decision),
    )


def _row(community: int, position: int, movement: Movement, purpose: str, at: object, link: bytes) -> sql.Row:
    return (
        community,
        position,
        movement.debit,
        movement.credit,
        movement.points,
        movement.origin.event,
        purpose,
        at,
        link,
        movement.household,
        None if movement.reverses is None else movement.reverses.pk,
        None if movement.decision is None else movement.decision.pk,
    )
