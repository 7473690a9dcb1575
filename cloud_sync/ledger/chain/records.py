"""The register: an append-only chain of records over everything that transfers depend on.

A record of a row has `row` ("table/key") and `seal`, the hash of the row's new content, and says what
happened to the row. If someone edits a row by SQL, its newest record no longer fits, and `verify` names the
row. A record holds no name, code or card hash: only seals, salted if the row is about a person.
A key is written less the community's `key_shift`, so that a record stays as it is when the community moves.
The other kinds are `settled` (a transaction's visits, with a tag each), `dated` (the same for visits that
waited for the ledger's clock; it replaces the first), `waits` (tags of visits whose wait changed),
`unsigned` (events from before signatures were kept) and `erased`.

Add a new column that points depend on to `seals.SEALED` or to a settlement's tags; its migration must note
the table's rows again with `find_rows`. Code that changes how visits wait must call `note_waits` afterwards.
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
from config.errors import InputError

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
"""Rows that a migration holds in memory at a time."""


class RecordContent(msgspec.Struct, frozen=True):
    """The content of a record of any kind."""

    row: str = ""
    """The sealed row: "table/key"."""
    seal: str = ""
    household: int | None = None
    """For a card: the household that it was given to or taken from."""
    by: str = ""
    reason: str = ""
    visits: list[tuple[int, int]] = []
    """Settled visits as runs of their events' keys: the first key of a run, and the count."""
    tags: str = ""
    """`seals.settled_tag` of each of those visits, joined, base64."""
    came: int | None = None
    """When their events were received, in microseconds."""
    waits: list[tuple[int, str]] = []
    minted: list[tuple[int, str, int]] = []
    """Station, day, and the points that the station had brought by then."""
    events: int = 0
    """For unsigned events: how many there are; `last` is the last key, `sum` a hash over them."""
    last: int = 0
    sum: str = ""
    passed: list[tuple[int, str, int]] = []
    """Station, epoch, and how far its `through` had moved past missing events."""
    pseudonym: str = ""
    """Replaces the hashes of an erased household's cards."""
    batches: list[tuple[int, str]] = []
    """Signed batches that held the household's events, each with a hash over all its events' digests."""
    after: int = 0
    """For visits dated again: the position of the last transfer before."""


def read(body: bytes, shift: int) -> RecordContent:
    """Read a record's body, with `shift` added to its keys; msgspec.DecodeError if it is not a record."""
    told = msgspec.json.decode(body, type=RecordContent)
    return _here(told, shift) if shift else told


def _here(told: RecordContent, shift: int) -> RecordContent:
    table, _, key = told.row.partition("/")
    return msgspec.structs.replace(
        told,
        row=f"{table}/{int(key) + shift}" if key else told.row,
        household=None if told.household is None else told.household + shift,
        visits=[(first + shift, count) for first, count in told.visits],
        waits=[(event + shift, tag) for event, tag in told.waits],
        minted=[(station + shift, day, points) for station, day, points in told.minted],
        last=told.last + shift if told.last else 0,
        passed=[(station + shift, epoch, through) for station, epoch, through in told.passed],
        batches=[(batch + shift, digest) for batch, digest in told.batches],
    )


def shift_of(community: int) -> int:
    """Return the `key_shift` of a community."""
    return _head(community)[0]


def _shift_to_write(community: int) -> int:
    """Return the `key_shift` of a community; InputError if it has moved out."""
    shift, moved_out, slug = _head(community)
    if moved_out:
        raise has_moved(slug)
    return shift


def _head(community: int) -> tuple[int, bool, str]:
    statement = (
        "SELECT h.key_shift, h.moved_out, c.slug FROM points_chainhead h "
        "JOIN stations_community c ON c.id = h.community_id WHERE h.community_id = %s"
    )
    ((shift, moved_out, slug),) = sql.execute(statement, [community])
    return shift, moved_out, slug


def has_moved(slug: str) -> InputError:
    """Return the refusal to change a community that has moved out."""
    return InputError(
        f"community {slug} has moved to another ledger",
        f"see: tongzhan ledger community show {slug} --config F",
    )


def note(community: int, kind: str, body: object, now: datetime | None = None) -> None:
    """Add a record at the register's end; call it within a transaction, it takes the register's lock.

    Keys in `body` are less the community's `key_shift`.
    """
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
    """Note a row's new content; `told` says what happened to it and must not hold personal data."""
    table = row._meta.db_table  # noqa: SLF001 (Django's documented name)
    if "salt" in seals.SEALED[table] and not bytes(getattr(row, "salt")):  # noqa: B009 (of two models)
        row.__dict__["salt"] = secrets.token_bytes(SALT_BYTES)
        row.save(update_fields=["salt"])
    body = _sealed(row, seals.SEALED[table], told, _shift_to_write(community))
    note(community, kind, body, now)


def find_rows(apps: Apps, table: str, columns: Sequence[str]) -> None:
    """Note every row of a table as it is, sealed over `columns`; for a migration that adds columns.

    `columns` are those of the migration's version, in the order of its `seals.SEALED`.
    """
    app, _, name = table.partition("_")
    rows = apps.get_model(app, name).objects.order_by("pk")
    shifts = _shifts(apps)
    if table == "points_card":  # a card that was only seen has nothing to note
        rows = rows.exclude(household=None, status="active", role="resident", suspected_at=None)
    for row in rows.iterator(chunk_size=FOUND_AT_ONCE):
        if "salt" in columns and not bytes(row.salt):
            row.salt = secrets.token_bytes(SALT_BYTES)
            row.save(update_fields=["salt"])
        household = getattr(row, "household_id", None) if table == "points_card" else None
        told = {} if household is None else {"household": household}
        home = _home(table, row)
        note(home, "found", _sealed(row, columns, told, shifts.get(home, 0)))


def _shifts(apps: Apps) -> dict[int, int]:
    """Return the shift of keys of each community; none in a version before communities could move."""
    heads = apps.get_model("points", "ChainHead")
    if not any(field.name == "key_shift" for field in heads._meta.fields):  # noqa: SLF001 (documented)
        return {}
    return dict(heads.objects.values_list("pk", "key_shift"))


def _home(table: str, row: Any) -> int:  # noqa: ANN401 (a row of a past version)
    """Return the key of the community that the row belongs to."""
    if table == "stations_community":
        return int(row.pk)
    if table == "stations_stationkey":
        return int(row.station.community_id)
    return int(row.household.community_id if table == "points_debt" else row.community_id)


def _sealed(
    row: models.Model, columns: Sequence[str], told: Mapping[str, Any], shift: int
) -> dict[str, object]:
    """Return the body of a record of this row."""
    table, key = row._meta.db_table, row.pk - shift  # noqa: SLF001 (Django's documented name)
    values = seals.own_keys(columns, [getattr(row, column) for column in columns], shift)
    return {"row": f"{table}/{key}", "seal": seals.seal(table, key, values), **_own_keys(told, shift)}


def _own_keys(told: Mapping[str, Any], shift: int) -> dict[str, Any]:
    """Return what a record tells besides the row, its keys less the shift."""
    own = {name: told[name] - shift for name in ("household", "by_card") if name in told}
    if "batches" in told:
        own["batches"] = [(batch - shift, digest) for batch, digest in told["batches"]]
    return {**told, **own}


def note_settled(
    community: int,
    rows: Iterable[Mapping[str, Any]],
    minted: Iterable[tuple[int, str, int]],
    came: datetime,
    now: datetime,
) -> None:
    """Note visits that were just settled, by their columns, and the points that stations brought."""
    body = _settled_body(rows, minted, _shift_to_write(community)) | {"came": chain.microseconds(came)}
    note(community, "settled", body, now)


def note_dated(
    community: int,
    rows: Iterable[Mapping[str, Any]],
    minted: Iterable[tuple[int, str, int]],
    after: int,
    now: datetime,
) -> None:
    """Note the new state of visits that waited for the ledger's clock, by their columns.

    `rows` are in the order of pricing; `after` is the position of the last transfer before theirs.
    """
    note(community, "dated", _settled_body(rows, minted, _shift_to_write(community)) | {"after": after}, now)


def note_found(
    community: int, rows: Iterable[Mapping[str, Any]], minted: Iterable[tuple[int, str, int]]
) -> None:
    """Note visits that were settled before there was a register; see `note_settled`."""
    note(community, "settled", _settled_body(rows, minted, shift=0))


def _settled_body(
    rows: Iterable[Mapping[str, Any]], minted: Iterable[tuple[int, str, int]], shift: int
) -> dict[str, object]:
    found = list(rows)
    if shift:
        found = [
            {**row, **{name: row[name] and row[name] - shift for name in ("event_id", "household_id")}}
            for row in found
        ]
    return {
        "visits": runs([row["event_id"] for row in found]),
        "tags": base64.b64encode(b"".join(map(_settled, found))).decode(),
        "waits": [[row["event_id"], _waits(row)] for row in found if row["held"] or row["withdrawn"]],
        "minted": [(station - shift, day, points) for station, day, points in minted],
    }


def unsigned_line(station: int, epoch: str, sequence: int, digest: str) -> bytes:
    """Return what one unsigned event adds to the hash over all of them; `station` is less the shift."""
    return f"{station}/{epoch}/{sequence} {digest}\n".encode()


def note_waits(community: int, events: Collection[int], now: datetime) -> None:
    """Note how visits wait now; call it after their rows are written. `events` are their primary keys."""
    if not events:
        return
    found = VisitSettlement.objects.filter(pk__in=events).order_by("pk")
    names = ("pk", "held", "held_by", "held_since", "held_at_s", "withdrawn", "withdrawn_by")
    shift = _shift_to_write(community)
    tags = [
        [row[0] - shift, seals.waits_tag((row[0] - shift, *row[1:3], moment_us(row[3]), *row[4:]))]
        for row in found.values_list(*names)
    ]
    note(community, "waits", {"waits": tags}, now)


def runs(keys: Sequence[int]) -> list[tuple[int, int]]:
    """Group ordered numbers into runs without a gap: the first of each, and the count."""
    groups = groupby(enumerate(keys), key=lambda pair: pair[1] - pair[0])
    found = [[key for _, key in group] for _, group in groups]
    return [(group[0], len(group)) for group in found]


def moment_us(at: datetime | str | None) -> int | None:
    """Return a moment, as either engine stores it, in microseconds since 1970."""
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
