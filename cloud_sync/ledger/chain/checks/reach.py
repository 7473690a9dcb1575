"""Check each epoch's `through` against the stored events."""

from __future__ import annotations

from collections.abc import Iterator

from cloud_sync.ledger.chain.checks.register import Register
from cloud_sync.ledger.chain.checks.signed import SignedEvents
from cloud_sync.ledger.db import sql
from cloud_sync.ledger.stations.models import Community

_EPOCHS = (
    "SELECT p.station_id, s.slug, p.epoch, p.through, p.cloned, "
    "EXISTS (SELECT 1 FROM stations_epoch o JOIN stations_station r ON r.id = o.station_id "
    "WHERE o.epoch = p.epoch AND o.station_id <> p.station_id AND r.community_id = s.community_id), "
    "EXISTS (SELECT 1 FROM stations_epoch o WHERE o.epoch = p.epoch AND o.station_id <> p.station_id), "
    "(SELECT COUNT(*) FROM stations_event e "
    "WHERE e.station_id = p.station_id AND e.epoch = p.epoch AND e.sequence <= p.through), "
    "EXISTS (SELECT 1 FROM stations_event e WHERE e.station_id = p.station_id AND e.epoch = p.epoch "
    "AND e.sequence = p.through + 1) FROM stations_epoch p JOIN stations_station s ON s.id = p.station_id "
    "WHERE s.community_id = %s ORDER BY p.id"
)
_WITHOUT = (
    "SELECT DISTINCT s.slug, e.epoch FROM stations_event e JOIN stations_station s ON s.id = e.station_id "
    "LEFT JOIN stations_epoch p ON p.station_id = e.station_id AND p.epoch = e.epoch "
    "WHERE s.community_id = %s AND p.id IS NULL ORDER BY s.slug, e.epoch"
)
_SEQUENCES = (
    "SELECT sequence FROM stations_event WHERE station_id = %s AND epoch = %s AND sequence <= %s "
    "ORDER BY sequence"
)


def problems(community: Community, register: Register, signed: SignedEvents) -> Iterator[str]:
    """Yield a line for each epoch whose `through` is not the end of its events without a gap."""
    passed = {(station, epoch): through for station, epoch, through in register.unsigned.passed}
    for station, slug, epoch, through, cloned, *shared, count, follows in sql.stream(_EPOCHS, [community.pk]):
        name, (here, anywhere) = f"epoch {slug}/{epoch}", shared
        if here and not cloned:
            yield f"{name} is not marked as copied, and another station has it too"
        if cloned and not anywhere:  # an older version looked for copies in all communities of a database
            yield f"{name} is marked as copied, and no other has it too"
        if not isinstance(through, int):
            yield f"{name}: through is not a number"
        elif follows:
            yield f"{name} says through {through}, and event {through + 1} is here"
        elif count != through:
            known = passed.get((station, epoch), 0)
            for first in _unexplained(station, epoch, through, known, signed):
                yield f"{name} says through {through}, and event {first} is neither here nor stated as lost"
    for slug, epoch in sql.stream(_WITHOUT, [community.pk]):
        yield f"epoch {slug}/{epoch} has events and no row that says how far it reaches"


def _unexplained(station: int, epoch: str, through: int, known: int, signed: SignedEvents) -> Iterator[int]:
    """Yield the first sequence of each gap that no signed loss covers."""
    lost = signed.lost[station, epoch]
    before = 0
    for sequence in [*(row[0] for row in sql.stream(_SEQUENCES, [station, epoch, through])), through + 1]:
        gap = range(max(before, known) + 1, sequence)
        if gap and not (gap[0] in lost and gap[-1] in lost):
            yield gap[0]
        before = sequence
