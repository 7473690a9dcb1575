"""The page of all stations, as values in the language that is activated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext

from cloud_sync.ledger.fleet.pages.alarms import AlarmWriter, Flood, titles
from cloud_sync.ledger.fleet.pages.texts import Fact, condition_word, facts_of, maintenance_text, since
from cloud_sync.ledger.fleet.status import Condition, StationNow, standings
from cloud_sync.ledger.fleet.waiting import Group, maintained, open_groups
from cloud_sync.ledger.office.items import Choice, Shown, chosen_query
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.stations.names import community_name, place_name, station_name

A_PAGE = 50
"""Stations on one page."""


class Filter(StrEnum):
    """Which stations are shown."""

    ALL = "all"
    ALARM = "alarm"
    """With an open alarm that waits for a person."""
    OFFLINE = "offline"
    """Also those that were never heard."""
    FULL = "full"
    """With a full bin."""
    WAITING = "waiting"
    """Online, and more records wait there than a moment's."""


MANY_WAIT = 20
"""Records of a few visits wait at any station that is in use."""


@dataclass(frozen=True, slots=True)
class FilterLink:
    """One entry of the filter, with how many stations it shows."""

    name: str
    url: str
    count: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One station in the list."""

    url: str
    name: str
    place: str
    """The community's name where several are shown, else empty."""
    condition: Condition
    word: str
    since: str
    facts: tuple[Fact, ...]
    alarms: tuple[str, ...]
    """Titles of its open alarms that wait."""
    maintenance: str
    """Until when its alarms are silent; empty where they speak."""
    setup: str
    """Model and software version; empty where they are not known."""


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of stations, those that need a person first."""

    place: str
    choices: tuple[Choice, ...]
    lines: tuple[Flood, ...]
    """Open alarms of lines that many stations share."""
    filters: tuple[FilterLink, ...]
    rows: tuple[Row, ...]
    total: int
    """Stations of these communities, whatever the filter."""
    earlier_url: str
    later_url: str
    """Addresses of the neighbouring pages; empty where there is none."""

    @property
    def query(self) -> str:
        """Return what keeps the chosen community in an address; empty where none is chosen."""
        return chosen_query(self.choices)


def list_page(
    shown: Shown, choices: tuple[Choice, ...], chosen: Filter, page: int, now: datetime
) -> ListPage:
    """Build a page of stations, numbered from 1; beyond the last it is the last."""
    groups = open_groups(shown.communities, now, of_town=shown.rights.may(Deed.SEE_STATIONS, None))
    found = _found(shown, groups, now)
    writer = AlarmWriter(shown.rights, next(iter(shown.communities), None), now, chosen_query(choices))
    lines = [writer.group(group) for group in groups if group.first.row.station is None]
    counts = Counter(filter_ for one in found for filter_ in one.filters)
    fitting = sorted((one for one in found if chosen in one.filters), key=_Found.urgency)
    pages = max(1, -(-len(fitting) // A_PAGE))
    page = min(max(1, page), pages)
    community = next((one.slug for one in choices if one.is_chosen and one.slug), "")

    def url(filter_: Filter, number: int = 1) -> str:
        query = {"community": community, "show": "" if filter_ is Filter.ALL else filter_.value}
        query["page"] = "" if number == 1 else str(number)
        asked = urlencode({name: value for name, value in query.items() if value})
        return f"{reverse('stations')}?{asked}" if asked else reverse("stations")

    return ListPage(
        place=place_name(shown.communities),
        choices=choices,
        lines=tuple(lines),
        filters=tuple(FilterLink(_word(one), url(one), counts[one], one is chosen) for one in Filter),
        rows=tuple(_row(one, shown, now) for one in fitting[(page - 1) * A_PAGE : page * A_PAGE]),
        total=len(found),
        earlier_url=url(chosen, page - 1) if page > 1 else "",
        later_url=url(chosen, page + 1) if page < pages else "",
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A station with its open alarms."""

    now: StationNow
    groups: tuple[Group, ...]
    maintained_until: datetime | None

    @property
    def filters(self) -> set[Filter]:
        """The filters that show it."""
        found, words = {Filter.ALL}, self.now.words
        if any(group.waits for group in self.groups):
            found.add(Filter.ALARM)
        if self.now.condition is not Condition.ONLINE:
            found.add(Filter.OFFLINE)
        elif (words.outbox or 0) >= MANY_WAIT:
            found.add(Filter.WAITING)
        if any(bin_.full for bin_ in words.bins):
            found.add(Filter.FULL)
        return found

    def urgency(self) -> tuple[bool, int, int, str, str]:
        """Return the place in the list: alarms, then offline stations, then where something is amiss."""
        order = {Condition.OFFLINE: 0, Condition.ONLINE: 1, Condition.NEVER: 2}
        station, filters = self.now.station, self.filters
        names = (station.community.slug, station.slug)
        return Filter.ALARM not in filters, order[self.now.condition], -len(filters), *names


def _found(shown: Shown, groups: Collection[Group], now: datetime) -> list[_Found]:
    of_station: dict[int, list[Group]] = {}
    for group in groups:
        of_station.setdefault(group.first.row.station_id or 0, []).append(group)
    every = standings(shown.communities, now)
    until = maintained([one.station.pk for one in every], now)
    return [
        _Found(one, tuple(of_station.get(one.station.pk, ())), until.get(one.station.pk)) for one in every
    ]


def _row(found: _Found, shown: Shown, now: datetime) -> Row:
    one, station = found.now, found.now.station
    return Row(
        url=station_url(one, shown),
        name=station_name(station),
        place=community_name(station.community) if shown.are_named else "",
        condition=one.condition,
        word=condition_word(one.condition),
        since=since(one, now),
        facts=facts_of(one),
        alarms=titles(found.groups),
        maintenance=maintenance_text(found.maintained_until, station, now),
        setup=" · ".join(filter(None, (one.words.model, one.words.versions.get("software")))),
    )


def station_url(one: StationNow, shown: Shown) -> str:
    """Return the address of a station's page, which keeps the chosen community."""
    station = one.station
    query = f"?community={station.community.slug}" if shown.is_filtered else ""
    return reverse("station", args=[station.community.slug, station.slug]) + query


def _word(filter_: Filter) -> str:
    match filter_:
        case Filter.ALL:
            return gettext("All")
        case Filter.ALARM:
            return gettext("Alarm")
        case Filter.OFFLINE:
            return gettext("Offline")
        case Filter.FULL:
            return gettext("Bin full")
        case Filter.WAITING:
            return gettext("Records wait")
