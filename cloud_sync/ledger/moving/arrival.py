"""Take a community in from another ledger's file, all of it or nothing, with both chains as they were."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
from django.db import DatabaseError, models, transaction

from cloud_sync.ledger.chain.audit import problems_of
from cloud_sync.ledger.moving import numbers
from cloud_sync.ledger.moving.departure import departure_of
from cloud_sync.ledger.moving.file import FileHead, Totals, read_file
from cloud_sync.ledger.moving.models import Arrival
from cloud_sync.ledger.moving.tables import MOVING, Field, fields_of, is_key, model_of
from cloud_sync.ledger.points.decisions import said
from cloud_sync.ledger.points.models import ChainHead
from cloud_sync.ledger.stations.models import Community, StationKey
from config.errors import InputError

AT_ONCE = 1000
"""Rows in memory, and of one statement."""
TOLD_EVERY = 100_000
Tell = Callable[[str], None]


class FileError(ValueError):
    """A line of the file that cannot be a row."""


def look_at(path: Path, own_key: str, from_key: str) -> tuple[FileHead, Totals]:
    """Read a file to its end and check its signature; change nothing.

    Both are public keys, hex, this ledger's and the other's. InputError for a file that is damaged, of
    another ledger than `from_key`, for another ledger than this one, or of another version of Tongzhan.
    """
    header, lines = read_file(path, from_key)
    if header.to_key != own_key:
        raise InputError(
            f"{path} is for the ledger with the key {header.to_key}, and this one has {own_key}",
            "move the community out for this ledger's key, which `init` prints",
        )
    if header.tables != {label: [field.attname for field in fields_of(label)] for label in MOVING}:
        raise InputError(f"{path} was written by another version", "bring both ledgers to the same version")
    last = deque(lines, maxlen=1)
    try:
        return header, msgspec.json.decode(b"".join(last), type=Totals)
    except msgspec.MsgspecError:
        raise InputError(f"{path} has no totals", "write it again at the old ledger") from None


def take_in(
    path: Path, found: tuple[FileHead, Totals], by: str, reason: str, now: datetime, tell: Tell
) -> Arrival:
    """Store a file that `look_at` found good, in one transaction; `tell` hears of the progress.

    Both chains, every signature, price and sum are checked before the commit. InputError for a community or
    a station's key that is here already, and for whatever `verify` would name.
    """
    by, reason = said(by, reason)
    header, totals = found
    refuse_known(header)
    held = numbers.reserve_before(totals.largest)
    try:
        with transaction.atomic():
            base = numbers.reserve_within(totals.largest) if held is None else held
            rows = _Rows(path, base, totals.largest, tell)
            rows.store(read_file(path, header.key)[1])
            if rows.stored != totals.rows:
                raise InputError(f"{path} has {rows.stored} rows, not {totals.rows}", "write it again")
            return _finish(header, base, (by, reason), now, tell)
    except DatabaseError as error:
        refuse_known(header)
        raise InputError(
            f"{path} cannot be taken in ({(str(error).splitlines() or [''])[0]})",
            "write it again at the old ledger, and verify that ledger",
        ) from None


def refuse_known(header: FileHead) -> None:
    """Raise InputError for a community that is here already."""
    here = Community.objects.filter(slug=header.slug).first()
    if here is None:
        return
    if (came := Arrival.objects.filter(community=here).first()) is not None and came.number == header.number:
        raise InputError(
            f"community {here} is here already: it came by this file",
            f"see: tongzhan ledger community show {here} --config F",
        )
    if (gone := departure_of(here)) is not None:
        raise InputError(
            f"community {here} left this ledger for {gone.to}; its rows are still here",
            "take it in at another ledger, or undo the move if nothing happened there",
        )
    raise InputError(
        f"this ledger has a community {here}", "two communities of one name cannot be in one ledger"
    )


def _finish(header: FileHead, base: int, who: tuple[str, str], now: datetime, tell: Tell) -> Arrival:
    """Check everything once more from the rows, and note the arrival."""
    community = Community.objects.get(slug=header.slug)
    ChainHead.objects.filter(community=community).update(key_shift=base, moved_out=False)
    head = ChainHead.objects.get(community=community)
    came = Arrival(
        community=community,
        number=header.number,
        from_key=header.key,
        came_at=now,
        by=who[0],
        reason=who[1],
        position=head.position,
        chain=head.chain,
        records=head.records,
        records_chain=head.records_chain,
    )
    told = {name: getattr(header, name) for name in ("position", "chain", "records", "records_chain")}
    if came.shown != told:
        raise InputError("the heads in the file are not those that it states", "write it again")
    tell("checking both chains, signatures, prices and sums")
    if problems := problems_of(community):
        raise InputError(f"the community in this file is not whole: {problems[0]}", "verify the old ledger")
    came.save(force_insert=True)
    return came


class _Rows:
    """Stores the rows of a file under keys of this ledger."""

    def __init__(self, path: Path, base: int, largest: int, tell: Tell) -> None:
        self._path, self._base, self._largest, self._tell = path, base, largest, tell
        self.stored = 0

    def store(self, lines: Iterator[bytes]) -> None:
        """Store every line's row; InputError names the first that cannot be one."""
        label, waiting = "", list[models.Model]()
        wanted = list(MOVING)
        read: Callable[[list[Any]], models.Model] | None = None
        for number, line in enumerate(lines, 2):
            try:
                value = msgspec.json.decode(line)
                if isinstance(value, str):
                    self._flush(label, waiting)
                    label = wanted.pop(0)
                    read = self._reader(label, value)
                elif isinstance(value, list) and read is not None:
                    waiting.append(read(value))
                elif not isinstance(value, dict):
                    raise FileError("a row without a table")
            except (ValueError, TypeError, IndexError, msgspec.MsgspecError) as error:
                told = f"line {number} of {self._path} cannot be read ({error})"
                raise InputError(told, "write it again at the old ledger") from None
            if len(waiting) >= AT_ONCE:
                self._flush(label, waiting)
        self._flush(label, waiting)

    def _flush(self, label: str, waiting: list[models.Model]) -> None:
        if not waiting:
            return
        if label == "stations.StationKey":
            _refuse_known_keys(waiting)
        model_of(label)._base_manager.bulk_create(waiting)  # noqa: SLF001 (Django's documented name)
        before, self.stored = self.stored, self.stored + len(waiting)
        if before // TOLD_EVERY != self.stored // TOLD_EVERY:
            self._tell(f"{self.stored} rows so far")
        waiting.clear()

    def _reader(self, label: str, found: str) -> Callable[[list[Any]], models.Model]:
        """Return the function that makes a row of a line of this table."""
        if label != found:
            raise FileError(f"table {found} where {label} belongs")
        model, fields = model_of(label), fields_of(label)
        names = [field.attname for field in fields]
        readers = [self._own_key if is_key(label, field) else _reader_of(field) for field in fields]

        def read(values: list[Any]) -> models.Model:
            row = zip(names, readers, values, strict=True)
            return model(**{name: None if one is None else reader(one) for name, reader, one in row})

        return read

    def _own_key(self, value: Any) -> int:  # noqa: ANN401 (whatever a line says)
        if type(value) is not int or not 0 < value <= self._largest:
            raise FileError(f"{value!r} is no key")
        return value + self._base


def _reader_of(field: Field) -> Callable[[Any], object]:
    if isinstance(field, models.BinaryField):
        return base64.b64decode
    if isinstance(field, models.DateTimeField):
        return lambda text: datetime.fromisoformat(text).astimezone(UTC)
    if isinstance(field, models.DateField):
        return date.fromisoformat
    return lambda value: value


def _refuse_known_keys(keys: Sequence[models.Model]) -> None:
    names = [key.key_id for key in keys if isinstance(key, StationKey)]
    if known := StationKey.objects.filter(key_id__in=names).select_related("station__community").first():
        station = known.station
        raise InputError(
            f"this ledger knows a station's key {known} already, as {station.community}/{station}'s",
            "a key is one station's: give that station a new key first",
        )
