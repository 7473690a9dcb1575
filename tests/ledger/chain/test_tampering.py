"""`verify` names everything that SQL edited, removed or forged, and still finishes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction

from cloud_sync.ledger.chain import chain, records
from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.db import sql, triggers
from cloud_sync.ledger.households.cards import (
    bind_card,
)
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.points.models import Account, ChainHead, Transfer, VisitSettlement
from cloud_sync.ledger.stations.models import Event, Station
from cloud_sync.wire import envelope
from tests.engines import BOTH, Tier
from tests.ledger.rich import enrich
from tests.ledger.town import (
    EPOCH,
    HAZARDOUS,
    NOW,
    RIGHT,
    Town,
    card,
    event,
    visit_facts,
)


def on_both(test: Any) -> Any:  # noqa: ANN401 (a test function)
    """Run a test over both engines."""
    for mark in BOTH:
        test = mark(test)
    return test


TEXTS = (models.CharField, models.TextField)
NOT_COVERED = {
    "stations_alarm": "a notice to a person; no points hang on it",
    "stations_conflict": "evidence for a person; no points hang on it",
    "stations_stray": "evidence for a person; no points hang on it",
    "stations_communitychange": "it says who changed a community; what that is now is covered",
    "stations_community.language": "what people read; no points hang on it",
    "stations_community.sorting": "what people read; a station's verdicts say what was thrown where",
    "stations_station.name_zh": "what people read; no points hang on it",
    "stations_station.name_en": "what people read; no points hang on it",
    "stations_epoch.id": "its own number, which nothing refers to",
    "stations_epoch.updated": "it says which epochs a receipt names",
    "stations_epoch.decided_at": "as updated",
    "stations_epoch.boot": "it raises an alarm where two boots write at once; no points hang on it",
    "stations_epoch.first_at": "as its boot",
    "stations_epoch.last_at": "as its boot, and it makes a clock doubted, which only keeps waits from ending",
    "stations_station.received_on": "it says what waits for being dated back; prices and caps hold",
    "stations_station.newest_at": "as received_on",
    "stations_station.newest_before_at": "as received_on",
    "stations_station.ahead_at": "it makes a clock doubted, which only makes points wait",
    "stations_station.begun_on": "it bounds the work that a station may cause; no points hang on it",
    "stations_station.begun": "as begun_on",
    "points_chainhead.ran_s": "it ends waits, and what a wait returned comes with the card all the same",
    "points_chainhead.noted_at": "as ran_s",
    "points_chainhead.believed_at": "it says what waits for the clock; days, prices and caps hold",
    "points_chainhead.moved_out": "it closes a community here or opens it; no points hang on it",
    "stations_event.reason": "an event that was set aside is judged again before it counts",
    "points_household.links_ended": "it says which links open a statement",
    "points_household.links_ended_by_id": "it says who took them back",
    "points_minted.id": "its own number, which nothing refers to",
    "points_visitsettlement.held_at_s": "named for a visit that waits, see below; else it says nothing",
    "points_transfer.id": "its position is its name; what refers to it by this number is sealed",
    "points_debtpart.id": "its own number, which nothing refers to",
    "points_record.id": "its own number, which nothing refers to",
    "points_signedbatch.id": "its own number, which only an erasure refers to",
}
"""Tables and columns that need not be named, and why."""


@pytest.fixture
def rich(town: Town) -> Town:
    """Return a town with rows of every kind, whose database refuses nothing."""
    enrich(town)
    triggers.release()
    return town


def columns() -> Iterator[tuple[type[models.Model], models.Field[Any, Any]]]:
    """Every column of the ledger's tables."""
    for app in ("stations", "points"):
        for model in apps.get_app_config(app).get_models():
            for field in model._meta.concrete_fields:  # noqa: SLF001 (Django's documented name)
                yield model, field


def other(field: models.Field[Any, Any], value: Any) -> Any:  # noqa: ANN401 (a column's)
    """Another value that fits the column."""
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    if isinstance(target, models.BooleanField):
        return not value
    if isinstance(target, models.BinaryField):
        raw = bytes(value or b"")
        return bytes([raw[0] ^ 1]) + raw[1:] if raw else b"{}"
    if isinstance(target, models.DateField):
        return (value or NOW) - timedelta(days=1)
    if isinstance(target, TEXTS):
        return {"": "x"}.get(value, f"{str(value)[:-1]}{'y' if str(value)[-1:] == 'x' else 'x'}")
    return (value or 0) + 1


def run(statement: str, values: list[Any]) -> bool:
    """Change rows past every check that the database can switch off; return whether it accepted it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
    except DatabaseError:
        return False
    return True


def unchecked() -> None:
    if connection.vendor == "sqlite":
        run("PRAGMA ignore_check_constraints = ON", [])
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA foreign_keys = OFF")


def name_of(model: type[models.Model]) -> tuple[str, str]:
    """A model's table and the column of its primary key."""
    return model._meta.db_table, str(model._meta.pk.column)  # noqa: SLF001 (Django's documented name)


def edited(rows: slice) -> list[str]:
    """Edit each column of these rows, one value at a time; return the edits that `verify` did not name."""
    unchecked()
    before = set(verify().problems)
    assert [problem for problem in before if "the trigger " not in problem] == []
    unnamed = []
    for model, field in columns():
        (table, pk), column = name_of(model), field.column
        if table in NOT_COVERED or f"{table}.{column}" in NOT_COVERED:
            continue
        change = f'UPDATE {table} SET "{column}" = %s WHERE {pk} = %s'  # noqa: S608 (our own models' names)
        found = list(model._base_manager.order_by("pk").values_list("pk", field.attname))  # noqa: SLF001
        assert found, f"nothing in {table}"
        for key, value in dict([found[0], found[-1]][rows]).items():
            new = other(field, value)
            if not run(change, [new, key]):
                continue  # the database itself refuses
            if not set(verify().problems) - before:
                unnamed.append(f"{table}.{column} of {key}: {value!r} -> {new!r}")
            assert run(change, [value, new if column == pk else key])
    assert set(verify().problems) == before
    return unnamed


@pytest.mark.parametrize("engine", [Tier.LAPTOP], indirect=True, ids=str)
@pytest.mark.usefixtures("engine", "rich")
def test_an_edited_value_in_any_column_is_named() -> None:
    assert edited(slice(1, 2)) == []


WAITS = ("held_at_s = -9", "held_since = '2020-01-01 00:00:00'", "held_by = 'mint_limit'")


@pytest.mark.parametrize("change", WAITS)
@on_both
def test_an_edited_wait_is_named(town: Town, change: str) -> None:
    town.deliver(event(1, visit_facts(7, RIGHT, provisional=2)))
    assert verify().ok, verify().problems
    assert run(f"UPDATE points_visitsettlement SET {change}", [])  # noqa: S608 (a constant)
    assert any("how it waits or was withdrawn is not what was noted" in line for line in verify().problems)


@pytest.mark.full
@on_both
@pytest.mark.usefixtures("rich")
def test_an_edited_value_in_any_column_of_the_first_and_last_rows_is_named() -> None:
    assert edited(slice(None)) == []


@on_both
@pytest.mark.usefixtures("rich")
def test_a_row_removed_from_any_table_is_named() -> None:
    unchecked()
    before = set(verify().problems)
    unnamed = []
    for model in {model for model, _ in columns()}:
        table, pk = name_of(model)
        if table in NOT_COVERED:
            continue
        run(f"CREATE TABLE put_aside AS SELECT * FROM {table}", [])  # noqa: S608 (our own models' names)
        if run(f"DELETE FROM {table} WHERE {pk} = (SELECT MIN({pk}) FROM {table})", []):  # noqa: S608
            if not set(verify().problems) - before:
                unnamed.append(table)
            back = f"SELECT * FROM put_aside WHERE {pk} NOT IN (SELECT {pk} FROM {table})"  # noqa: S608
            assert run(f"INSERT INTO {table} {back}", [])
        run("DROP TABLE put_aside", [])
    assert not unnamed, unnamed


@pytest.mark.parametrize("engine", [Tier.LAPTOP], indirect=True, ids=str)
@pytest.mark.usefixtures("engine", "rich")
def test_a_value_of_the_wrong_type_is_named_and_the_audit_still_finishes() -> None:
    unchecked()  # PostgreSQL accepts no other type
    wrong = []
    for model, field in columns():
        (table, pk), column = name_of(model), field.column
        find = f'SELECT {pk}, "{column}" FROM {table} ORDER BY "{column}" DESC LIMIT 1'  # noqa: S608
        ((key, value),) = sql.execute(find, [])
        change = f'UPDATE {table} SET "{column}" = %s WHERE {pk} = %s'  # noqa: S608
        new = b"\xff\x00" if isinstance(field, TEXTS) else "abc"
        if value is None or not run(change, [new, key]):
            continue
        named = (line for line in verify().problems if line.startswith(f"{table} "))
        if not any(f"column {column} " in line for line in named):
            wrong.append(f"{table}.{column}")
        assert run(change, [value, new if column == pk else key])
    assert not wrong, wrong


@pytest.mark.parametrize("engine", [Tier.LAPTOP], indirect=True, ids=str)
@pytest.mark.usefixtures("engine", "rich")
def test_text_that_is_not_utf8_is_named_and_the_audit_still_finishes() -> None:
    unchecked()  # PostgreSQL accepts no such text
    wrong = []
    for model, field in columns():
        (table, pk), column = name_of(model), field.column
        ((key, value),) = sql.execute(f'SELECT {pk}, "{column}" FROM {table} ORDER BY {pk} LIMIT 1', [])  # noqa: S608
        change = f'UPDATE {table} SET "{column}" = CAST(%s AS TEXT) WHERE {pk} = %s'  # noqa: S608
        if not isinstance(field, TEXTS) or not run(change, [b"\xff", key]):
            continue
        found = verify().problems
        named = (
            f"{table} {key!r}: its column {column} holds a value of the wrong type (text that is not UTF-8)"
        )
        if named not in found or any("cannot be finished" in line for line in found):
            wrong.append(f"{table}.{column}: {found}")
        assert run(change.replace("CAST(%s AS TEXT)", "%s"), [value, key])
    assert not wrong, wrong


def forged(town: Town, points: int, *, with_record: bool) -> None:
    """Insert a visit that no station signed, with all hashes correct, as an expert with SQL could."""
    facts = visit_facts(1, *[HAZARDOUS] * 12, provisional=points)
    body = event(11, facts)
    station = Station.objects.get(slug="east-gate")
    digest = hashlib.sha256(body).hexdigest()
    made = Event.objects.create(
        station=station, epoch=EPOCH, sequence=11, kind="visit", body=body, digest=digest,
        received_at=NOW, state="applied",
    )  # fmt: skip
    run("UPDATE stations_epoch SET through = 11 WHERE epoch = %s AND station_id = %s", [EPOCH, station.pk])
    home = Account.objects.get(household__code="3-2-501")
    issuing = Account.objects.get(kind="issuing")
    settlement = VisitSettlement(
        event=made, community=town.community, card_hash=card(1), household=home.household, happened_at=NOW,
        local_day=NOW.date(), provisional=points, settled=points, held=0, lowered=0, counted=12,
    )  # fmt: skip
    settlement.save(force_insert=True)
    head = ChainHead.objects.get()
    row = chain.Link(
        head.position + 1, issuing.pk, home.pk, points, "award", station.pk, EPOCH, 11, digest,
        chain.microseconds(NOW),
    )  # fmt: skip
    link = chain.link(bytes(head.chain), row)
    Transfer(
        community=town.community, position=head.position + 1, debit=issuing, credit=home, points=points,
        event=made, purpose="award", created_at=NOW, chain=link,
    ).save()  # fmt: skip
    ChainHead.objects.update(position=head.position + 1, chain=link)
    run("UPDATE points_account SET balance = balance + %s WHERE id = %s", [points, home.pk])
    run("UPDATE points_account SET balance = balance - %s WHERE id = %s", [points, issuing.pk])
    if with_record:
        fields = settlement._meta.concrete_fields  # noqa: SLF001 (Django's documented name)
        columns: dict[str, Any] = {str(field.column): getattr(settlement, field.attname) for field in fields}
        columns["local_day"] = NOW.date().isoformat()
        records.note_settled(town.community.pk, [columns], [], NOW, NOW)


@on_both
def test_a_visit_inserted_at_the_chains_end_is_named_even_with_correct_hashes(rich: Town) -> None:
    before = set(verify().problems)
    forged(rich, 30_000, with_record=True)
    named = set(verify().problems) - before
    key = Event.objects.get(sequence=11).pk
    assert named == {
        f"event {key} (east-gate/{EPOCH}/11) is in no batch that its station signed",
        f"the settlement of event {key}: 30000 points were given or wait, but its facts earn 12",
    }


@on_both
def test_a_visit_without_a_record_is_named(rich: Town) -> None:
    before = set(verify().problems)
    forged(rich, 5, with_record=False)
    key = Event.objects.get(sequence=11).pk
    assert f"the settlement of event {key} is in no record" in set(verify().problems) - before


@on_both
def test_a_batch_that_its_station_did_not_sign_is_named(rich: Town) -> None:
    before = set(verify().problems)
    forged(rich, 5, with_record=True)
    body = bytes(Event.objects.get(sequence=11).body)
    sealed = envelope.seal_batch(Ed25519PrivateKey.generate(), "sunny-garden", "east-gate", [body])
    header = msgspec.json.decode(sealed.partition(b"\n")[0])
    own = envelope.key_id(rich.stations["east-gate"].public_key())
    for name in (header["key"], own):
        station = Station.objects.get(slug="east-gate")
        row = station.batches.create(
            key_id=name, signature=bytes(64), holds=msgspec.json.encode([(EPOCH, 11, 11)]), received_at=NOW
        )
        (named,) = [line for line in set(verify().problems) - before if "batch" in line]
        wanted = "did not sign it" if name == own else "never had the key"
        assert f"the signed batch {row.pk} of east-gate: " in named
        assert wanted in named
        row.delete()


@on_both
def test_a_visit_whose_day_was_full_cannot_be_given_more_afterwards(town: Town) -> None:
    home = add_household(town.community, "3-2-501")
    bind_card(home, card(1), NOW)
    for number in range(1, 9):
        town.deliver(event(number, visit_facts(1, HAZARDOUS, provisional=5)))
    assert town.balance(home) == 30
    full = VisitSettlement.objects.get(event__sequence=8)
    assert (full.settled, full.lowered_by) == (0, "daily_points")
    assert verify().ok, verify().problems
    more = "UPDATE points_visitsettlement SET settled = 5, lowered = 0, lowered_by = '' WHERE event_id = %s"
    run(more, [full.pk])
    wanted = f"the settlement of event {full.pk} is not as it was written"
    assert any(line.startswith(wanted) for line in verify().problems)


@on_both
def test_many_breaks_are_all_found_and_named_up_to_a_limit(rich: Town) -> None:
    assert rich.community.pk
    run("UPDATE points_transfer SET points = points + 1", [])
    audit = verify()
    assert [found.position for found in audit.breaks] == list(range(1, Transfer.objects.count() + 1))
    assert len(audit.problems) < 200
