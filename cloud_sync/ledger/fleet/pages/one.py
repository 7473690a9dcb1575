"""One station's page, as values in the language that is activated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from cloud_sync.ledger.fleet.pages.history import History, HowFar, history_of
from cloud_sync.ledger.fleet.pages.texts import Fact, condition_word, facts_of, since
from cloud_sync.ledger.fleet.status import Condition, StationNow
from cloud_sync.ledger.stations.names import community_name, station_name


@dataclass(frozen=True, slots=True)
class StationPage:
    """Everything that is known of one station."""

    place: str
    name: str
    slug: str
    condition: Condition
    word: str
    since: str
    facts: tuple[Fact, ...]
    setup: tuple[tuple[str, str], ...]
    """What it is set up with: model and versions, each with its name."""
    history: History


def station_page(one: StationNow, span: HowFar, now: datetime) -> StationPage:
    """Build a station's page as it is at `now`."""
    words = one.words
    setup = [(gettext("Model"), words.model)] if words.model else []
    setup += sorted((_version_name(name), version) for name, version in words.versions.items())
    return StationPage(
        place=community_name(one.station.community),
        name=station_name(one.station),
        slug=one.station.slug,
        condition=one.condition,
        word=condition_word(one.condition),
        since=since(one, now),
        facts=facts_of(one),
        setup=tuple(setup),
        history=history_of(one.station, span, now),
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
