"""The register: an append-only chain of records over everything that transfers depend on.

A record of a row has `row` ("table/key") and `seal`, the hash of what the row is from now on, and says what
happened to it. Rows may be edited by whoever has SQL; the newest record then no longer fits, and `verify`
names the row. A record holds no name, code or card hash: only seals, which are salted where a person is
behind the row. The other kinds: `settled` (a transaction's visits, a tag each), `dated` (the same of visits
that waited for the ledger's clock, in place of the first), `waits` (tags of visits whose wait changed),
`unsigned` (events from before signatures were kept), `erased`.

A new column that points hang on goes into `seals.SEALED`, or into a settlement's tags; its migration then
notes the table's rows again with `find_rows`. Whatever changes how visits wait calls `note_waits` after.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec
from django.apps.registry import Apps
from django.db import models
from django.utils import timezone

from cloud_sync.ledger.chain import chain, seals
from cloud_sync.ledger.db import sql
from cloud_sync.ledger.points.models import VisitSettlement

RECORDS = sql.Table(
    "points_record",
    {
        "community_id": "bigint",
        "position": "bigint",
        "kind": "text",
        "body": "bytea",
        "at": "timestamptz",
        "chain": "bytea",
    },
)
SALT_BYTES = 16
FOUND_AT_ONCE = 500
"""Rows that a migration has in memory together."""


class Told(msgspec.Struct, frozen=True):
    """What a record says, of whichever kind."""

    row: str = ""
    """The row that it seals: "table/key"."""
    seal: str = ""
    household: int | None = None
    """Of a card: the household that it was given to, or taken from."""
    by: str = ""
    reason: str = ""
    visits: list[tuple[int, int]] = []
    """Settled visits by their events' keys: the first of each run, and how many."""
    tags: str = ""
    """Of those visits, `seals.settled_tag` one after the other, base64."""
    came: int | None = None
    """When their events were received, in microseconds."""
    waits: list[tuple[int, str]] = []
    minted: list[tuple[int, str, int]] = []
    """Station, day, and the points that it brought until now."""
    events: int = 0
    """Of unsigned events: how many, the last key, and a sum over them."""
    last: int = 0
    sum: str = ""
    passed: list[tuple[int, str, int]] = []
    """Station, epoch, and how far it had been passed over without all of its events."""
    pseudonym: str = ""
    """In place of the hashes of an erased household's cards."""
    batches: list[tuple[int, str]] = []
    """Signed batches that held its events, each with a sum over the digests of all their events."""
    after: int = 0
    """Of visits that were dated again: the position of the last transfer before."""


def read(body: bytes) -> Told:
    """What a record's body says; msgspec.DecodeError for one that is none."""
    return msgspec.json.decode(body, type=Told)


def note(community: int, kind: str, body: object, now: datetime | None = None) -> None:
    """Add a record at the register's end, whose lock this takes; within a transaction."""
    at = now or timezone.now()
    statement = "SELECT records, records_chain FROM points_chainhead WHERE community_id = %s"
    ((last, link),) = sql.execute(statement + (" FOR UPDATE" if sql.on_postgres() else ""), [community])
    position, written = last + 1, msgspec.json.encode(body)
    link = chain.record_link(bytes(link), position, kind, chain.microseconds(at), written)
    sql.insert(RECORDS, [(community, position, kind, written, sql.keeper()(at), link)])
    sql.execute(
        "UPDATE points_chainhead SET records = %s, records_chain = %s WHERE community_id = %s",
        [position, link, community],
    )


def register(
    community: int,
    kind: str,
    row: models.Model,
    now: datetime | None = None,
    **told: object,
) -> None:
    """Note what a row is from now on; `told` says what happened to it, without naming a person's data."""
    table = row._meta.db_table  # noqa: SLF001 (Django's documented name)
    if "salt" in seals.SEALED[table] and not bytes(getattr(row, "salt")):  # noqa: B009 (of two models)
        row.__dict__["salt"] = secrets.token_bytes(SALT_BYTES)
        row.save(update_fields=["salt"])
    _seal(community, kind, row, seals.SEALED[table], told, now)


def find_rows(apps: Apps, table: str, columns: Sequence[str]) -> None:
    """Note every row of a table as it is found, sealed by these columns: for a migration that adds some.

    `columns` are those of that version, in the order of `seals.SEALED` in it.
    """
    app, _, name = table.partition("_")
    rows = apps.get_model(app, name).objects.order_by("pk")
    if table == "points_card":  # one that was only seen has nothing to note
        rows = rows.exclude(household=None, status="active", role="resident", suspected_at=None)
    for row in rows.iterator(chunk_size=FOUND_AT_ONCE):
        if "salt" in columns and not bytes(row.salt):
            row.salt = secrets.token_bytes(SALT_BYTES)
            row.save(update_fields=["salt"])
        household = getattr(row, "household_id", None) if table == "points_card" else None
        told = {} if household is None else {"household": household}
        _seal(_home(table, row), "found", row, columns, told)


def _home(table: str, row: Any) -> int:  # noqa: ANN401 (a row of a past version)
    """Whose row it is."""
    if table == "stations_community":
        return int(row.pk)
    if table == "stations_stationkey":
        return int(row.station.community_id)
    return int(row.household.community_id if table == "points_debt" else row.community_id)


def _seal(
    community: int,
    kind: str,
    row: models.Model,
    columns: Sequence[str],
    told: Mapping[str, object],
    now: datetime | None = None,
) -> None:
    table = row._meta.db_table  # noqa: SLF001 (Django's documented name)
    sealed = seals.seal(table, row.pk, [getattr(row, column) for column in columns])
    note(community, kind, {"row": f"{table}/{row.pk}", "seal": sealed, **told}, now)


def note_settled(
    community: int,
    rows: Iterable[Mapping[str, Any]],
    minted: Iterable[tuple[int, str, int]],
    came: datetime,
    now: datetime,
) -> None:
    """Note visits that were just settled, by their columns, and what stations brought."""
    body = _settled_body(rows, minted) | {"came": chain.microseconds(came)}
    note(community, "settled", body, now)


def note_dated(
    community: int,
    rows: Iterable[Mapping[str, Any]],
    minted: Iterable[tuple[int, str, int]],
    after: int,
    now: datetime,
) -> None:
    """Note visits that waited for the ledger's clock as they are from now on, by their columns.

    They come in the order that they were priced in; `after` is the position of the last transfer before
    those that this brought.
    """
    note(community, "dated", _settled_body(rows, minted) | {"after": after}, now)


def note_found(
    community: int, rows: Iterable[Mapping[str, Any]], minted: Iterable[tuple[int, str, int]]
) -> None:
    """As `note_settled`, of visits that were settled before there was a register."""
    note(community, "settled", _settled_body(rows, minted))


def _settled_body(
    rows: Iterable[Mapping[str, Any]], minted: Iterable[tuple[int, str, int]]
) -> dict[str, object]:
    found = list(rows)
    return {
        "visits": runs([row["event_id"] for row in found]),
        "tags": base64.b64encode(b"".join(map(_settled, found))).decode(),
        "waits": [[row["event_id"], _waits(row)] for row in found if row["held"] or row["withdrawn"]],
        "minted": list(minted),
    }


def unsigned_line(station: int, epoch: str, sequence: int, digest: str) -> bytes:
    """What the sum over unsigned events takes of each."""
    return f"{station}/{epoch}/{sequence} {digest}\n".encode()


def note_waits(community: int, events: Collection[int], now: datetime) -> None:
    """Note how visits wait from now on, once their rows are written; `events` are their primary keys."""
    if not events:
        return
    found = VisitSettlement.objects.filter(pk__in=events).order_by("pk")
    names = ("pk", "held", "held_by", "held_since", "held_at_s", "withdrawn", "withdrawn_by")
    tags = [
        [row[0], seals.waits_tag((*row[:3], moment_us(row[3]), *row[4:]))]
        for row in found.values_list(*names)
    ]
    note(community, "waits", {"waits": tags}, now)


def runs(keys: Sequence[int]) -> list[tuple[int, int]]:
    """Numbers in their order as runs without a gap: the first of each, and how many."""
    groups = groupby(enumerate(keys), key=lambda pair: pair[1] - pair[0])
    found = [[key for _, key in group] for _, group in groups]
    return [(group[0], len(group)) for group in found]


def moment_us(at: datetime | str | None) -> int | None:
    """Microseconds since 1970 of a moment as either engine keeps it."""
    return None if at is None else chain.microseconds(sql.moment_of(at))


def _settled(row: Mapping[str, Any]) -> bytes:
    return seals.settled_tag(
        (
            row["event_id"],
            row["household_id"],
            moment_us(row["happened_at"]),
            row["local_day"],
            row["timed"],
            row["provisional"],
            row["settled"] + row["held"] + row["withdrawn"],
            row["lowered"] - row["withdrawn"],
            row["lowered_by"],
            row["counted"],
        )
    )


def _waits(row: Mapping[str, Any]) -> str:
    return seals.waits_tag(
        (
            row["event_id"],
            row["held"],
            row["held_by"],
            moment_us(row["held_since"]),
            row["held_at_s"],
            row["withdrawn"],
            row["withdrawn_by"],
        )
    )
