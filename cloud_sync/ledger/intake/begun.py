"""Limits how many epochs a station begins in a day; its row counts them for all workers and over restarts.

A journal begins an epoch each time it is opened. Each new epoch is compared with others of its station and
stays in the database for good. A message that would begin more than MOST is left out whole, because its
signature covers all of it; the station keeps events without a receipt and sends them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from cloud_sync.ledger.db import sql
from cloud_sync.ledger.intake.parse import Opened
from cloud_sync.ledger.intake.store import EpochOf, Stand

MOST = 3000
"""Epochs that one station may begin in a day: about two a minute."""


def leave_out(opened: Opened, before: Mapping[EpochOf, Stand], now: datetime) -> tuple[Opened, Counter[int]]:
    """Return the messages that may be applied, and how many of each station were left out.

    `before` is what `stands` returned. Store the count of epochs that begin here. Runs under the stations'
    locks, in the transaction that stores the events.
    """
    new = {name for name, stand in before.items() if stand.is_new}
    if not new:
        return opened, Counter()
    day = now.astimezone(UTC).date()
    counted = _counted({station for station, _ in new}, day)
    begun: set[EpochOf] = set()
    kept, left = [], Counter[int]()
    for one in opened.batches:
        begins = {item.identity[:2] for item in one.events} & new - begun
        if begins and counted[one.station] + len(begins) > MOST:
            left[one.station] += 1
            continue
        begun |= begins
        counted[one.station] += len(begins)
        kept.append(one)
    _count({station: counted[station] for station, _ in begun}, day)
    return (replace(opened, batches=kept) if left else opened), left


def _counted(stations: Collection[int], day: date) -> Counter[int]:
    rows = sql.select("SELECT id, begun_on, begun FROM stations_station WHERE id AMONG", sorted(stations))
    return Counter({key: begun for key, on, begun in rows if on is not None and sql.day_of(on) == day})


def _count(counted: Mapping[int, int], day: date) -> None:
    for station, begun in sorted(counted.items()):
        values = [day if sql.on_postgres() else day.isoformat(), begun, station]
        sql.execute("UPDATE stations_station SET begun_on = %s, begun = %s WHERE id = %s", values)
