"""Check a community's chain from its first transfer to its head, in bounded memory, past every error."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from cloud_sync.ledger.chain import chain
from cloud_sync.ledger.chain.records import moment_us
from cloud_sync.ledger.db import sql
from cloud_sync.ledger.stations.models import Community

AT_ONCE = 1000
"""Rows in memory at a time."""

_ROWS = (
    "SELECT t.position, t.debit_id, t.credit_id, t.points, t.purpose, e.station_id, e.epoch, e.sequence, "
    'e.digest, CAST(t.created_at AS TEXT), t.household_id, r.position, d."by", d.reason, t.chain, e.body, '
    "s.card_hash, t.id FROM points_transfer t LEFT JOIN stations_event e ON e.id = t.event_id "
    "LEFT JOIN points_visitsettlement s ON s.event_id = t.event_id "
    "LEFT JOIN points_transfer r ON r.id = t.reverses_id "
    "LEFT JOIN points_decision d ON d.id = t.decision_id "
    "WHERE t.community_id = %s AND (t.position, t.id) > (%s, %s) ORDER BY t.position, t.id LIMIT %s"
)


@dataclass(frozen=True, slots=True)
class Break:
    """A transfer at which a community's chain breaks, and why."""

    community: str
    position: int
    what: str

    def __str__(self) -> str:
        return f"the chain of {self.community} breaks at transfer {self.position}: {self.what}"


def find_breaks(community: Community, pseudonyms: Collection[str] = ()) -> Iterator[Break]:
    """Yield every break of the chain, in order.

    `pseudonyms` replace the cards of erased households; their events have no bytes any more.
    """
    *head, shift = _head(community)
    walk = _Walk(pseudonyms, shift)
    for row in _rows(community):
        yield from (Break(community.slug, position, what) for position, what in walk.take(row))
    yield from (Break(community.slug, position, what) for position, what in walk.end((head[0], head[1])))


def _rows(community: Community) -> Iterator[sql.Row]:
    last: tuple[Any, Any] = (0, 0)
    while rows := sql.execute(_ROWS, [community.pk, *last, AT_ONCE]):
        yield from rows
        last = rows[-1][0], rows[-1][-1]


def _head(community: Community) -> tuple[object, object, Any]:
    """Return the position, the link and the shift of keys stored in the chain's head."""
    statement = "SELECT position, chain, key_shift FROM points_chainhead WHERE community_id = %s"
    rows = sql.execute(statement, [community.pk])
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else (0, chain.FIRST, 0)


class _Walk:
    """Checks row after row; an error in one row does not hide an error in the next."""

    def __init__(self, pseudonyms: Collection[str], shift: Any) -> None:  # noqa: ANN401 (as it is stored)
        self._pseudonyms, self._shift = pseudonyms, shift
        self._position = 0
        self._links: frozenset[bytes] = frozenset({chain.FIRST})
        """The link before the next row, as it is stored and as it should be."""
        self._last = chain.FIRST

    def take(self, row: sql.Row) -> Iterator[tuple[int, str]]:
        """Yield what is wrong with this row."""
        expected = self._position + 1
        wanted: frozenset[bytes] = frozenset()
        try:
            found, hashed = row[0], _as_hashed(row, self._shift)
            if found < expected:
                yield expected, f"position {found} is there twice"
                return
            if found > expected:
                yield expected, f"it is missing, transfer {found} follows"
            wanted = frozenset(chain.link(one, hashed) for one in self._links)
            link = _bytes(row[14])
            if what := self._wrong(row, link, wanted if found == expected else {link}):
                yield found, what
            self._position, self._last = found, link
        except (TypeError, ValueError, AttributeError) as error:
            yield expected, f"its row cannot be read ({error})"
            self._position = expected
            self._last = bytes(row[14]) if isinstance(row[14], bytes | memoryview) else b""
        self._links = frozenset({self._last, *wanted})

    def end(self, head: tuple[object, object]) -> Iterator[tuple[int, str]]:
        """Yield what is wrong with the chain's head."""
        last, link = head[0], bytes(head[1]) if isinstance(head[1], bytes | memoryview) else head[1]
        if (last, link) != (self._position, self._last):
            at = min(self._position, last) if isinstance(last, int) else self._position
            yield at + 1, f"it ends after {self._position} transfers, its head says {last}"

    def _wrong(self, row: sql.Row, link: bytes, wanted: Collection[bytes]) -> str | None:
        if link not in wanted:
            return "its row or its link was changed, or it does not belong here"
        digest, body, card = row[8], _bytes(row[15]), row[16]
        if not body and card in self._pseudonyms:
            return None
        return None if hashlib.sha256(body).hexdigest() == digest else "the event behind it was changed"


def _as_hashed(row: sql.Row, shift: Any) -> chain.Link:  # noqa: ANN401 (as it is stored)
    position, debit, credit, points, purpose, station, *event, at, household, reverses, by, reason = row[:14]
    debit, credit, station, household = (
        None if key is None else key - shift for key in (debit, credit, station, household)
    )
    decision = None if by is None else f"{by}: {reason}"
    columns: list[Any] = [position, debit, credit, points, purpose, station, *event]
    columns += [moment_us(at), household, reverses, decision]
    return chain.Link(*columns)


def _bytes(value: object) -> bytes:
    """Return a column's bytes; TypeError if it holds anything else."""
    if not isinstance(value, bytes | memoryview):
        what = f"{type(value).__name__} where bytes belong"
        raise TypeError(what)
    return bytes(value)
