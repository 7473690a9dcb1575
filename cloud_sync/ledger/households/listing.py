"""The list of a community's households."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from cloud_sync.ledger.households.register import ERASED
from cloud_sync.ledger.points.models import Household
from cloud_sync.ledger.stations.models import Community


@dataclass(frozen=True, slots=True)
class HouseholdSummary:
    """A household as a list shows it."""

    code: str
    name: str
    cards: int
    points: int


def households(community: Community, after: Household | None, most: int) -> list[HouseholdSummary]:
    """Return up to `most` households by code, those after `after`; none that were erased."""
    rows = Household.objects.filter(community=community).exclude(code__startswith=ERASED)
    if after is not None:
        rows = rows.filter(code__gt=after.code)
    counted = rows.annotate(bound=Count("cards")).order_by("code")
    return [
        HouseholdSummary(*row)
        for row in counted.values_list("code", "name", "bound", "account__balance")[:most]
    ]
