"""The one way by which people's decisions reach the database: who, why, the values before and after are kept.

`write` adds or changes a row, `find_or_add` adds one unless it is there, and `note` keeps a deed whose rows
are written elsewhere, as transfers are. Row and entry are one transaction. Who and why are those given, else
those of `acting`. A test fails for code that writes past this module without a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from django.db import models, transaction
from django.utils import timezone

from cloud_sync.ledger.audit.acting import actor
from cloud_sync.ledger.audit.models import MAX_BY, MAX_REASON, AuditEntry
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.stations.models import Community

Row = TypeVar("Row", bound=models.Model)
SECRET = frozenset({"password", "key", "secret", "token", "code_hash", "digest", "salt"})
"""Names of columns whose values are never kept."""
HIDDEN = "…"
"""In place of a secret, and of bytes."""
LONGEST_VALUE = 500
"""Letters of one kept value; a longer one is cut."""


@transaction.atomic
def write(
    row: models.Model,
    deed: Deed,
    *,
    by: str = "",
    reason: str = "",
    now: datetime | None = None,
    **values: object,
) -> bool:
    """Set these values in a row and store it, a new row whole; return whether anything changed.

    The values before are those in `row`: read it under a lock where two people may write.
    """
    if row.pk is None or row._state.adding:  # noqa: SLF001 (Django's documented name)
        for name, value in values.items():
            setattr(row, name, value)
        row.save(force_insert=True)
        note(deed, row, after=_values(row, _columns(row)), by=by, reason=reason, now=now)
        return True
    names = [name for name, value in values.items() if getattr(row, name) != value]
    if not names:
        return False
    before = _values(row, names)
    for name in names:
        setattr(row, name, values[name])
    row.save(update_fields=names)
    note(deed, row, before=before, after=_values(row, names), by=by, reason=reason, now=now)
    return True


@transaction.atomic
def find_or_add(
    model: type[Row],
    deed: Deed,
    defaults: Mapping[str, object],
    *,
    now: datetime | None = None,
    **key: object,
) -> tuple[Row, bool]:
    """Return the row of that key, added with `defaults` if there is none; and whether it is new."""
    manager: Any = model._default_manager  # noqa: SLF001 (Django's documented name)
    row, is_new = manager.get_or_create(**key, defaults=dict(defaults))
    if is_new:
        note(deed, row, after=_values(row, _columns(row)), now=now)
    return row, is_new


def note(  # noqa: PLR0913 (one parameter a fact)
    deed: Deed,
    thing: models.Model,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    by: str = "",
    reason: str = "",
    now: datetime | None = None,
) -> None:
    """Keep a deed on a row, with what it changed; call it in the transaction of the change."""
    who = actor()
    AuditEntry.objects.create(
        at=now or timezone.now(),
        by=(by.strip() or who.by)[:MAX_BY],
        reason=(reason.strip() or who.reason)[:MAX_REASON],
        deed=deed.value,
        community_id=community_of(thing),
        thing=name_of(thing),
        before=msgspec.json.encode(before or {}),
        after=msgspec.json.encode(after or {}),
    )


def empty_entries(rows: Sequence[models.Model]) -> None:
    """Empty the values kept of these rows: an erasure leaves who did what when, and no personal data."""
    names = [name_of(row) for row in rows]
    AuditEntry.objects.filter(thing__in=names).update(before=b"", after=b"")


def name_of(row: models.Model) -> str:
    """Return how an entry names a row."""
    return f"{row._meta.db_table}/{row.pk}"  # noqa: SLF001 (Django's documented name)


def community_of(row: models.Model) -> int | None:
    """Return the key of the community that a row belongs to; None for a row of the whole town."""
    if isinstance(row, Community):
        return int(row.pk)
    if (key := getattr(row, "community_id", None)) is not None:
        return int(key)
    slug = getattr(row, "community", None)
    if isinstance(slug, str):  # an alarm names it, and it need not exist
        return Community.objects.filter(slug=slug).values_list("pk", flat=True).first()
    for parent in ("station", "household", "alarm"):
        if isinstance(found := getattr(row, parent, None), models.Model):
            return community_of(found)
    return None


def _columns(row: models.Model) -> list[str]:
    fields = row._meta.concrete_fields  # noqa: SLF001 (Django's documented name)
    return [field.name for field in fields if not field.primary_key]


def _values(row: models.Model, names: list[str]) -> dict[str, object]:
    return {name: _kept(row, name) for name in names}


def _kept(row: models.Model, name: str) -> object:
    """Return a column's value as it is kept: no secret, no bytes, nothing long."""
    field: Any = row._meta.get_field(name)  # noqa: SLF001 (Django's documented name)
    value = getattr(row, field.attname)
    if value is None or isinstance(value, bool | int | float):
        return value
    if name in SECRET or isinstance(field, models.BinaryField):
        return HIDDEN if value else ""
    text = value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + HIDDEN
