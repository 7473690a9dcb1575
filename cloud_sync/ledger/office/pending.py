"""What needs a person's decision, as values: set aside, alarms, held points, debts. Bounded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet

from cloud_sync.ledger.intake.parse import Reason
from cloud_sync.ledger.points.held import SUSPECTED, UNBOUND
from cloud_sync.ledger.points.models import Debt, VisitSettlement
from cloud_sync.ledger.stations.models import Alarm, Community, Conflict, Dismissal, Event, EventState, Stray
from cloud_sync.rules.award_rules import HeldBy
from config.errors import InputError
from config.reading import typed

SHOWN = 200
"""Rows of one kind that a list gives."""
LONGEST_NUMBER = 18
"""Digits that fit the database's integers."""
STRAY = "stray"
"""The reason of something that names no event."""
OF_A_TABLE = {Reason.CONFLICT.value: Dismissal.Kind.CONFLICT, STRAY: Dismissal.Kind.STRAY}
"""Reasons that all rows of one table have; events have theirs in a column."""
LONGEST: dict[HeldBy, timedelta] = {HeldBy.UNKNOWN_CARD: UNBOUND, HeldBy.CHEATING: SUSPECTED}
"""How long points are held; those of other reasons are held until a person decides."""
ANYWHERE = "*"
"""The community of an alarm about unknown stations beyond `alarms.MAX_STRANGERS`."""

Row = Event | Conflict | Stray
Communities = Collection[Community]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something from a station that the ledger could not apply; `number` identifies it."""

    community: Community
    number: str
    """`e` and an event's key, `c` and a conflict's, `s` and a stray's."""
    station: str
    name: str
    """Epoch and sequence; empty for what names no event."""
    reason: str
    came: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """One visit with held points; `number` is its event's primary key."""

    number: int
    community: str
    station: str
    household: str
    """Empty while its card belongs to none."""
    card: str
    points: int
    reason: HeldBy
    since: datetime
    until: datetime | None
    """When the hold ends by itself; None if only a person ends it."""


def set_aside(communities: Communities, shown: int = SHOWN) -> list[Quarantined]:
    """Return what was set aside and not dismissed, the latest first."""
    rows: list[Row] = []
    for kind in Dismissal.Kind:
        here = _listed(kind).filter(station__community__in=communities).select_related("station")
        rows += here.order_by("-received_at", "-pk")[:shown]
    homes = {community.pk: community for community in communities}
    newest_first = sorted(rows, key=attrgetter("received_at"), reverse=True)[:shown]
    return [_aside(row, homes[row.station.community_id]) for row in newest_first]


def _listed(kind: Dismissal.Kind) -> QuerySet[Any]:
    """Return the rows of one table that are set aside and not dismissed."""
    tables: dict[Dismissal.Kind, QuerySet[Any]] = {
        Dismissal.Kind.EVENT: Event.objects.filter(state=EventState.REFUSED),
        Dismissal.Kind.CONFLICT: Conflict.objects.all(),
        Dismissal.Kind.STRAY: Stray.objects.all(),
    }
    return tables[kind].exclude(pk__in=Dismissal.rows(kind))


def find_aside(community: Community, number: str) -> Row:
    """Return what was set aside under this number; InputError for none."""
    name = typed.slug(number)
    letter, key = name[:1], name[1:]
    found: Row | None = None
    if key.isdecimal() and len(key) <= LONGEST_NUMBER:
        here = {"pk": int(key), "station__community": community}
        match letter:
            case "e":
                found = Event.objects.filter(**here, state=EventState.REFUSED).first()
            case "c":
                found = Conflict.objects.filter(**here).first()
            case "s":
                found = Stray.objects.filter(**here).first()
    if found is None:
        raise InputError(f"nothing is set aside as {number!r}", "see: tongzhan ledger aside list --config F")
    return found


def find_all_aside(community: Community, slug: str, reason: str) -> list[str]:
    """Return the numbers of all that is set aside of a station for this reason; InputError for none."""
    kind, of_reason = Dismissal.Kind.EVENT, {"reason": reason}
    if reason in OF_A_TABLE:
        kind, of_reason = OF_A_TABLE[reason], {}
    rows = _listed(kind).filter(station__community=community, station__slug=typed.slug(slug), **of_reason)
    found = [f"{kind}{key}" for key in rows.order_by("pk").values_list("pk", flat=True)]
    if not found:
        raise InputError(
            f"nothing of {slug} is set aside as {reason}", "see: tongzhan ledger aside list --config F"
        )
    return found


def first_of(conflict: Conflict) -> Event:
    """Return the event that a conflict contradicts: the one that came first, and counts."""
    return Event.objects.get(station=conflict.station_id, epoch=conflict.epoch, sequence=conflict.sequence)


def held(communities: Communities, shown: int = SHOWN) -> list[Held]:
    """Return visits with held points, the longest first."""
    rows = VisitSettlement.objects.filter(community__in=communities, held_since__isnull=False)
    rows = rows.select_related("event__station", "household", "community").order_by("held_since", "pk")
    return [_held(row) for row in rows[:shown]]


def find_held(community: Community, number: int) -> VisitSettlement:
    """Return the settled visit of this event; InputError for none."""
    found = VisitSettlement.objects.filter(community=community, pk=number).first()
    if found is None:
        raise InputError(f"no visit {number}", "see: tongzhan ledger held list --config F")
    return found


def held_at(community: Community, slug: str, reason: str) -> list[VisitSettlement]:
    """Return all visits of a station held for this reason, the longest first; InputError for none."""
    rows = VisitSettlement.objects.filter(
        community=community, event__station__slug=slug, held_by=reason, held_since__isnull=False
    )
    found = list(rows.select_related("community").order_by("held_since", "pk"))
    if not found:
        raise InputError(
            f"no visit of {slug} waits for {reason}", "see: tongzhan ledger held list --config F"
        )
    return found


def open_alarms(communities: Communities, shown: int = SHOWN, *, of_town: bool = True) -> list[Alarm]:
    """Return the open alarms, with `of_town` those of the whole ledger too, the latest first."""
    slugs = [community.slug for community in communities] + [ANYWHERE] * of_town
    alarms = Alarm.objects.filter(community__in=slugs, closed_at=None)
    return list(alarms.order_by("-last_at", "-pk")[:shown])


def find_alarm(community: Community, number: int, *, of_town: bool = True) -> Alarm:
    """Return an open alarm, with `of_town` also one of the whole ledger; InputError for none."""
    slugs = [community.slug] + [ANYWHERE] * of_town
    alarms = Alarm.objects.filter(community__in=slugs, closed_at=None)
    if (found := alarms.filter(pk=number).first()) is None:
        raise InputError(f"no open alarm {number}", "see: tongzhan ledger alarm list --config F")
    return found


def open_debts(communities: Communities, shown: int = SHOWN) -> list[Debt]:
    """Return what households still owe, the oldest first."""
    debts = Debt.objects.filter(household__community__in=communities, left__gt=0)
    with_all = debts.select_related("household__community", "decision", "forgiveness", "reverses")
    return list(with_all.order_by("pk")[:shown])


def find_debt(community: Community, number: int) -> Debt:
    """Return the debt of this number; InputError for none."""
    found = Debt.objects.filter(household__community=community, pk=number).first()
    if found is None:
        raise InputError(f"no debt {number}", "see: tongzhan ledger debt list --config F")
    return found


def _aside(row: Row, community: Community) -> Quarantined:
    match row:
        case Event():
            letter, name, reason = "e", f"{row.epoch}/{row.sequence}", row.reason
        case Conflict():
            letter, name, reason = "c", f"{row.epoch}/{row.sequence}", Reason.CONFLICT.value
        case Stray():
            letter, name, reason = "s", "", STRAY
    return Quarantined(community, f"{letter}{row.pk}", row.station.slug, name, reason, row.received_at)


def _held(row: VisitSettlement) -> Held:
    reason, since = HeldBy(row.held_by), row.held_since or row.event.received_at
    return Held(
        number=row.event_id,
        community=row.community.slug,
        station=row.event.station.slug,
        household=str(row.household or ""),
        card=row.card_hash[:12],
        points=row.held,
        reason=reason,
        since=since,
        until=since + LONGEST[reason] if reason in LONGEST else None,
    )
