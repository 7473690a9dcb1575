"""The page of all stations, as values in the language that is activated."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext

from cloud_sync.ledger.fleet.pages.texts import Fact, condition_word, facts_of, since
from cloud_sync.ledger.fleet.status import Condition, StationNow, standings
from cloud_sync.ledger.office.items import Choice, Shown, chosen_query
from cloud_sync.ledger.stations.names import community_name, place_name, station_name

A_PAGE = 50
"""Stations on one page."""


class Filter(StrEnum):
    """Which stations are shown."""

    ALL = "all"
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
    setup: str
    """Model and software version; empty where they are not known."""


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of stations, those that need a person first."""

    place: str
    choices: tuple[Choice, ...]
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
    every = standings(shown.communities, now)
    counts = Counter(filter_ for one in every for filter_ in _filters_of(one))
    fitting = sorted((one for one in every if chosen in _filters_of(one)), key=_urgency)
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
        filters=tuple(FilterLink(_word(one), url(one), counts[one], one is chosen) for one in Filter),
        rows=tuple(_row(one, shown, now) for one in fitting[(page - 1) * A_PAGE : page * A_PAGE]),
        total=len(every),
        earlier_url=url(chosen, page - 1) if page > 1 else "",
        later_url=url(chosen, page + 1) if page < pages else "",
    )


def _filters_of(one: StationNow) -> set[Filter]:
    found = {Filter.ALL}
    if one.condition is not Condition.ONLINE:
        found.add(Filter.OFFLINE)
    elif (one.words.outbox or 0) >= MANY_WAIT:
        found.add(Filter.WAITING)
    if any(bin_.full for bin_ in one.words.bins):
        found.add(Filter.FULL)
    return found


def _urgency(one: StationNow) -> tuple[int, int, str, str]:
    """Return the place in the list: offline stations first, then those where something is amiss."""
    order = {Condition.OFFLINE: 0, Condition.ONLINE: 1, Condition.NEVER: 2}
    amiss = len(_filters_of(one)) - 1
    return order[one.condition], -amiss, one.station.community.slug, one.station.slug


def _row(one: StationNow, shown: Shown, now: datetime) -> Row:
    station = one.station
    return Row(
        url=station_url(one, shown),
        name=station_name(station),
        place=community_name(station.community) if shown.are_named else "",
        condition=one.condition,
        word=condition_word(one.condition),
        since=since(one, now),
        facts=facts_of(one),
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
        case Filter.OFFLINE:
            return gettext("Offline")
        case Filter.FULL:
            return gettext("Bin full")
        case Filter.WAITING:
            return gettext("Records wait")
