"""One station's page, as values in the language that is activated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext

from cloud_sync.ledger.fleet.pages.alarms import AlarmWriter, Flood, history_lines, proposed_until
from cloud_sync.ledger.fleet.pages.history import History, HowFar, history_of
from cloud_sync.ledger.fleet.pages.texts import Fact, condition_word, facts_of, maintenance_text, since
from cloud_sync.ledger.fleet.status import Condition, StationNow
from cloud_sync.ledger.fleet.waiting import maintained, open_groups
from cloud_sync.ledger.officers.rights import Deed, Rights
from cloud_sync.ledger.stations.names import community_name, station_name


@dataclass(frozen=True, slots=True)
class StationPage:
    """Everything that is known of one station."""

    place: str
    name: str
    slug: str
    commands_url: str
    condition: Condition
    word: str
    since: str
    facts: tuple[Fact, ...]
    setup: tuple[tuple[str, str], ...]
    """What it is set up with: model and versions, each with its name."""
    history: History
    alarms: tuple[Flood, ...]
    changes: Sequence[str]
    """The history of its alarms, the newest first."""
    maintenance: str
    """Until when its alarms are silent; empty where they speak."""
    maintain_url: str
    """Where its maintenance is begun and ended; empty where the officer may not."""
    until: str
    """The hour that forms propose."""


def station_page(one: StationNow, rights: Rights, query: str, span: HowFar, now: datetime) -> StationPage:
    """Build a station's page as it is at `now`; `query` keeps a chosen community in addresses."""
    words, station, community = one.words, one.station, one.station.community
    writer = AlarmWriter(rights, community, now, query)
    groups = [
        group for group in open_groups([community], now, of_town=False) if group.first.row.station == station
    ]
    maintain = reverse("station-maintenance", args=[community.slug, station.slug]) + query
    setup = [(gettext("Model"), words.model)] if words.model else []
    setup += sorted((_version_name(name), version) for name, version in words.versions.items())
    return StationPage(
        place=community_name(one.station.community),
        name=station_name(one.station),
        slug=one.station.slug,
        commands_url=reverse("office-commands", args=[one.station.community.slug, one.station.slug]),
        condition=one.condition,
        word=condition_word(one.condition),
        since=since(one, now),
        facts=facts_of(one),
        setup=tuple(setup),
        history=history_of(one.station, span, now),
        alarms=tuple(writer.group(group) for group in groups),
        changes=history_lines(station, now),
        maintenance=maintenance_text(maintained([station.pk], now).get(station.pk), station, now),
        maintain_url=maintain if rights.may(Deed.ACKNOWLEDGE_ALARM, community.pk) else "",
        until=proposed_until(now, ZoneInfo(community.timezone)),
    )


def _version_name(name: str) -> str:
    """Return what people call a thing with a version; a newer station's as it calls it itself."""
    known = {
        "software": gettext("Software"),
        "roster": gettext("Roster"),
        "rules": gettext("Award rules"),
        "sorting": gettext("Sorting rules"),
        "settings": gettext("Settings"),
        "prompts": gettext("Prompts"),
    }
    return known.get(name, name)
