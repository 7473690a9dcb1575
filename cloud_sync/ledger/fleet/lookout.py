"""Looks out for silence: one alarm for each cause, whether a station, a community's line, or the broker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from cloud_sync.ledger.fleet.alarms import LedgerFault, Wanted, set_ledger_alarms
from cloud_sync.ledger.fleet.lines import TOGETHER_S, Cut, HeardStation, find_cuts
from cloud_sync.ledger.fleet.models import StationStatus
from cloud_sync.ledger.fleet.status import is_online
from cloud_sync.ledger.stations.models import Community, Station

EVERY_S = 10.0
AWAY_S = 30.0
"""The broker's restart takes less."""
SETTLING_S = TOGETHER_S
"""After the ledger's connection came about, stations have so long to be heard before they count as silent."""
SILENCES = (LedgerFault.OFFLINE, LedgerFault.LINE_CUT, LedgerFault.TOWN_CUT)


class Lookout:
    """Looks at intervals which stations are silent; a worker's loop calls `turn`."""

    def __init__(
        self, connected: Callable[[], bool], now: Callable[[], datetime], ran_s: Callable[[], float]
    ) -> None:
        """`connected`: whether the broker is there; `now`: the calendar; `ran_s`: the monotonic clock."""
        self._connected, self._now, self._ran_s = connected, now, ran_s
        self._was_connected = self._is_back = False
        self._since_s = ran_s()
        self._due_s = 0.0

    def turn(self) -> None:
        """Raise and clear the ledger's alarms of silence, every EVERY_S."""
        now_s, connected = self._ran_s(), self._connected()
        if connected != self._was_connected:
            self._was_connected, self._since_s, self._due_s = connected, now_s, now_s
            self._is_back = connected
        if now_s < self._due_s:
            return
        now, lasted_s = self._now(), now_s - self._since_s
        if self._is_back:  # only then: another worker may be the one that has no connection
            set_ledger_alarms((), [LedgerFault.BROKER_AWAY], now)
            self._is_back = False
        if connected and lasted_s >= SETTLING_S:
            note_silence(now)
        elif not connected and lasted_s >= AWAY_S and not _is_anyone_heard(now):
            away = Wanted(None, None, LedgerFault.BROKER_AWAY, "")
            set_ledger_alarms([away], [LedgerFault.BROKER_AWAY], now)
        self._due_s = now_s + EVERY_S


def note_silence(now: datetime) -> None:
    """Raise one alarm for each cause of silence now; clear those whose cause is over."""
    heard = StationStatus.objects.filter(station__active=True, heard_at__isnull=False)
    rows = list(heard.select_related("station__community").defer("words"))
    stations = {row.station_id: row.station for row in rows}
    communities = {station.community_id: station.community for station in stations.values()}
    cuts = find_cuts([_heard(row, now) for row in rows], now.timestamp())
    set_ledger_alarms([_wanted(cut, communities, stations) for cut in cuts], SILENCES, now)


def _is_anyone_heard(now: datetime) -> bool:
    """Say whether another worker hears stations, so that the broker is not away."""
    return StationStatus.objects.filter(heard_at__gt=now - timedelta(seconds=AWAY_S)).exists()


def _heard(row: StationStatus, now: datetime) -> HeardStation:
    gone, back = (None, row.back_at) if is_online(row, now) else (row.heard_at, None)
    if gone is None and back is not None:
        gone = row.gone_at
    return HeardStation(
        row.station_id,
        row.station.community_id,
        None if gone is None else gone.timestamp(),
        None if back is None else back.timestamp(),
    )


def _wanted(cut: Cut, communities: dict[int, Community], stations: dict[int, Station]) -> Wanted:
    community = None if cut.community is None else communities[cut.community]
    if cut.station is not None:
        return Wanted(community, stations[cut.station], LedgerFault.OFFLINE, "")
    fault = LedgerFault.TOWN_CUT if community is None else LedgerFault.LINE_CUT
    return Wanted(community, None, fault, f"{cut.silent}/{cut.of}")
