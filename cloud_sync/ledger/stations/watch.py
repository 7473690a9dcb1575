"""Watches for what no message reports: silent stations, new keys that are in use, expiring certificates."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.db.models import Max

from cloud_sync.ledger.enrolment import succession
from cloud_sync.ledger.stations.alarms import Cause, raise_alarm
from cloud_sync.ledger.stations.models import Alarm, Community
from cloud_sync.service.lifetimes import Lifetime, of_authorities, of_server
from config.ledger import LedgerSettings
from config.station import CloudSection

log = logging.getLogger(__name__)

EVERY_S = 600.0
KEYS_S = 5.0
"""How often new keys of stations are looked at; there rarely are any."""
CERTIFICATES_S = 6 * 3600.0
"""Long, because the broker logs each of these connections."""
CONNECT_S = 5.0
AHEAD = timedelta(days=1)
"""A station heard further in the future than this was heard under a wrong clock; it counts as silent."""
LEDGER = "ledger"
"""`closed_by` of an alarm whose cause ended by itself."""
ALL = "*"
"""The community and the station of an alarm that concerns all of them."""


class Watch:
    """Runs the checks at their intervals; a worker's loop calls it, one community a turn."""

    def __init__(self, settings: LedgerSettings, communities: Callable[[], Sequence[Community]]) -> None:
        """Watch the stations of all communities that `communities` finds, and the broker's certificate."""
        self._settings, self._communities = settings, communities
        self._stations_at = self._keys_at = self._certificates_at = 0.0
        self._waiting: list[Community] = []

    def turn(self) -> None:
        """Run what is due: the check of new keys, of certificates, or of the next community's stations."""
        now = time.monotonic()
        if now >= self._stations_at:
            self._stations_at = now + EVERY_S
            self._waiting = list(self._communities())
        if self._waiting:
            community = self._waiting.pop()
            watch_stations(community, self._settings.ledger.silent_hours, datetime.now(UTC))
        if now >= self._keys_at:
            self._keys_at = now + KEYS_S
            succession.look(datetime.now(UTC))
        if now >= self._certificates_at:
            self._certificates_at = now + CERTIFICATES_S
            watch_certificates(self._settings.broker, datetime.now(UTC))


def watch_stations(community: Community, silent_hours: float, now: datetime) -> None:
    """Raise an alarm for each station that was heard before but not for `silent_hours`; 0 disables it.

    One alarm for each silence, even if somebody closes it meanwhile; it closes when the station is heard.
    """
    stations = community.stations.annotate(heard=Max("epochs__updated")).order_by("slug")
    silences = {
        station.slug: station.heard
        for station in stations.filter(active=True, heard__isnull=False)
        if silent_hours and not -AHEAD < now - station.heard < timedelta(hours=silent_hours)
    }
    open_ones = Alarm.objects.filter(community=community.slug, reason=Cause.SILENT, closed_at=None)
    open_ones.exclude(station__in=silences).update(closed_at=now, closed_by=LEDGER)
    for slug, heard in silences.items():
        detail = f"last heard {heard:%Y-%m-%d %H:%M} UTC"
        known = Alarm.objects.filter(
            community=community.slug, station=slug, reason=Cause.SILENT, detail=detail
        )
        if not known.exists():
            log.warning("ALARM: %s is silent: %s", slug, detail)
            raise_alarm(community.slug, slug, Cause.SILENT, detail, now)


def watch_certificates(
    broker: CloudSection,
    now: datetime,
    fetch: Callable[[CloudSection], bytes] | None = None,
) -> None:
    """Raise the ledger's alarm when the broker's certificate or its authority expires within a month."""
    if broker.tls_ca is None:
        return
    try:
        shown = (fetch or _shown)(broker)
        lives = {"server.pem": of_server(shown), "ca.pem": of_authorities(Path(broker.tls_ca).read_bytes())}
    except (OSError, ValueError) as error:
        log.info("the broker's certificate cannot be looked at (%s)", error)  # the link logs why
        return
    details = [_detail(name, life, now) for name, life in lives.items() if life.is_ending(now)]
    alarms = Alarm.objects.filter(station=ALL, reason=Cause.CERTIFICATE)
    if not details:
        alarms.filter(closed_at=None).update(closed_at=now, closed_by=LEDGER)
    elif not alarms.filter(detail=(detail := ", ".join(details))).exists():
        log.warning("ALARM: the broker: %s", detail)
        alarms.exclude(community=ALL).filter(closed_at=None).update(closed_at=now, closed_by=LEDGER)
        raise_alarm(ALL, ALL, Cause.CERTIFICATE, detail, now)


def _detail(name: str, life: Lifetime, now: datetime) -> str:
    return f"{name} {'ends' if life.is_valid(now) else 'ended'} on {life.ends:%Y-%m-%d}"


def _shown(broker: CloudSection) -> bytes:
    """Return the certificate that the broker shows, DER, valid or not."""
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((broker.host, broker.port), timeout=CONNECT_S))
