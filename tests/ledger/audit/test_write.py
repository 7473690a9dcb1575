"""Every write of a person leaves a row of who, why, before and after, which stays."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client

from cloud_sync.ledger.audit.acting import acting
from cloud_sync.ledger.audit.models import AuditEntry
from cloud_sync.ledger.audit.write import HIDDEN, LONGEST_VALUE, find_or_add, note, write
from cloud_sync.ledger.db import sql
from cloud_sync.ledger.households.cards import Attribution, bind_card, block_card, find_card
from cloud_sync.ledger.households.erasure import erase_household
from cloud_sync.ledger.households.register import add_household, rename_household
from cloud_sync.ledger.officers.register import add_officer, renew_password
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.models import Card
from cloud_sync.ledger.stations.alarms import Cause, raise_alarm
from cloud_sync.ledger.stations.models import Alarm, Station
from tests.engines import BOTH
from tests.ledger.signing_in import new_officer, signed_in
from tests.ledger.town import NOW, RIGHT, Town, card, event, visit_facts

Run = Callable[..., subprocess.CompletedProcess[str]]
pytestmark = BOTH


def kept(deed: Deed) -> list[tuple[str, str, dict[str, object], dict[str, object]]]:
    """Who, why, before and after of each entry of a deed, the first one first."""
    rows = AuditEntry.objects.filter(deed=deed).order_by("pk")
    return [(row.by, row.reason, json.loads(bytes(row.before)), json.loads(bytes(row.after))) for row in rows]


def station(town: Town) -> Station:
    town.station("east-gate")
    return Station.objects.get(slug="east-gate")


def test_only_what_changed_is_kept_and_nothing_where_nothing_did(town: Town) -> None:
    row = station(town)
    changes = {"name_zh": "东门桶站", "name_en": ""}
    assert write(row, Deed.CHANGE_STATION, by="Li", reason="a sign", now=NOW, **changes)
    assert kept(Deed.CHANGE_STATION) == [("Li", "a sign", {"name_zh": ""}, {"name_zh": "东门桶站"})]
    assert not write(row, Deed.CHANGE_STATION, by="Li", reason="again", now=NOW, **changes)
    assert len(kept(Deed.CHANGE_STATION)) == 1
    assert Station.objects.get(pk=row.pk).name_zh == "东门桶站"
    entry = AuditEntry.objects.get(deed=Deed.CHANGE_STATION)
    assert (entry.community, entry.thing, entry.at) == (town.community, f"stations_station/{row.pk}", NOW)


def test_a_new_row_is_kept_whole_and_one_that_is_there_is_not_noted_again(town: Town) -> None:
    found = [
        find_or_add(Card, Deed.REGISTER_CARD, {}, community=town.community, hash=card(1)) for _ in range(2)
    ]
    assert [is_new for _, is_new in found] == [True, False]
    ((_, _, before, after),) = kept(Deed.REGISTER_CARD)
    assert before == {}
    assert (after["hash"], after["status"], after["household"]) == (card(1), "active", None)


def test_a_row_and_its_entry_are_one_transaction(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    row = station(town)
    monkeypatch.setattr(AuditEntry, "save", lambda *_args, **_given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(row, Deed.CHANGE_STATION, by="Li", reason="a sign", now=NOW, name_en="East Gate")
    assert Station.objects.get(pk=row.pk).name_en == ""


def test_who_acts_is_kept_unless_the_write_names_another(town: Town) -> None:
    row = station(town)
    with acting("wang", "their own"):
        note(Deed.COMMAND_STATION, row)
        note(Deed.COMMAND_STATION, row, by="Li", reason="by word of mouth")
    note(Deed.COMMAND_STATION, row)
    assert [entry[:2] for entry in kept(Deed.COMMAND_STATION)] == [
        ("wang", "their own"),
        ("Li", "by word of mouth"),
        ("ledger", "by the program itself"),
    ]


def test_no_secret_and_nothing_long_is_kept(town: Town) -> None:
    add_officer("wang")
    renew_password("wang")
    assert all(
        after["password"] in {"", HIDDEN} for *_, after in kept(Deed.NAME_OFFICERS) if "password" in after
    )
    assert "pbkdf2" not in json.dumps(kept(Deed.NAME_OFFICERS))
    row = town.community
    write(row, Deed.CHANGE_COMMUNITY, by="Li", reason="own rules", now=NOW, sorting="x" * 5000)
    assert len(str(kept(Deed.CHANGE_COMMUNITY)[-1][3]["sorting"])) == LONGEST_VALUE


def test_the_database_lets_nobody_change_what_was_done(town: Town) -> None:
    note(Deed.CHANGE_STATION, station(town), after={"x": 1}, by="Li", reason="why")
    for change in ("by = 'nobody'", "reason = 'other'", "deed = 'x'", "community_id = NULL"):
        with pytest.raises(DatabaseError), transaction.atomic():
            sql.execute(f"UPDATE audit_auditentry SET {change}", [])  # noqa: S608 (constants)
    with pytest.raises(DatabaseError), transaction.atomic():
        sql.execute("UPDATE audit_auditentry SET after = %s", [b'{"x":2}'])
    with pytest.raises(DatabaseError), transaction.atomic():
        sql.execute("DELETE FROM audit_auditentry", [])
    for empty in ({"by": ""}, {"reason": ""}, {"deed": ""}, {"thing": ""}):
        fields = {"by": "Li", "reason": "why", "deed": "x", "thing": "y/1"} | empty
        with pytest.raises(IntegrityError), transaction.atomic():
            AuditEntry.objects.create(at=NOW, before=b"", after=b"", **fields)


def test_an_erasure_leaves_who_did_what_and_no_personal_value(town: Town) -> None:
    household = add_household(town.community, "3-2-501", "王家")
    rename_household(household, code="3-2-502", name="李家", by="Li", reason="moved", now=NOW)
    bind_card(household, card(1), NOW, Attribution("Li", "a new card"))
    erase_household(household, "Li", "asked for it", NOW)
    rows = AuditEntry.objects.filter(deed__in=[Deed.KEEP_HOUSEHOLDS, Deed.REGISTER_CARD])
    texts = b"".join(bytes(row.before) + bytes(row.after) for row in rows).decode()
    for personal in ("3-2-50", "王家", "李家", card(1)):
        assert personal not in texts
    assert ("Li", "moved") in {(row.by, row.reason) for row in rows}
    assert ("Li", "asked for it", True) in {
        (row.by, row.reason, b"erased" in bytes(row.after)) for row in rows
    }


def test_what_an_officer_does_on_a_page_is_theirs_with_the_reason_they_gave(town: Town) -> None:
    new_officer("wang")
    raise_alarm("sunny-garden", "east-gate", Cause.SILENT, "for days", NOW)
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    town.station("east-gate")
    town.limit(0, "east-gate")
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    client = signed_in(Client())
    client.post("/office/sunny-garden/held/1/give/", {"reason": "seen  at the station"})
    client.post(f"/office/sunny-garden/alarms/{Alarm.objects.get(reason='silent').pk}/close/")
    client.post("/office/sunny-garden/transfers/2/take-back/", {"reason": "the wrong one"})
    ((by, why, before, after),) = kept(Deed.DECIDE_HELD)
    assert (by, why, before["held"], after) == ("wang", "seen at the station", 2, {"given": True})
    assert [entry[:2] for entry in kept(Deed.CLOSE_ALARM)] == [("wang", "close_alarm")]
    assert kept(Deed.TAKE_BACK)[0] == ("wang", "the wrong one", {}, {"taken": 2, "owed": 0})


def test_what_a_command_does_is_by_who_runs_it(
    town: Town, tongzhan: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "operator")
    station(town)
    done = tongzhan("ledger", "station", "retire", "east-gate", "--config", config)
    assert done.returncode == 0, done.stderr
    ((by, why, before, after),) = kept(Deed.RETIRE_STATION)
    assert (by, why) == ("operator", "tongzhan ledger station retire")
    assert (before, after) == ({"active": True}, {"active": False})


def test_a_card_that_is_blocked_is_kept_with_who_and_why(town: Town) -> None:
    bind_card(add_household(town.community, "3-2-501"), card(1), NOW)
    block_card(find_card(town.community, card(1)), Attribution("Li", "lost in the lift"), NOW)
    (entry,) = kept(Deed.BLOCK_CARD)
    assert entry == ("Li", "lost in the lift", {"status": "active"}, {"status": "blocked"})
