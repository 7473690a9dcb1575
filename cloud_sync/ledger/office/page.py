"""The office's page as values, in the language that is activated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, ngettext

from cloud_sync.ledger.office import pending
from cloud_sync.ledger.office.texts import ALARMS, ASIDE, HELD, Explained, explained
from cloud_sync.ledger.points.models import Household
from cloud_sync.ledger.statement.links import ended_links
from cloud_sync.ledger.statement.texts import moment
from cloud_sync.ledger.stations.models import Alarm, Community
from cloud_sync.ledger.stations.names import community_name

SHOWN = 50
"""Items of one kind; a command lists more."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that waits: what happened, what to do, and the facts a person needs for it."""

    number: str
    said: Explained
    facts: tuple[str, ...]
    detail: str = ""
    """What a technician wants to know."""


@dataclass(frozen=True, slots=True)
class Section:
    """Things of one kind. `command` is what is typed to deal with one."""

    anchor: str
    title: str
    empty: str
    command: str
    items: tuple[Item, ...]
    more: bool
    """Whether there are more than are shown."""


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that waits in one community."""

    place: str
    sections: tuple[Section, ...]
    debts: str
    """How many debts are still owed; SHOWN and a plus sign for more."""
    links: tuple[str, ...] = ()
    """Whose links were taken back, when, by whom and why; the latest first."""


def make_page(community: Community, now: datetime) -> Page:
    """What waits as it stands at `now`."""
    writer = _Writer(ZoneInfo(community.timezone), now)
    alarms = [writer.alarm(row) for row in pending.open_alarms(community, SHOWN + 1)]
    held = [writer.held(row) for row in pending.held(community, SHOWN + 1)]
    aside = [writer.aside(row) for row in pending.set_aside(community, SHOWN + 1)]
    sections = (
        _section("alarms", gettext("Alarms"), gettext("No alarm is open."), "alarm close", alarms),
        _section(
            "held", gettext("Points that wait"), gettext("No points wait."), "held release | refuse", held
        ),
        _section("aside", gettext("Set aside"), gettext("Nothing is set aside."), "aside apply", aside),
    )
    links = tuple(writer.ended_link(row) for row in ended_links(community, SHOWN))
    owed = len(pending.open_debts(community, SHOWN + 1))
    return Page(community_name(community), sections, f"{SHOWN}+" if owed > SHOWN else str(owed), links)


def _section(anchor: str, title: str, empty: str, command: str, items: Sequence[Item]) -> Section:
    return Section(anchor, title, empty, command, tuple(items[:SHOWN]), more=len(items) > SHOWN)


@dataclass(frozen=True, slots=True)
class _Writer:
    """Says times as people at the community do."""

    zone: ZoneInfo
    now: datetime

    def alarm(self, row: Alarm) -> Item:
        times = ngettext("%(times)d time", "%(times)d times", row.times) % {"times": row.times}
        facts = (row.station, self._when(row.last_at), times)
        return Item(str(row.pk), explained(row.reason, ALARMS), facts, row.detail)

    def held(self, row: pending.Held) -> Item:
        points = ngettext("%(points)d point", "%(points)d points", row.points) % {"points": row.points}
        whose = row.household or gettext("card %(card)s") % {"card": row.card}
        return Item(
            str(row.number),
            explained(row.reason, HELD),
            (points, whose, row.station, self._when(row.since)),
        )

    def aside(self, row: pending.Aside) -> Item:
        facts = (row.station, self._when(row.came))
        return Item(row.number, explained(row.reason, ASIDE), facts, row.name)

    def ended_link(self, row: Household) -> str:
        """What a household's last taking back of its links says."""
        decision = row.links_ended_by
        if decision is None:
            return row.code
        said = {"household": row.code, "when": self._when(decision.decided_at), "by": decision.by}
        return gettext("%(household)s: %(when)s, by %(by)s. %(reason)s") % {**said, "reason": decision.reason}

    def _when(self, at: datetime) -> str:
        return moment(at, self.now, self.zone)
