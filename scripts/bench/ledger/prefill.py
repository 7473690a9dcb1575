"""Fills a ledger with rows like those of years of use, by SQL alone; its chain cannot be verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloud_sync.ledger.stations.models import Community

A_DAY = 20_000
"""Visits on each past day."""
BODY_BYTES = 500

SERIES = {
    "sqlite": "WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < {count})",
    "postgresql": "WITH series AS (SELECT generate_series(1, {count}::bigint) AS i)",
}
WORDS = {
    "sqlite": {
        "body": f"zeroblob({BODY_BYTES})",
        "digest": "printf('%064x', i)",
        "epoch": "printf('e%015x', i / 10000)",  # not one of the stations to come
        "link": "randomblob(32)",
        "day": f"date('2025-01-01', (i / {A_DAY}) || ' days')",
        "at": f"datetime('2025-01-01', (i / {A_DAY}) || ' days')",
    },
    "postgresql": {
        "body": f"decode(repeat('00', {BODY_BYTES}), 'hex')",
        "digest": "lpad(to_hex(i), 64, '0')",
        "epoch": "'e' || lpad(to_hex(i / 10000), 15, '0')",
        "link": "sha256(i::text::bytea)",
        "day": f"date '2025-01-01' + (i / {A_DAY})::int",
        "at": f"timestamptz '2025-01-01' + (i / {A_DAY}) * interval '1 day'",
    },
}
STATEMENTS = (
    """INSERT INTO stations_event
    (id, station_id, epoch, sequence, kind, body, digest, received_at, state, reason)
    {series} SELECT i, {station} + i % {stations}, {epoch}, i, 'visit', {body}, {digest}, {at}, 'applied', ''
    FROM series""",
    """INSERT INTO points_visitsettlement
    (event_id, community_id, card_hash, household_id, happened_at, local_day, provisional, settled, held,
    lowered, lowered_by, held_by, counted, timed, withdrawn, withdrawn_by, held_at_s)
    {series} SELECT i, {community}, {digest}, {household} + i % {households}, {at}, {day}, 2, 2, 0,
    0, '', '', 1, 'stated', 0, '', 0 FROM series""",
    """INSERT INTO points_transfer
    (community_id, position, debit_id, credit_id, points, event_id, purpose, created_at, chain)
    {series} SELECT {community}, i, {issuing}, {account} + i % {households}, 2, i, 'award', {at}, {link}
    FROM series""",
)


def fill(community: Community, count: int) -> None:
    """Store `count` settled visits of this community, whose ledger has only its people so far."""
    from django.db import connection  # noqa: PLC0415 (Django is set up while the benchmark runs)

    from cloud_sync.ledger.points.models import Account, ChainHead, Household  # noqa: PLC0415
    from cloud_sync.ledger.stations.models import Station  # noqa: PLC0415

    numbers = {
        "community": community.pk,
        "count": count,
        "issuing": Account.objects.get(kind="issuing").pk,
        "station": Station.objects.order_by("pk")[0].pk,
        "stations": Station.objects.count(),
        "household": Household.objects.order_by("pk")[0].pk,
        "households": Household.objects.count(),
        "account": Account.objects.filter(kind="household").order_by("pk")[0].pk,
    }
    with connection.cursor() as cursor:
        words = WORDS[connection.vendor] | {"series": SERIES[connection.vendor].format(**numbers)}
        for statement in STATEMENTS:
            cursor.execute(statement.format(**words, **numbers))
        if connection.vendor == "postgresql":
            sequence = "SELECT setval(pg_get_serial_sequence('stations_event', 'id'), %s)"
            cursor.execute(sequence, [count])
            cursor.execute("VACUUM (ANALYZE)")
            cursor.execute("CHECKPOINT")
        else:
            cursor.execute("ANALYZE")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ChainHead.objects.update(position=count, chain=bytes(32))
