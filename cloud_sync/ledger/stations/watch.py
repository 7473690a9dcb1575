"""What nobody sends a message about: a station that is silent, a certificate that ends."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.db.models import Max

from cloud_sync.ledger.stations.alarms import Cause, raise_alarm
from cloud_sync.ledger.stations.models import Alarm, Community
from cloud_sync.service.lifetimes import Lifetime, of_authorities, of_server
from config.ledger import LedgerSettings
from config.station import CloudSection

log = logging.getLogger(__name__)

EVERY_S = 600.0
CERTIFICATES_S = 6 * 3600.0
"""The broker logs each look at its certificate."""
CONNECT_S = 5.0
AHEAD = timedelta(days=1)
"""A station that was heard so far in the future was heard by a clock that was wrong: when, nobody knows."""
LEDGER = "ledger"
"""Who closes an alarm whose cause is over by itself."""
ALL = "*"
"""The station that an alarm about all of them names."""


class Watch:
    """Looks now and then; called by a worker's loop."""

    def __init__(self, settings: LedgerSettings, community: Community) -> None:
        """Watch a community's stations, and the certificate by which they know the broker."""
        self._settings, self._community = settings, community
        self._stations_at = self._certificates_at = 0.0

    def turn(self) -> None:
        """Look at whatever is due."""
        now = time.monotonic()
        if now >= self._stations_at:
            self._stations_at = now + EVERY_S
            watch_stations(self._community, self._settings.ledger.silent_hours, datetime.now(UTC))
        if now >= self._certificates_at:
            self._certificates_at = now + CERTIFICATES_S
            watch_certificates(self._community, self._settings.broker, datetime.now(UTC))


def watch_stations(community: Community, silent_hours: float, now: datetime) -> None:
    """Raise an alarm for each station that was heard once and then for so long no more; 0: for none.

    It is raised once for each silence, whoever closes it meanwhile, and closes when the station is heard.
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
        told = Alarm.objects.filter(
            community=community.slug, station=slug, reason=Cause.SILENT, detail=detail
        )
        if not told.exists():
            log.warning("ALARM: %s is silent: %s", slug, detail)
            raise_alarm(community.slug, slug, Cause.SILENT, detail, now)


def watch_certificates(
    community: Community,
    broker: CloudSection,
    now: datetime,
    fetch: Callable[[CloudSection], bytes] | None = None,
) -> None:
    """Raise an alarm when the broker's certificate or its authority ends within a month, or has ended."""
    if broker.tls_ca is None:
        return
    try:
        shown = (fetch or _shown)(broker)
        lives = {"server.pem": of_server(shown), "ca.pem": of_authorities(Path(broker.tls_ca).read_bytes())}
    except (OSError, ValueError) as error:
        log.info("the broker's certificate cannot be looked at (%s)", error)  # why, the link's own lines say
        return
    details = [_detail(name, life, now) for name, life in lives.items() if life.is_ending(now)]
    alarms = Alarm.objects.filter(community=community.slug, station=ALL, reason=Cause.CERTIFICATE)
    if not details:
        alarms.filter(closed_at=None).update(closed_at=now, closed_by=LEDGER)
    elif not alarms.filter(detail=(detail := ", ".join(details))).exists():
        log.warning("ALARM: %s: %s", community, detail)
        raise_alarm(community.slug, ALL, Cause.CERTIFICATE, detail, now)


def _detail(name: str, life: Lifetime, now: datetime) -> str:
    return f"{name} {'ends' if life.is_valid(now) else 'ended'} on {life.ends:%Y-%m-%d}"


def _shown(broker: CloudSection) -> bytes:
    """The certificate that the broker shows, DER, whether or not it holds."""
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((broker.host, broker.port), timeout=CONNECT_S))
