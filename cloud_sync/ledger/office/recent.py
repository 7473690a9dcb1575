"""What people decided lately in the office, with a way back where the ledger allows one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, gettext_noop

from cloud_sync.ledger.office.items import Action, Done, action_url
from cloud_sync.ledger.office.texts import ALARMS, counted, explained
from cloud_sync.ledger.points.models import ChainHead, Debt, Transfer
from cloud_sync.ledger.points.posting import Purpose
from cloud_sync.ledger.statement.texts import moment, within
from cloud_sync.ledger.stations.models import Alarm, Community, Dismissal
from cloud_sync.ledger.stations.watch import LEDGER

_WORDS = {
    Purpose.RELEASE: gettext_noop("Gave %(points)s to %(household)s"),
    Purpose.RETURN: gettext_noop("Did not give %(points)s to %(household)s"),
    Purpose.CORRECTION: gettext_noop("Took back %(points)s from %(household)s"),
}
SHOWN = 20
REACH = 5000
"""Transfers at the chain's end that are looked through: decisions have no index."""


def recent(community: Community, now: datetime, zone: ZoneInfo) -> tuple[Done, ...]:
    """Return the latest decisions, the newest first."""
    found = [*_points(community), *_dismissals(community), *_alarms(community)]
    found.sort(key=lambda pair: pair[0], reverse=True)
    return tuple(_done(at, row, now, zone) for at, row in found[:SHOWN])


def _done(at: datetime, row: tuple[str, str, str, Action | None], now: datetime, zone: ZoneInfo) -> Done:
    what, by, reason, undo = row
    said = {"by": by, "when": within(moment(at, now, zone)), "reason": reason}
    decided = gettext("%(by)s, %(when)s: %(reason)s") if reason else gettext("%(by)s, %(when)s")
    return Done(what, decided % said, undo)


Found = tuple[datetime, tuple[str, str, str, Action | None]]


def _points(community: Community) -> Iterator[Found]:
    head = ChainHead.objects.get(community=community).position
    rows = Transfer.objects.filter(
        community=community, position__gt=head - REACH, decision__isnull=False, purpose__in=_WORDS
    ).select_related("decision", "household")
    shown = list(rows.order_by("-position")[:SHOWN])
    corrected = set(Transfer.objects.filter(reverses__in=shown).values_list("reverses", flat=True))
    corrected |= set(Debt.objects.filter(reverses__in=shown).values_list("reverses", flat=True))
    for row in shown:
        if row.decision is None:
            continue
        points = counted(row.points)
        whose = row.household.code if row.household else gettext("an unregistered card")
        said = {"points": points, "household": whose}
        what = gettext(_WORDS[Purpose(row.purpose)]) % said
        undo = None
        if row.purpose == Purpose.RELEASE and row.pk not in corrected:
            undo = _take_back(row, points)
        yield row.created_at, (what, row.decision.by, row.decision.reason, undo)


def _take_back(row: Transfer, points: str) -> Action:
    return Action(
        url=action_url("office-take-back", row.position),
        label=gettext("Take back"),
        effect=gettext("%(points)s go back. What was spent is deducted from later points.")
        % {"points": points},
        submit=gettext("Take back %(points)s") % {"points": points},
    )


def _dismissals(community: Community) -> Iterator[Found]:
    for row in Dismissal.objects.filter(community=community, ended_at=None).order_by("-pk")[:SHOWN]:
        number = f"{row.kind}{row.row}"
        again = Action(
            url=action_url("office-show-again", number),
            label=gettext("Show again"),
            effect=gettext("It comes back to the list of what is set aside."),
            submit=gettext("Show it again"),
            fields=(),
        )
        what = gettext("Taken off the list: %(number)s") % {"number": number}
        yield row.dismissed_at, (what, row.by, row.reason, again)


def _alarms(community: Community) -> Iterator[Found]:
    rows = Alarm.objects.filter(community=community.slug, closed_at__isnull=False).exclude(closed_by=LEDGER)
    for row in rows.order_by("-closed_at")[:SHOWN]:
        if row.closed_at is not None:
            what = gettext("Closed: %(what)s") % {"what": explained(row.reason, ALARMS).what}
            yield row.closed_at, (what, row.closed_by, "", None)
