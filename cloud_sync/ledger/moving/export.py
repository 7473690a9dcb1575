"""Write a community that was moved out to a file, row by row."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from itertools import count
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import models

from cloud_sync.ledger.chain.records import shift_of
from cloud_sync.ledger.db.snapshot import snapshot
from cloud_sync.ledger.keys import public_key_hex
from cloud_sync.ledger.moving.departure import departure_of
from cloud_sync.ledger.moving.file import FileHead, Totals, Writer
from cloud_sync.ledger.moving.models import Departure
from cloud_sync.ledger.moving.proofs import check_of
from cloud_sync.ledger.moving.tables import MOVING, fields_of, is_key, rows_of
from cloud_sync.ledger.stations.models import Community
from config.errors import InputError

AT_ONCE = 1000
"""Rows in memory at a time."""
TOLD_EVERY = 100_000
Tell = Callable[[str], None]


def export(
    community: Community, path: Path, key: Ed25519PrivateKey, card_key: bytes, now: datetime, tell: Tell
) -> Totals:
    """Write the file; `tell` hears of the progress. InputError unless the community was moved out."""
    gone = departure_of(community)
    if gone is None:
        raise InputError(
            f"community {community} is still served here: events would come that the file does not have",
            f"close it: tongzhan ledger community move-out {community} --to HOST --to-key HEX --by NAME "
            "--reason WHY --config F",
        )
    writer = Writer(path, key)
    try:
        writer.write(_header(gone, key, card_key, now))
        with snapshot():  # alarms may come and go meanwhile
            totals = _write_rows(community, writer, tell)
        writer.write(totals)
        writer.finish()
    except BaseException:  # whatever ended it, no half file may stay
        writer.abandon()
        raise
    return totals


def _header(gone: Departure, key: Ed25519PrivateKey, card_key: bytes, now: datetime) -> FileHead:
    return FileHead(
        slug=gone.community.slug,
        number=gone.number,
        key=public_key_hex(key),
        to_key=gone.to_key,
        card_key=check_of(card_key, gone.community.slug),
        written_at=now.isoformat(timespec="seconds"),
        position=gone.position,
        chain=bytes(gone.chain).hex(),
        records=gone.records,
        records_chain=bytes(gone.records_chain).hex(),
        tables={label: [field.attname for field in fields_of(label)] for label in MOVING},
    )


def _write_rows(community: Community, writer: Writer, tell: Tell) -> Totals:
    shift, rows, largest = shift_of(community.pk), 0, 0
    for label in MOVING:
        writer.write(label)
        fields = fields_of(label)
        keys = [place for place, field in enumerate(fields) if is_key(label, field)]
        own = next(place for place, field in enumerate(fields) if field.primary_key)
        number = 0
        for number, row in zip(
            count(1), _rows(label, community, [field.attname for field in fields]), strict=False
        ):
            written: list[Any] = [_plain(value) for value in row]
            for place in keys:
                written[place] = None if row[place] is None else row[place] - shift
            largest = max(largest, written[own])
            writer.write(written)
            if number % TOLD_EVERY == 0:
                tell(f"{label}: {number} rows so far")
        tell(f"{label}: {number} rows")
        rows += number
    return Totals(rows, largest)


def _rows(label: str, community: Community, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    found: models.QuerySet[models.Model] = rows_of(label, community)
    last = 0
    while rows := list(found.filter(pk__gt=last).values_list("pk", *columns)[:AT_ONCE]):
        yield from (row[1:] for row in rows)
        last = rows[-1][0]


def _plain(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return value.isoformat() if isinstance(value, date | datetime) else value
