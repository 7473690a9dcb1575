"""Groups held visits by card or by station, so that a person decides on them together."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, QuerySet, Sum

from cloud_sync.ledger.points.models import VisitSettlement
from cloud_sync.ledger.stations.models import Community
from cloud_sync.rules.award_rules import HeldBy

OF_A_CARD = (HeldBy.UNKNOWN_CARD, HeldBy.CHEATING)
"""Reasons that concern one card; all others concern a station."""


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """Visits that are held for one reason, of one card or of one station."""

    newest: VisitSettlement
    """Its event's number names the group; later visits are not in it."""
    visits: int
    cards: int
    points: int
    since: datetime
    last_tap: VisitSettlement | None = None
    """The latest visit of a card that belongs to no household."""

    @property
    def reason(self) -> HeldBy:
        """Return why the points are held."""
        return HeldBy(self.newest.held_by)


def held_groups(communities: Collection[Community], shown: int) -> list[HeldGroup]:
    """Return groups of held visits, longest held first; equal cards of two communities are two groups."""
    waiting = VisitSettlement.objects.filter(community__in=communities, held_since__isnull=False)
    found = [
        *_figures(waiting.filter(held_by__in=OF_A_CARD), "card_hash"),
        *_figures(waiting.exclude(held_by__in=OF_A_CARD), "event__station"),
    ]
    found = sorted(found, key=lambda row: (row["since"], row["newest"]))[:shown]
    newest = _visits(row["newest"] for row in found)
    taps = _last_taps({(row.community_id, row.card_hash) for row in newest.values() if row.household is None})
    return [
        HeldGroup(
            newest=newest[row["newest"]],
            visits=row["count"],
            cards=row["cards"],
            points=row["points"],
            since=row["since"],
            last_tap=taps.get(_card(newest[row["newest"]])),
        )
        for row in found
    ]


def group_of(newest: VisitSettlement) -> QuerySet[VisitSettlement]:
    """Return the held visits of the group that a visit names, up to that visit; none once it is decided."""
    waiting = VisitSettlement.objects.filter(
        community=newest.community, held_since__isnull=False, held_by=newest.held_by, pk__lte=newest.pk
    )
    if newest.held_by in OF_A_CARD:
        waiting = waiting.filter(card_hash=newest.card_hash)
    else:
        waiting = waiting.filter(event__station=newest.event.station_id)
    return waiting.select_related("community", "event").order_by("pk")


def _figures(waiting: QuerySet[VisitSettlement], by: str) -> list[dict[str, Any]]:
    rows = waiting.values("community", "held_by", by).annotate(
        count=Count("pk"),
        cards=Count("card_hash", distinct=True),
        points=Sum("held"),
        since=Min("held_since"),
        newest=Max("event_id"),
    )
    return list(rows)


def _last_taps(cards: set[tuple[int, str]]) -> dict[tuple[int, str], VisitSettlement]:
    """Return the latest visit of each of these cards of communities, none of which has a household."""
    hashes = {hash_ for _, hash_ in cards}
    homes = {community for community, _ in cards}
    rows = VisitSettlement.objects.filter(community__in=homes, card_hash__in=hashes, household=None)
    latest = rows.values("community", "card_hash").annotate(newest=Max("event_id"))
    visits = _visits(row["newest"] for row in latest)
    return {_card(visit): visit for visit in visits.values()}


def _card(visit: VisitSettlement) -> tuple[int, str]:
    """Return a card's key: its community and its hash."""
    return visit.community_id, visit.card_hash


def _visits(events: Iterable[int]) -> dict[int, VisitSettlement]:
    rows = VisitSettlement.objects.filter(pk__in=list(events))
    return {row.pk: row for row in rows.select_related("community", "event__station", "household")}
