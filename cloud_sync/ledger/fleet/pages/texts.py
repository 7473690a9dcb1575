"""The words of stations' pages, in the language that is activated."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, ngettext

from cloud_sync.ledger.fleet.status import Condition, StationNow
from cloud_sync.ledger.statement.texts import moment, within
from cloud_sync.ledger.stations.models import Station
from cloud_sync.wire.station_state import DoorReading, StationState, SupplyReading, TemperatureReading

WRONG_CLOCK_S = 30.0
"""A calendar that is off by less is not worth a word: a message may be on its way for some seconds."""


class Sign(StrEnum):
    """What a fact is about; its icon has the same name."""

    OUTBOX = "outbox"
    FULL = "full"
    TEMPERATURE = "temperature"
    SUPPLY = "supply"
    DOOR = "door"
    CLOCK = "clock"
    KEY = "key"


Fact = tuple[Sign, str]


def condition_word(condition: Condition) -> str:
    """Return how a station is, in a word or two."""
    match condition:
        case Condition.ONLINE:
            return gettext("Online")
        case Condition.OFFLINE:
            return gettext("Offline")
        case Condition.NEVER:
            return gettext("Not heard yet")


def since(one: StationNow, now: datetime) -> str:
    """Say since when a station is silent; empty for one that is online or was never heard."""
    if one.condition is not Condition.OFFLINE:
        return ""
    if one.heard_at is None:
        return gettext("silent since before this ledger listened")
    when = within(moment(one.heard_at, now, ZoneInfo(one.station.community.timezone)))
    return gettext("silent since %(when)s") % {"when": when}


def maintenance_text(until: datetime | None, station: Station, now: datetime) -> str:
    """Say until when a station's alarms are silent; empty where they speak."""
    if until is None:
        return ""
    when = within(moment(until, now, ZoneInfo(station.community.timezone)))
    return gettext("In maintenance until %(when)s: its alarms are silent") % {"when": when}


def facts_of(one: StationNow) -> tuple[Fact, ...]:
    """Return what a station said last, in short, the most urgent first."""
    words = one.words
    found: list[Fact] = []
    if words.key_retired:
        found.append((Sign.KEY, gettext("Its key is retired: its records wait")))
    found += [(Sign.FULL, gettext("Full: %(bin)s") % {"bin": bin_.id}) for bin_ in words.bins if bin_.full]
    if words.outbox is not None:
        text = ngettext("%(records)d record waits", "%(records)d records wait", words.outbox)
        found.append((Sign.OUTBOX, text % {"records": words.outbox}))
    if (skew := clock_text(one.skew_s)) != "":
        found.append((Sign.CLOCK, skew))
    return (*found, *_readings(words))


def clock_text(skew_s: float | None) -> str:
    """Say by how much a station's clock is off; empty where it is right or not known."""
    if skew_s is None or abs(skew_s) < WRONG_CLOCK_S:
        return ""
    off = duration(abs(skew_s))
    return (gettext("Clock %(time)s ahead") if skew_s > 0 else gettext("Clock %(time)s behind")) % {
        "time": off
    }


def duration(seconds: float) -> str:
    """Return a time span in its largest unit."""
    if (days := int(seconds // 86_400)) > 0:
        return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}
    if (hours := int(seconds // 3_600)) > 0:
        return ngettext("%(hours)d hour", "%(hours)d hours", hours) % {"hours": hours}
    if (minutes := int(seconds // 60)) > 0:
        return ngettext("%(minutes)d minute", "%(minutes)d minutes", minutes) % {"minutes": minutes}
    return ngettext("%(seconds)d second", "%(seconds)d seconds", int(seconds)) % {"seconds": int(seconds)}


def _readings(words: StationState) -> list[Fact]:
    found: list[Fact] = []
    for one in words.readings:
        match one:
            case TemperatureReading():
                found.append((Sign.TEMPERATURE, f"{one.part}: {one.value:.1f} °C"))
            case SupplyReading():
                found.append((Sign.SUPPLY, f"{one.part}: {one.value:.1f} V"))
            case DoorReading():
                state = gettext("door open") if one.is_open else gettext("door shut")
                found.append((Sign.DOOR, f"{one.part}: {state}"))
    return found
