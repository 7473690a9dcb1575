"""Recent decisions of the office, with an undo where the ledger allows one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext, gettext_noop

from cloud_sync.ledger.office.items import Action, Done, Shown
from cloud_sync.ledger.office.texts import ALARMS, counted, explained
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.models import ChainHead, Debt, Transfer
from cloud_sync.ledger.points.posting import Purpose
from cloud_sync.ledger.statement.texts import moment, within
from cloud_sync.ledger.stations.models import Alarm, Community, Dismissal
from cloud_sync.ledger.stations.names import community_name
from cloud_sync.ledger.stations.watch import LEDGER

_WORDS = {
    Purpose.RELEASE: gettext_noop("Gave %(points)s to %(household)s"),
    Purpose.RETURN: gettext_noop("Did not give %(points)s to %(household)s"),
    Purpose.CORRECTION: gettext_noop("Took back %(points)s from %(household)s"),
}
SHOWN = 20
REACH = 5000
"""Transfers searched from the chain's end, because decisions have no index."""


def recent(shown: Shown, now: datetime) -> tuple[Done, ...]:
    """Return the latest decisions, the newest first."""
    found = [*_points(shown), *_dismissals(shown), *_alarms(shown)]
    found.sort(key=lambda row: row.at, reverse=True)
    return tuple(_done(row, now, are_named=shown.are_named) for row in found[:SHOWN])


@dataclass(frozen=True, slots=True)
class _Decided:
    at: datetime
    community: Community
    what: str
    by: str
    reason: str
    undo: Action | None = None


def _done(row: _Decided, now: datetime, *, are_named: bool) -> Done:
    zone, reason = ZoneInfo(row.community.timezone), row.reason
    said = {"by": row.by, "when": within(moment(row.at, now, zone)), "reason": reason}
    decided = gettext("%(by)s, %(when)s: %(reason)s") if reason else gettext("%(by)s, %(when)s")
    what = f"{community_name(row.community)}: {row.what}" if are_named else row.what
    return Done(what, decided % said, row.undo)


def _points(shown: Shown) -> Iterator[_Decided]:
    homes = {community.pk: community for community in shown.where(Deed.SEE_POINTS)}
    near = [
        Q(community=head.community_id, position__gt=head.position - REACH)
        for head in ChainHead.objects.filter(community__in=homes)
    ]
    rows = Transfer.objects.filter(
        reduce(or_, near, Q(pk=None)), decision__isnull=False, purpose__in=_WORDS
    ).select_related("decision", "household")
    latest = list(rows.order_by("-created_at", "-position")[:SHOWN])
    corrected = set(Transfer.objects.filter(reverses__in=latest).values_list("reverses", flat=True))
    corrected |= set(Debt.objects.filter(reverses__in=latest).values_list("reverses", flat=True))
    for row in latest:
        if row.decision is None:
            continue
        here, points = homes[row.community_id], counted(row.points)
        whose = row.household.code if row.household else gettext("an unregistered card")
        said = {"points": points, "household": whose}
        what = gettext(_WORDS[Purpose(row.purpose)]) % said
        undo = None
        if (
            row.purpose == Purpose.RELEASE
            and row.pk not in corrected
            and shown.rights.may(Deed.TAKE_BACK, here.pk)
        ):
            undo = _take_back(shown.action_url("office-take-back", here, row.position), points)
        yield _Decided(row.created_at, here, what, row.decision.by, row.decision.reason, undo)


def _take_back(url: str, points: str) -> Action:
    return Action(
        deed=Deed.TAKE_BACK,
        url=url,
        label=gettext("Take back"),
        effect=gettext("%(points)s go back. What was spent is deducted from later points.")
        % {"points": points},
        submit=gettext("Take back %(points)s") % {"points": points},
    )


def _dismissals(shown: Shown) -> Iterator[_Decided]:
    rows = Dismissal.objects.filter(community__in=shown.where(Deed.SEE_ASIDE), ended_at=None).select_related(
        "community"
    )
    for row in rows.order_by("-pk")[:SHOWN]:
        number = f"{row.kind}{row.row}"
        again = Action(
            deed=Deed.DECIDE_ASIDE,
            url=shown.action_url("office-show-again", row.community, number),
            label=gettext("Show again"),
            effect=gettext("It comes back to the list of what is set aside."),
            submit=gettext("Show it again"),
            fields=(),
        )
        undo = next(iter(shown.allowed(row.community, [again])), None)
        what = gettext("Taken off the list: %(number)s") % {"number": number}
        yield _Decided(row.dismissed_at, row.community, what, row.by, row.reason, undo)


def _alarms(shown: Shown) -> Iterator[_Decided]:
    homes = {community.slug: community for community in shown.where(Deed.SEE_STATIONS)}
    rows = Alarm.objects.filter(community__in=homes, closed_at__isnull=False).exclude(closed_by=LEDGER)
    for row in rows.order_by("-closed_at")[:SHOWN]:
        if row.closed_at is not None:
            what = gettext("Closed: %(what)s") % {"what": explained(row.reason, ALARMS).what}
            yield _Decided(row.closed_at, homes[row.community], what, row.closed_by, "")
