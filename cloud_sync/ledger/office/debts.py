"""Debts of households after corrections, as values: since when, why, what was repaid, how each ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, ngettext

from cloud_sync.ledger.office.items import Choice, Shown, chosen_query
from cloud_sync.ledger.office.pending import open_debts
from cloud_sync.ledger.office.texts import counted, named
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.models import Debt, DebtPart, Decision
from cloud_sync.ledger.statement.texts import moment, within
from cloud_sync.ledger.stations.models import Community
from cloud_sync.ledger.stations.names import community_name, place_name, station_name

SHOWN = 50
"""Open debts; a command lists more."""
ENDED = 20
PAYMENTS = 5
"""Latest payments shown of one debt; earlier ones are counted."""


class Standing(StrEnum):
    """State of a debt; its icon has the same name."""

    OWED = "owed"
    PAID = "paid"
    FORGIVEN = "forgiven"


@dataclass(frozen=True, slots=True)
class DebtItem:
    """One debt, in words."""

    number: str
    place: str
    """The community's name where several are shown, else empty."""
    waive_url: str
    """Empty if the officer may not waive it."""
    household: str
    standing: Standing
    word: str
    """Its standing in words."""
    points: str
    """Points still owed; once the debt has ended, its original points."""
    correction: str
    decided: str
    """Who corrected, when, and why."""
    payments: tuple[str, ...]
    earlier: str
    """A note about earlier payments; empty if there are none."""
    forgiven: str
    """Who waived the rest, when, and why; empty if nobody did."""


@dataclass(frozen=True, slots=True)
class DebtsPage:
    """Open debts, the oldest first, and the debts that ended most recently."""

    place: str
    choices: tuple[Choice, ...]
    owed: tuple[DebtItem, ...]
    ended: tuple[DebtItem, ...]
    more: bool
    """Whether there are more open debts than are shown."""

    @property
    def query(self) -> str:
        """Return what keeps the chosen community in an address; empty where none is chosen."""
        return chosen_query(self.choices)


def debts_page(shown: Shown, choices: tuple[Choice, ...], now: datetime) -> DebtsPage:
    """Build the page of debts as they stand at `now`."""
    here = shown.where(Deed.SEE_POINTS)
    owed = open_debts(here, SHOWN + 1)
    ended = Debt.objects.filter(household__community__in=here, left=0).order_by("-pk")[:ENDED]
    related = ("household__community", "decision", "forgiveness", "reverses")
    rows = [*owed[:SHOWN], *ended.select_related(*related)]
    parts = _parts(rows)
    items = [_DebtWriter(shown, row.household.community, now, parts).item(row) for row in rows]
    still = min(len(owed), SHOWN)
    place = place_name(shown.communities)
    return DebtsPage(place, choices, tuple(items[:still]), tuple(items[still:]), more=len(owed) > SHOWN)


def _parts(debts: Sequence[Debt]) -> dict[int, list[DebtPart]]:
    """Return the repayments of each debt, the latest first."""
    found: dict[int, list[DebtPart]] = {debt.pk: [] for debt in debts}
    rows = DebtPart.objects.filter(debt__in=debts).select_related("transfer__event__station")
    for part in rows.order_by("-pk"):
        found[part.debt_id].append(part)
    return found


@dataclass(frozen=True, slots=True)
class _DebtWriter:
    shown: Shown
    community: Community
    now: datetime
    parts: dict[int, list[DebtPart]]

    def item(self, debt: Debt) -> DebtItem:
        parts = self.parts[debt.pk]
        standing = _standing(debt)
        return DebtItem(
            number=str(debt.pk),
            place=community_name(self.community) if self.shown.are_named else "",
            waive_url=self.shown.action_url("office-forgive", self.community, debt.pk)
            if self._may(Deed.FORGIVE_DEBT)
            else "",
            household=named(debt.household, with_name=self._may(Deed.SEE_HOUSEHOLDS)),
            standing=standing,
            word=_word(standing),
            points=counted(debt.left or debt.points),
            correction=_correction(debt),
            decided=self._decided(debt.decision),
            payments=tuple(self._payment(part) for part in parts[:PAYMENTS]),
            earlier=_earlier(len(parts) - PAYMENTS),
            forgiven=self._forgiven(debt),
        )

    def _may(self, deed: Deed) -> bool:
        return self.shown.rights.may(deed, self.community.pk)

    def _decided(self, decision: Decision) -> str:
        said = {"by": decision.by, "when": within(self._when(decision.decided_at)), "reason": decision.reason}
        return gettext("%(by)s, %(when)s: %(reason)s") % said

    def _payment(self, part: DebtPart) -> str:
        said = {
            "when": self._when(part.transfer.created_at),
            "points": counted(part.points),
            "station": station_name(part.transfer.event.station),
        }
        return gettext("%(when)s: %(points)s, from a visit to %(station)s") % said

    def _forgiven(self, debt: Debt) -> str:
        if debt.forgiveness is None:
            return ""
        said = {"points": counted(debt.forgiven), "decided": self._decided(debt.forgiveness)}
        return gettext("%(points)s waived. %(decided)s") % said

    def _when(self, at: datetime) -> str:
        return moment(at, self.now, ZoneInfo(self.community.timezone))


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
            return gettext("Waived")


def _correction(debt: Debt) -> str:
    said = {"position": debt.reverses.position, "points": counted(debt.reverses.points)}
    if debt.points == debt.reverses.points:
        return gettext("A correction took back transfer %(position)d, %(points)s; all was spent.") % said
    text = gettext("A correction took back transfer %(position)d, %(points)s; %(owed)s had been spent.")
    return text % (said | {"owed": counted(debt.points)})


def _earlier(times: int) -> str:
    if times <= 0:
        return ""
    text = ngettext("and %(times)d earlier payment", "and %(times)d earlier payments", times)
    return text % {"times": times}
