"""Names of community and station for people. Pure."""

from __future__ import annotations

from config.station import StationSection
from config.words import Both


def station_names(section: StationSection) -> Both:
    """Return the names of community and station for a screen.

    A name that the settings lack is made from the slug: `east-gate` becomes East gate.
    """
    community = _name(section.community_zh, section.community_en, section.community)
    station = _name(section.name_zh, section.name_en, section.name)
    return Both(f"{community.zh} · {station.zh}", f"{community.en} · {station.en}")


def _name(zh: str | None, en: str | None, slug: str) -> Both:
    english = en or slug.replace("-", " ").capitalize()
    return Both(zh or english, english)
