"""Alarms for people: one open row a station and cause, counted while it recurs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.db.models import F

from cloud_sync.ledger.audit.write import write
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.stations.models import Alarm, Community, Station
from config.reading import typed

log = logging.getLogger(__name__)

MAX_BY = 64
MAX_DETAIL = 200
LEDGER = "*"
"""The station of an alarm about the ledger itself."""
MAX_STRANGERS = 200
"""Open alarms about unknown stations; beyond that they share one row."""


class Cause(StrEnum):
    """Why an alarm was raised; a message with one of the first nine gets no receipt."""

    UNKNOWN_STATION = "unknown_station"
    RETIRED_STATION = "retired_station"
    UNKNOWN_KEY = "unknown_key"
    """Also for a key that was retired."""
    SIGNATURE = "signature"
    FOREIGN = "foreign"
    """The body names another station than its topic."""
    UNREADABLE = "unreadable"
    """No header, no JSON, or more events or epochs than a batch may have."""
    TOO_LARGE = "too_large"
    VERSION = "version"
    MOVED = "moved"
    """The station's community has moved to another ledger, and the station still sends here."""
    CONFLICT = "conflict"
    """The same event id came with different content."""
    SET_ASIDE = "set_aside"
    MINT_LIMIT = "mint_limit"
    LOST = "lost"
    """The station states that it lost events which the ledger never received."""
    SILENT = "silent"
    """The station was heard before, but not for days; see `stations.watch`."""
    CERTIFICATE = "certificate"
    """The broker's certificate or its authority expires soon or has expired; the station is `*`."""
    CLONED = "cloned_journal"
    """The same journal came from two stations."""
    TWO_AT_ONCE = "two_at_once"
    """Two devices or programs write as one station."""
    BACKDATED = "backdated"
    """The station sent visits that are older than is plausible."""
    CLOCK = "clock"
    """The ledger's clock disagrees with its stations."""
    ENROLMENT = "enrolment"
    """A used code came again with another key, or wrong proofs ended a code."""
    TOO_MUCH = "too_much"
    """The station sends more than one station can have; part of it was not read."""
    STATE = "state"
    """What the station says of itself cannot be read; see `fleet.states`."""


def raise_alarm(
    community: str, station: str, cause: Cause, detail: str, now: datetime, times: int = 1
) -> None:
    """Open an alarm, or add `times` to the one that is open."""
    if cause is Cause.UNKNOWN_STATION:
        community, station = _known_stranger(community[:64], station[:64])
    with transaction.atomic():
        alarm, new = Alarm.objects.get_or_create(
            community=community,
            station=station,
            reason=cause,
            closed_at=None,
            defaults={"detail": detail[:MAX_DETAIL], "first_at": now, "last_at": now, "times": times},
        )
        if not new:
            Alarm.objects.filter(pk=alarm.pk).update(
                times=F("times") + times, last_at=now, detail=detail[:MAX_DETAIL]
            )


def raise_for(station: Station, cause: Cause, detail: str, now: datetime, times: int = 1) -> None:
    """Raise an alarm for an admitted station, and log it."""
    counted = f" ({times} times)" if times > 1 else ""
    log.warning("ALARM: %s: %s%s: %s", station, cause.value, counted, detail)
    raise_alarm(station.community.slug, station.slug, cause, detail, now, times)


def raise_counted(
    stations: Mapping[int, Station], cause: Cause, found: Sequence[tuple[int, str]], now: datetime
) -> None:
    """Raise one alarm a station for (station, detail) pairs; it has their number and the last detail."""
    times = Counter(key for key, _ in found)
    for key, detail in dict(found).items():
        raise_for(stations[key], cause, detail, now, times[key])


def close_alarm(alarm: Alarm, by: str, now: datetime) -> None:
    """Close an alarm; if its cause recurs, another one opens. InputError without a name."""
    name = typed.line("who closes the alarm", by, MAX_BY)
    with transaction.atomic():
        row = Alarm.objects.select_for_update().filter(pk=alarm.pk, closed_at=None).first()
        if row is not None:
            write(row, Deed.CLOSE_ALARM, by=name, now=now, closed_at=now, closed_by=name)


def _known_stranger(community: str, station: str) -> tuple[str, str]:
    if not Community.objects.filter(slug=community).exists():
        return "*", "*"  # an unknown community has no office to see the alarm
    strangers = Alarm.objects.filter(reason=Cause.UNKNOWN_STATION, closed_at=None)
    if strangers.filter(community=community, station=station).exists() or strangers.count() < MAX_STRANGERS:
        return community, station
    return "*", "*"
