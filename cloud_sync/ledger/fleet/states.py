"""Notes what stations say of themselves: many messages become one row a station, in one transaction.

The messages inform people and decide nothing, so they are taken at QoS 0 and may be lost: the next one says
the same again. Their order is the station's (`order`), so several workers may note the same messages.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db import transaction

from cloud_sync.ledger.db import sql
from cloud_sync.ledger.fleet.models import StationStatus
from cloud_sync.ledger.fleet.order import NEVER, Place, outdates, place_of
from cloud_sync.ledger.fleet.readings import READINGS, grain_of, row_of
from cloud_sync.ledger.fleet.status import is_online
from cloud_sync.ledger.stations.alarms import Cause, raise_alarm
from cloud_sync.transport.mailbox import Mailbox
from cloud_sync.wire import topics
from cloud_sync.wire.station_state import MAX_STATE_BYTES, StationState

log = logging.getLogger(__name__)

Name = tuple[str, str]
"""Community and station, as a topic names them."""
BOX = 8192
"""Messages that wait for a worker at most: the broker gives a new one all stations' last words at once."""
AT_ONCE = 512
"""Messages read in one turn."""
MOST = 10_000
"""Stations whose words wait to be written; messages of others are dropped meanwhile."""
FLUSH_S = 1.0
TELL_S = 60.0
"""Shortest interval of alarms about messages that cannot be read; they count every one."""
DETAIL = "on its topic `state`"
STATUS = sql.Table(
    "fleet_stationstatus",
    {
        "station_id": "bigint",
        "online": "boolean",
        "start": "bigint",
        "connection": "bigint",
        "sequence": "bigint",
        "heard_at": "timestamptz",
        "ended_at": "timestamptz",
        "gone_at": "timestamptz",
        "back_at": "timestamptz",
        "words": "text",
        "outbox": "bigint",
        "skew_s": "double precision",
        "read_at": "timestamptz",
    },
    conflict="ON CONFLICT (station_id) DO UPDATE SET online = excluded.online, start = excluded.start, "
    "connection = excluded.connection, sequence = excluded.sequence, heard_at = excluded.heard_at, "
    "ended_at = excluded.ended_at, gone_at = excluded.gone_at, "
    "back_at = excluded.back_at, words = excluded.words, outbox = excluded.outbox, "
    "skew_s = excluded.skew_s, read_at = excluded.read_at",
)


@dataclass(frozen=True, slots=True)
class Said:
    """One message that could be read."""

    state: StationState
    at: datetime
    """When it came."""
    is_retained: bool
    """The broker's copy of a message that was sent earlier."""
    number: int
    """Grows with each message, for those that state no order."""

    @property
    def order(self) -> tuple[Place, int]:
        """The message's place among those of its station."""
        return place_of(self.state), self.number


class States:
    """Collects stations' messages from a mailbox and writes them; a worker's loop calls `turn`."""

    def __init__(self, box: Mailbox, now: Callable[[], datetime], ran_s: Callable[[], float]) -> None:
        """`now` is the calendar, `ran_s` the monotonic clock."""
        self._box, self._now, self._ran_s = box, now, ran_s
        self._waiting: dict[Name, list[Said]] = {}
        self._refused: Counter[tuple[Name, Cause]] = Counter()
        self._number = 0
        self._flush_at = self._tell_at = 0.0

    def turn(self) -> None:
        """Take what came; write it FLUSH_S after the last time. Call it again after an OperationalError."""
        for _ in range(AT_ONCE):
            message = self._box.take(0)
            if message is None:
                break
            self._take(message.topic, message.payload, is_retained=message.retained)
        now_s = self._ran_s()
        if self._waiting and now_s >= self._flush_at:
            self._flush_at = now_s + FLUSH_S
            self._refused += Counter(write(self._waiting))
            self._waiting = {}
        if self._refused and now_s >= self._tell_at:
            self._tell_at = now_s + TELL_S
            self._tell()

    def _take(self, topic: str, payload: bytes, *, is_retained: bool) -> None:
        try:
            name = topics.station_of(topic)
        except ValueError as error:
            log.warning("a station's state is left unread: %s", error)
            return
        state = read_state(payload)
        if state is None:
            self._refused[name, Cause.STATE] += 1
            return
        if name in self._waiting or len(self._waiting) < MOST:
            self._number += 1
            said = Said(state, self._now(), is_retained, self._number)
            self._waiting[name] = latest([*self._waiting.get(name, ()), said])

    def _tell(self) -> None:
        for (name, cause), times in list(self._refused.items()):
            community, station = name
            log.warning("ALARM: what %r/%r says of itself is left out: %s (%d)", *name, cause.value, times)
            raise_alarm(community, station, cause, DETAIL, self._now(), times)
            del self._refused[name, cause]


def read_state(payload: bytes) -> StationState | None:
    """Decode a message; None for one that is too long, no state, or has names with unusual letters."""
    if len(payload) > MAX_STATE_BYTES:
        return None
    try:
        state = msgspec.json.decode(payload, type=StationState)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    names = [state.model or "", *state.versions, *state.versions.values()]
    names += [one.part for one in state.readings] + [one.id for one in state.bins]
    return state if all(name.isascii() and name.isprintable() for name in names) else None


def latest(said: Iterable[Said]) -> list[Said]:
    """Return of some messages the latest words and the latest goodbye, in their order."""
    in_order = sorted(said, key=lambda one: one.order)
    kept = {one.state.online: one for one in in_order}
    return sorted(kept.values(), key=lambda one: one.order)


def write(waiting: Mapping[Name, Sequence[Said]]) -> dict[tuple[Name, Cause], int]:
    """Write what stations said, in one transaction; count the messages of those that are not admitted."""
    stations, refused = _find(waiting)
    readings: list[sql.Row] = []
    with transaction.atomic():
        known = _lock(sorted(stations.values()), next(iter(waiting.values()))[0].at)
        for name, key in stations.items():
            for said in waiting[name]:
                _note(known[key], said, readings)
        keep = sql.keeper()
        sql.insert(STATUS, [_row(known[key], keep) for key in sorted(known)])
        sql.insert(READINGS, readings)
    return {(name, cause): len(waiting[name]) for name, cause in refused.items()}


def _find(names: Iterable[Name]) -> tuple[dict[Name, int], dict[Name, Cause]]:
    """Return the primary keys of the active stations among these names, and why others are not noted."""
    statement = (
        "SELECT w.community, w.station, s.id, s.active FROM w CROSS JOIN stations_community c "
        "CROSS JOIN stations_station s "
        "WHERE c.slug = w.community AND s.community_id = c.id AND s.slug = w.station"
    )
    found: dict[Name, int] = {}
    refused = dict.fromkeys(names, Cause.UNKNOWN_STATION)
    columns = {"community": "text", "station": "text"}
    for community, station, key, is_active in sql.matching(statement, columns, list(refused)):
        if is_active:
            found[community, station] = key
            del refused[community, station]
        else:
            refused[community, station] = Cause.RETIRED_STATION
    return found, refused


def _lock(keys: Sequence[int], now: datetime) -> dict[int, StationStatus]:
    """Return the rows of these stations, locked in the order of their keys.

    A station without one gets a row that any message outdates, so that two workers never both begin it.
    """
    rows = StationStatus.objects.filter(station__in=keys).order_by("station")
    missing = set(keys) - set(rows.values_list("station", flat=True))
    blank = [StationStatus(station_id=key, **_NOTHING, ended_at=now) for key in sorted(missing)]
    StationStatus.objects.bulk_create(blank, ignore_conflicts=True)
    if sql.on_postgres():  # in SQLite a write transaction locks the whole database
        rows = rows.select_for_update()
    return {row.station_id: row for row in rows}


_NOTHING = {"online": False, "start": 0, "connection": 0, "sequence": 0, "words": ""}


def _note(row: StationStatus, said: Said, readings: list[sql.Row]) -> None:
    """Change a station's status by a message; add a reading to `readings` if one is due."""
    state, at = said.state, said.at
    if not outdates(place_of(state), _place(row), _silent_s(row, at)):
        return
    if state.online and not said.is_retained and not is_online(row, at):
        row.gone_at, row.back_at = row.heard_at, at
    row.online, row.ended_at = state.online, None if state.online else at
    row.start, row.connection = state.start, state.connection
    row.sequence = state.sequence
    if not state.online:
        return
    row.words, row.outbox = msgspec.json.encode(state).decode(), state.outbox
    if said.is_retained:
        return
    row.heard_at = at
    row.skew_s = None if state.wall_s is None else round(state.wall_s - at.timestamp(), 1)
    if (grain := grain_of(at, row.read_at)) is not None:
        row.read_at = at
        readings.append(row_of(row.station_id, state, row.skew_s, at, grain))


def _place(row: StationStatus) -> Place:
    stated = StationState(
        online=row.online, start=row.start, connection=row.connection, sequence=row.sequence
    )
    return place_of(stated)


def _silent_s(row: StationStatus, now: datetime) -> float:
    return NEVER if row.heard_at is None else (now - row.heard_at).total_seconds()


def _row(row: StationStatus, keep: Callable[[datetime], datetime | str]) -> sql.Row:
    moments = (row.heard_at, row.ended_at, row.gone_at, row.back_at, row.read_at)
    *times, read = [None if at is None else keep(at) for at in moments]
    place = (row.start, row.connection, row.sequence)
    return (row.station_id, row.online, *place, *times, row.words, row.outbox, row.skew_s, read)
