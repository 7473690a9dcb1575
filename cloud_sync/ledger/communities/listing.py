"""Communities and their changes, for lists and scripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from cloud_sync.ledger.communities.facts import sorting_name
from cloud_sync.ledger.points.models import ChainHead, Household, Rules
from cloud_sync.ledger.stations.models import Community, CommunityChange


@dataclass(frozen=True, slots=True)
class CommunitySummary:
    """One community in a list of them."""

    slug: str
    name_zh: str
    name_en: str
    timezone: str
    language: str
    sorting: str
    """A shipped city, or the city of its own rules."""
    rules: tuple[int, ...]
    """Versions of its award rules."""
    daily_mint_limit: int
    stations: int
    """In service."""
    households: int
    moved_out: bool
    """Whether it lives in another ledger."""

    def as_json(self) -> dict[str, object]:
        """Return the values for a script."""
        return {**asdict(self), "rules": list(self.rules)}

    def line(self) -> str:
        """Return the values as one line for a person."""
        versions = ", ".join(map(str, self.rules)) or "none"
        return (
            f"{self.slug} ({self.name_zh} · {self.name_en}): {self.timezone}, {self.language}, sorting "
            f"{self.sorting}, rules {versions}, {self.daily_mint_limit} points a day and station, "
            f"{self.stations} stations, {self.households} households"
            f"{', moved to another ledger' if self.moved_out else ''}"
        )


def summary(community: Community) -> CommunitySummary:
    """Return a community's facts, and its numbers of stations and households."""
    rules = Rules.objects.filter(community=community).order_by("version")
    return CommunitySummary(
        slug=community.slug,
        name_zh=community.name_zh,
        name_en=community.name_en,
        timezone=community.timezone,
        language=community.language,
        sorting=sorting_name(community),
        rules=tuple(rules.values_list("version", flat=True)),
        daily_mint_limit=community.daily_mint_limit,
        stations=community.stations.filter(active=True).count(),
        households=Household.objects.filter(community=community).count(),
        moved_out=ChainHead.objects.filter(community=community, moved_out=True).exists(),
    )


def changes(community: Community) -> list[dict[str, object]]:
    """Return every change of a community, the oldest first: who, when, why, values before and after."""
    return [_change(row) for row in CommunityChange.objects.filter(community=community).order_by("pk")]


def change_lines(found: Sequence[dict[str, object]]) -> list[str]:
    """Return changes as lines for a person."""
    return [
        f"{row['at']}  {row['by']}: {row['reason']}  {json.dumps(row['before'], ensure_ascii=False)} -> "
        f"{json.dumps(row['after'], ensure_ascii=False)}"
        for row in found
    ]


def _change(row: CommunityChange) -> dict[str, object]:
    return {
        "at": row.changed_at.isoformat(timespec="seconds"),
        "by": row.by,
        "reason": row.reason,
        "before": json.loads(row.before),
        "after": json.loads(row.after),
    }
