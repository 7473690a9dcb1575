"""Walking a community's chain from its first transfer to its head, in bounded memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cloud_sync.ledger.points import chain
from cloud_sync.ledger.points.models import ChainHead, Transfer
from cloud_sync.ledger.stations.models import Community

AT_ONCE = 1000
"""Rows that are in memory together."""

_COLUMNS = (
    "position",
    "debit_id",
    "credit_id",
    "points",
    "purpose",
    "event__station_id",
    "event__epoch",
    "event__sequence",
    "event__digest",
    "created_at",
    "household_id",
    "reverses__position",
    "decision__by",
    "decision__reason",
    "chain",
    "event__body",
)


@dataclass(frozen=True, slots=True)
class Break:
    """The first transfer of a community at which its chain does not hold, and how."""

    community: str
    position: int
    what: str

    def __str__(self) -> str:
        return f"the chain of {self.community} breaks at transfer {self.position}: {self.what}"


def find_break(community: Community) -> Break | None:
    """Where the chain breaks, if it does."""
    position, previous = 0, chain.FIRST
    for found, link, row, body in _rows(community):
        position += 1
        what = _wrong(position, previous, found, link, row, body)
        if what is not None:
            return Break(community.slug, position, what)
        previous = link
    head = ChainHead.objects.filter(community=community).first()
    last, link = (0, chain.FIRST) if head is None else (head.position, bytes(head.chain))
    if (last, link) == (position, previous):
        return None
    return Break(
        community.slug, min(position, last) + 1, f"it ends after {position} transfers, its head says {last}"
    )


def _rows(community: Community) -> Iterator[tuple[int, bytes, chain.Link, bytes]]:
    rows = Transfer.objects.filter(community=community).order_by("position", "pk").values_list(*_COLUMNS)
    for row in rows.iterator(chunk_size=AT_ONCE):
        yield row[0], bytes(row[-2]), _as_hashed(row), bytes(row[-1])


def _as_hashed(row: tuple[Any, ...]) -> chain.Link:
    by, reason = row[12], row[13]
    at_us, decision = chain.microseconds(row[9]), None if by is None else f"{by}: {reason}"
    columns = (*row[:9], at_us, *row[10:12], decision)
    return chain.Link(*columns)


def _wrong(
    position: int, previous: bytes, found: int, link: bytes, row: chain.Link, body: bytes
) -> str | None:
    if found > position:
        return f"it is missing, transfer {found} follows"
    if found < position:
        return f"position {found} is there twice"
    if chain.link(previous, row) != link:
        return "its row or its link was changed, or it does not belong here"
    if hashlib.sha256(body).hexdigest() != row.digest:
        return "the event behind it was changed"
    return None
