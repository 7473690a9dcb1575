"""Open alarms and their history on the pages, as values in the language that is activated."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext, gettext_noop, ngettext

from cloud_sync.ledger.fleet.alarms import OTHERS, By, LedgerFault
from cloud_sync.ledger.fleet.models import AlarmChange, ChangeKind, StationAlarm
from cloud_sync.ledger.fleet.waiting import Group, Open
from cloud_sync.ledger.officers.rights import Deed, Rights
from cloud_sync.ledger.site.language import localized
from cloud_sync.ledger.statement.texts import moment, within
from cloud_sync.ledger.stations.models import Community, Station
from cloud_sync.ledger.stations.names import community_name
from config.words import Words, load_words

HISTORY = 30
"""Latest lines of a station's history that its page shows."""
USUAL = timedelta(hours=8)
"""What a form proposes."""
OWN: dict[str, tuple[str, str]] = {
    LedgerFault.OFFLINE: (
        gettext_noop("Station offline"),
        gettext_noop("See whether it has power and network. It keeps its records meanwhile."),
    ),
    LedgerFault.LINE_CUT: (
        gettext_noop("The community's line is cut"),
        gettext_noop("Most of its stations fell silent together. Have its network connection checked."),
    ),
    LedgerFault.TOWN_CUT: (
        gettext_noop("Many stations of the town fell silent together"),
        gettext_noop("Have the message server and its network connection checked."),
    ),
    LedgerFault.BROKER_AWAY: (
        gettext_noop("The ledger cannot reach the message server"),
        gettext_noop("Have the message server checked. Stations keep their records meanwhile."),
    ),
    OTHERS: (
        gettext_noop("More faults than are listed"),
        gettext_noop("Have the station checked: it reports more different faults than a station can have."),
    ),
}
"""Title and mend of the faults that the ledger itself raises."""


@cache
def _words() -> Words:
    return load_words()


def fault_title(fault: str) -> str:
    """Return a fault's title; of one that this version does not know, its code."""
    if fault in OWN:
        return gettext(OWN[fault][0])
    words = _words().fault.get(fault)
    return fault if words is None else localized(words.title.zh, words.title.en)


def fault_mend(fault: str) -> str:
    """Return what to do about a fault; empty for one that this version does not know."""
    if fault in OWN:
        return gettext(OWN[fault][1])
    words = _words().fault.get(fault)
    return "" if words is None else localized(words.mend.zh, words.mend.en)


@dataclass(frozen=True, slots=True)
class AlarmItem:
    """One open alarm with the forms that the officer may send."""

    number: int
    title: str
    mend: str
    facts: tuple[str, ...]
    silent: str
    """Why and until when it is silent; empty while it waits for a person."""
    acknowledge_url: str
    close_url: str
    """Empty where the officer may not."""


@dataclass(frozen=True, slots=True)
class Flood:
    """Many alarms of a station within minutes, shown as one."""

    title: str
    items: tuple[AlarmItem, ...]


@dataclass(frozen=True, slots=True)
class AlarmWriter:
    """Puts alarms into words for one reader."""

    rights: Rights
    community: Community | None
    """Where the page's addresses lead; None if the officer has none."""
    now: datetime
    query: str = ""
    """Keeps a chosen community in addresses."""

    def group(self, group: Group) -> Flood:
        """Put a group into words; a flood has a title, a single alarm none."""
        items = tuple(self.item(one) for one in group.alarms)
        return Flood(flood_title(group) if group.is_flood else "", items)

    def item(self, one: Open) -> AlarmItem:
        """Put an open alarm into words."""
        row = one.row
        times = ngettext("%(times)d time", "%(times)d times", row.times) % {"times": row.times}
        since = gettext("since %(when)s") % {"when": within(self._when(row.last_at))}
        place = community_name(row.community) if row.station is None and row.community else ""
        return AlarmItem(
            number=row.pk,
            title=fault_title(row.fault),
            mend=fault_mend(row.fault),
            facts=tuple(filter(None, (place, row.part, row.detail, since, times))),
            silent=self._silent(one),
            acknowledge_url=self._url("station-alarm-acknowledge", Deed.ACKNOWLEDGE_ALARM, row),
            close_url=self._url("station-alarm-close", Deed.CLOSE_ALARM, row),
        )

    def _silent(self, one: Open) -> str:
        if one.silent_until is None:
            return ""
        until = within(self._when(one.silent_until))
        if one.in_maintenance:
            return gettext("Silent until %(when)s: the station is in maintenance.") % {"when": until}
        said = {"when": until, "by": one.row.acknowledged_by}
        return gettext("Silent until %(when)s: acknowledged by %(by)s.") % said

    def _url(self, name: str, deed: Deed, row: StationAlarm) -> str:
        community = row.community or self.community
        if community is None or not self.rights.may(deed, row.community_id):
            return ""
        return reverse(name, args=[community.slug, row.pk]) + self.query

    def _when(self, at: datetime) -> str:
        return moment(at, self.now, zone_of(self.community))


def zone_of(community: Community | None) -> ZoneInfo:
    """Return a community's time zone; UTC without one."""
    return ZoneInfo("UTC" if community is None else community.timezone)


def flood_title(group: Group) -> str:
    """Say how many alarms a flood has."""
    text = ngettext("%(count)d alarm within minutes", "%(count)d alarms within minutes", len(group.alarms))
    return text % {"count": len(group.alarms)}


def titles(groups: Collection[Group]) -> tuple[str, ...]:
    """Return what a list says of a station's open alarms that wait, in short."""
    waiting = [group for group in groups if group.waits]
    return tuple(flood_title(one) if one.is_flood else fault_title(one.first.row.fault) for one in waiting)


def history_lines(station: Station, now: datetime) -> Sequence[str]:
    """Return the latest changes of a station's alarms, the newest first."""
    rows = AlarmChange.objects.filter(alarm__station=station).select_related("alarm").order_by("-at", "-pk")
    zone = ZoneInfo(station.community.timezone)
    return [_line(row, now, zone) for row in rows[:HISTORY]]


def _line(row: AlarmChange, now: datetime, zone: ZoneInfo) -> str:
    said = {
        "when": moment(row.at, now, zone),
        "fault": " · ".join(filter(None, (fault_title(row.alarm.fault), row.alarm.part))),
        "by": _who(row.by),
        "until": "" if row.until is None else within(moment(row.until, now, zone)),
        "reason": row.reason,
    }
    match ChangeKind(row.kind):
        case ChangeKind.RAISED:
            return gettext("%(when)s: %(fault)s began (%(by)s)") % said
        case ChangeKind.CLEARED:
            return gettext("%(when)s: %(fault)s ended (%(by)s)") % said
        case ChangeKind.ACKNOWLEDGED:
            return gettext("%(when)s: %(fault)s acknowledged by %(by)s until %(until)s. %(reason)s") % said
        case ChangeKind.CLOSED:
            return gettext("%(when)s: %(fault)s closed by %(by)s. %(reason)s") % said


def _who(by: str) -> str:
    known = {
        By.STATION.value: gettext("said by the station"),
        By.RESTART.value: gettext("by a restart"),
        By.LEDGER.value: gettext("seen by the ledger"),
    }
    return known.get(by, by)


def proposed_until(now: datetime, zone: ZoneInfo) -> str:
    """Return the hour that a form proposes, as browsers write it."""
    return f"{(now + USUAL).astimezone(zone):%Y-%m-%dT%H:00}"
