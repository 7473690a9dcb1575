"""Entries for the page that shows who did what, as values: filtered, in pages, the latest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from cloud_sync.ledger.audit.models import AuditEntry
from cloud_sync.ledger.officers.rights import Deed, Rights
from cloud_sync.ledger.officers.texts import deed_text
from cloud_sync.ledger.statement.texts import moment, within
from cloud_sync.ledger.stations.models import Community
from cloud_sync.ledger.stations.names import community_name

SHOWN = 50
"""Entries of a page."""
TOWN = "*"
"""The filter for what concerns the whole town."""
PERSONAL = ("points_household/", "points_card/")
"""Things whose values name a household."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What a reader looks for; empty values look for everything."""

    community: str = ""
    """A slug, or TOWN."""
    by: str = ""
    deed: str = ""
    before: int | None = None
    """Only entries older than this one."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One entry, in words."""

    number: int
    deed: str
    place: str
    said: str
    """Who, when and why."""
    thing: str
    changes: tuple[tuple[str, str, str], ...]
    """Name of a value, before, after."""
    are_hidden: bool
    """Whether the reader may not see the values."""


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of entries, and where the next one begins."""

    lines: tuple[AuditLine, ...]
    older: int | None
    """The last entry shown, if there are older ones."""


def audit_page(
    rights: Rights, communities: Mapping[int, Community], wanted: AuditFilter, now: datetime
) -> AuditPage:
    """Build the page for a reader; `communities` are all of the town's, by primary key."""
    rows = list(_found(rights, communities, wanted).order_by("-pk")[: SHOWN + 1])
    lines = tuple(_line(row, rights, communities, now) for row in rows[:SHOWN])
    return AuditPage(lines, lines[-1].number if len(rows) > SHOWN else None)


def _found(rights: Rights, communities: Mapping[int, Community], wanted: AuditFilter) -> QuerySet[AuditEntry]:
    seen = Q(community__in=[place for place in communities if rights.may(Deed.READ_AUDIT, place)])
    if rights.may(Deed.READ_AUDIT, None):
        seen |= Q(community=None)
    rows = AuditEntry.objects.filter(seen)
    if wanted.community:
        slug = wanted.community
        rows = rows.filter(community=None) if slug == TOWN else rows.filter(community__slug=slug)
    if wanted.by:
        rows = rows.filter(by=wanted.by)
    if wanted.deed:
        rows = rows.filter(deed=wanted.deed)
    return rows if wanted.before is None else rows.filter(pk__lt=wanted.before)


def _line(row: AuditEntry, rights: Rights, communities: Mapping[int, Community], now: datetime) -> AuditLine:
    here = communities.get(row.community_id) if row.community_id is not None else None
    zone = ZoneInfo(here.timezone if here else settings.TIME_ZONE)
    said = {"by": row.by, "when": within(moment(row.at, now, zone)), "reason": row.reason}
    are_hidden = row.thing.startswith(PERSONAL) and not rights.may(Deed.SEE_HOUSEHOLDS, row.community_id)
    return AuditLine(
        number=row.pk,
        deed=deed_text(Deed(row.deed)) if row.deed in list(Deed) else row.deed,
        place=community_name(here) if here else gettext("The whole town"),
        said=gettext("%(by)s, %(when)s: %(reason)s") % said,
        thing=row.thing,
        changes=() if are_hidden else tuple(_changes(row)),
        are_hidden=are_hidden,
    )


def _changes(row: AuditEntry) -> list[tuple[str, str, str]]:
    before, after = (_read(bytes(part)) for part in (row.before, row.after))
    return [(name, _shown(before.get(name)), _shown(after.get(name))) for name in dict(before | after)]


def _read(kept: bytes) -> dict[str, object]:
    """Return kept values; none where an erasure emptied them."""
    return msgspec.json.decode(kept, type=dict[str, object]) if kept else {}


def _shown(value: object) -> str:
    return "–" if value is None or value == "" else str(value)
