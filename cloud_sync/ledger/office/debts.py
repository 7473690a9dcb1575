"""What households owe after corrections, as values: since when, why, what paid of it, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, ngettext

from cloud_sync.ledger.office.pending import open_debts
from cloud_sync.ledger.points.models import Debt, DebtPart, Decision
from cloud_sync.ledger.statement.texts import moment
from cloud_sync.ledger.stations.models import Community
from cloud_sync.ledger.stations.names import community_name, station_name

SHOWN = 50
"""Debts that are still owed; a command lists more."""
ENDED = 20
PAYMENTS = 5
"""Of one debt, the latest; earlier ones are counted."""


class Standing(StrEnum):
    """How a debt stands; its icon has the same name."""

    OWED = "owed"
    PAID = "paid"
    FORGIVEN = "forgiven"


@dataclass(frozen=True, slots=True)
class DebtItem:
    """One debt, in words."""

    number: str
    household: str
    standing: Standing
    word: str
    """Of its standing."""
    points: str
    """What is left, or what it was once it ended."""
    correction: str
    decided: str
    """Who corrected, when, and why."""
    payments: tuple[str, ...]
    earlier: str
    """That there are more payments; empty if not."""
    forgiven: str
    """Who let the household off what was left, when, and why; empty if nobody did."""


@dataclass(frozen=True, slots=True)
class DebtsPage:
    """What is owed, the oldest first, and what ended last."""

    place: str
    owed: tuple[DebtItem, ...]
    ended: tuple[DebtItem, ...]
    more: bool
    """Whether more is owed than is shown."""


def debts_page(community: Community, now: datetime) -> DebtsPage:
    """Debts as they stand at `now`."""
    owed = open_debts(community, SHOWN + 1)
    ended = Debt.objects.filter(household__community=community, left=0).order_by("-pk")[:ENDED]
    shown = [*owed[:SHOWN], *ended.select_related("household", "decision", "forgiveness", "reverses")]
    writer = _DebtWriter(ZoneInfo(community.timezone), now, _parts(shown))
    items = [writer.item(row) for row in shown]
    still = min(len(owed), SHOWN)
    place = community_name(community)
    return DebtsPage(place, tuple(items[:still]), tuple(items[still:]), more=len(owed) > SHOWN)


def _parts(debts: Sequence[Debt]) -> dict[int, list[DebtPart]]:
    """By debt, what offsets paid of it, the latest first."""
    found: dict[int, list[DebtPart]] = {debt.pk: [] for debt in debts}
    rows = DebtPart.objects.filter(debt__in=debts).select_related("transfer__event__station")
    for part in rows.order_by("-pk"):
        found[part.debt_id].append(part)
    return found


@dataclass(frozen=True, slots=True)
class _DebtWriter:
    zone: ZoneInfo
    now: datetime
    parts: dict[int, list[DebtPart]]

    def item(self, debt: Debt) -> DebtItem:
        parts = self.parts[debt.pk]
        standing = _standing(debt)
        return DebtItem(
            number=str(debt.pk),
            household=" · ".join(filter(None, (debt.household.code, debt.household.name))),
            standing=standing,
            word=_word(standing),
            points=_points(debt.left or debt.points),
            correction=_correction(debt),
            decided=self._decided(debt.decision),
            payments=tuple(self._payment(part) for part in parts[:PAYMENTS]),
            earlier=_earlier(len(parts) - PAYMENTS),
            forgiven=self._forgiven(debt),
        )

    def _decided(self, decision: Decision) -> str:
        told = {"by": decision.by, "when": self._when(decision.decided_at), "reason": decision.reason}
        return gettext("%(by)s, %(when)s: %(reason)s") % told

    def _payment(self, part: DebtPart) -> str:
        told = {
            "when": self._when(part.transfer.created_at),
            "points": _points(part.points),
            "station": station_name(part.transfer.event.station),
        }
        return gettext("%(when)s: %(points)s, from a visit to %(station)s") % told

    def _forgiven(self, debt: Debt) -> str:
        if debt.forgiveness is None:
            return ""
        told = {"points": _points(debt.forgiven), "decided": self._decided(debt.forgiveness)}
        return gettext("%(points)s let off. %(decided)s") % told

    def _when(self, at: datetime) -> str:
        return moment(at, self.now, self.zone)


def _standing(debt: Debt) -> Standing:
    if debt.left:
        return Standing.OWED
    return Standing.FORGIVEN if debt.forgiven else Standing.PAID


def _word(standing: Standing) -> str:
    match standing:
        case Standing.OWED:
            return gettext("Still owed")
        case Standing.PAID:
            return gettext("Paid")
        case Standing.FORGIVEN:
            return gettext("Let off")


def _points(points: int) -> str:
    return ngettext("%(points)d point", "%(points)d points", points) % {"points": points}


def _correction(debt: Debt) -> str:
    told = {"position": debt.reverses.position, "points": _points(debt.reverses.points)}
    if debt.points == debt.reverses.points:
        return gettext("A correction took back transfer %(position)d, %(points)s; all was spent.") % told
    text = gettext("A correction took back transfer %(position)d, %(points)s; %(owed)s had been spent.")
    return text % (told | {"owed": _points(debt.points)})


def _earlier(times: int) -> str:
    if times <= 0:
        return ""
    text = ngettext("and %(times)d earlier payment", "and %(times)d earlier payments", times)
    return text % {"times": times}
