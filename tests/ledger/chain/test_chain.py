"""If stored transfers are changed, the audit names the first one where the chain breaks."""

from __future__ import annotations

import hashlib
import json

import pytest
from django.db import connection
from msgspec import structs

from cloud_sync.ledger.chain import chain
from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.db import triggers
from cloud_sync.ledger.db.snapshot import snapshot
from cloud_sync.ledger.points.models import ChainHead, Transfer
from tests.engines import BOTH
from tests.ledger.town import NOW, RIGHT, Town, event, visit_facts

pytestmark = BOTH


@pytest.fixture
def chained(town: Town) -> Town:
    """Six transfers in two batches."""
    for start in (1, 4):
        town.deliver(*(event(start + n, visit_facts(n, RIGHT, provisional=2)) for n in range(3)))
    return town


def test_an_untouched_chain_is_whole(chained: Town) -> None:
    audit = verify()
    assert audit.ok, audit.problems
    assert list(Transfer.objects.order_by("id").values_list("position", flat=True)) == [1, 2, 3, 4, 5, 6]
    assert ChainHead.objects.get(community=chained.community).position == 6
    assert audit.as_json()["ok"] is True
    assert "broken_at" not in audit.as_json()
    assert len(audit.heads["sunny-garden"]) == 64


TAMPERED: dict[str, tuple[tuple[str, ...], int]] = {
    "points that were edited": (("UPDATE points_transfer SET points = 200 WHERE position = 3",), 3),
    "an account that was edited": (
        ("UPDATE points_transfer SET debit_id = credit_id, credit_id = debit_id WHERE position = 3",),
        3,
    ),
    "a purpose that was edited": (("UPDATE points_transfer SET purpose = 'award' WHERE position = 2",), 2),
    "a time that was edited": (
        ("UPDATE points_transfer SET created_at = '2020-01-01 00:00:00' WHERE position = 4",),
        4,
    ),
    "a link that was edited": (
        ("UPDATE points_transfer SET chain = (SELECT chain FROM points_chainhead) WHERE position = 5",),
        5,
    ),
    "a row that was removed": (("DELETE FROM points_transfer WHERE position = 2",), 2),
    "a first row that was removed": (("DELETE FROM points_transfer WHERE position = 1",), 1),
    "a last row that was removed": (("DELETE FROM points_transfer WHERE position = 6",), 6),
    "a row that was removed and the gap closed": (
        (
            "DELETE FROM points_transfer WHERE position = 6",
            "UPDATE points_transfer SET position = 6 WHERE position = 2",
            "UPDATE points_transfer SET position = 2 WHERE position = 5",
            "UPDATE points_transfer SET position = 5 WHERE position = 6",
            "UPDATE points_chainhead SET position = 5",
        ),
        2,
    ),
    "two rows that were swapped": (
        (
            "UPDATE points_transfer SET position = 9 WHERE position = 2",
            "UPDATE points_transfer SET position = 2 WHERE position = 5",
            "UPDATE points_transfer SET position = 5 WHERE position = 9",
        ),
        2,
    ),
    "a row that was inserted": (
        (
            """INSERT INTO points_transfer (community_id, position, debit_id, credit_id, points, event_id,
            purpose, created_at, chain) SELECT community_id, 7, debit_id, credit_id, 5, event_id, 'award',
            created_at, chain FROM points_transfer WHERE position = 6""",
        ),
        7,
    ),
    "an event that was edited": (
        ("UPDATE stations_event SET digest = epoch || substr(digest, 17) WHERE sequence = 3",),
        3,
    ),
    "an event whose evidence was replaced": (
        ("UPDATE stations_event SET body = (SELECT chain FROM points_chainhead) WHERE sequence = 4",),
        4,
    ),
    "an event that was renamed": (("UPDATE stations_event SET sequence = 77 WHERE sequence = 5",), 5),
    "a head that was set back": (("UPDATE points_chainhead SET position = 4",), 5),
    "a head that was removed": (("DELETE FROM points_chainhead",), 1),
}


@pytest.mark.parametrize("how", TAMPERED)
@pytest.mark.usefixtures("chained")
def test_the_first_wrong_transfer_is_named(how: str) -> None:
    statements, position = TAMPERED[how]
    triggers.release()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    audit = verify()
    assert not audit.ok
    assert audit.as_json()["ok"] is False
    assert (audit.as_json()["broken_in"], audit.as_json()["broken_at"]) == ("sunny-garden", position)
    assert f"breaks at transfer {position}:" in audit.problems[0]


@pytest.mark.usefixtures("chained")
def test_the_chain_can_be_walked_without_our_code() -> None:
    link = b""
    columns = [
        *("position", "debit_id", "credit_id", "points", "purpose"),
        *("event__station_id", "event__epoch", "event__sequence", "event__digest"),
    ]
    for row in Transfer.objects.order_by("position").values_list(*columns, "chain"):
        at_us = int(NOW.timestamp()) * 1_000_000
        array = json.dumps([*row[:-1], at_us, None, None, None], separators=(",", ":"))
        link = hashlib.sha256(link + array.encode()).digest()
        assert bytes(row[-1]) == link


def test_a_link_depends_on_every_column() -> None:
    row = chain.Link(1, 2, 3, 4, "award", 5, "aa", 6, "digest", 7, 8, 9, "who: why")
    others = [structs.replace(row, **{name: getattr(row, name) * 2}) for name in chain.Link.__struct_fields__]
    links = {chain.link(b"", one) for one in [row, *others]} | {chain.link(b"x", row)}
    assert len(links) == 15


def test_an_audit_does_not_block_writers(chained: Town) -> None:
    with snapshot():
        assert Transfer.objects.count() == 6
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("UPDATE stations_community SET name_en = 'Other'")
        other.close()
        assert Transfer.objects.count() == 6
    assert chained.community.pk
