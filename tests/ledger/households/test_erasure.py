"""An erased household: nothing leads to it any more, and every point stays where it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.db import triggers
from cloud_sync.ledger.households.cards import Attribution, bind_card, find_card, unbind_card
from cloud_sync.ledger.households.erasure import erase_household
from cloud_sync.ledger.households.export import history
from cloud_sync.ledger.households.register import add_household, find_household
from cloud_sync.ledger.points.models import Account, Card, Household, SignedBatch, Transfer
from cloud_sync.ledger.statement.links import household_of, statement_link
from cloud_sync.ledger.statement.page import make_statement
from cloud_sync.ledger.stations.alarms import Cause, raise_alarm
from cloud_sync.ledger.stations.models import Event
from config.errors import InputError
from tests.engines import BOTH
from tests.ledger.town import NOW, RIGHT, Town, card, event, visit_facts

pytestmark = BOTH
NUMBER = 0xA1B2C3D4E5F6A7B8 << 192
LI = Attribution("Li", "moved out")


@pytest.fixture
def lived(town: Town) -> Household:
    """A household with visits of two cards, one unbound since, beside a neighbour in the same batches."""
    home = add_household(town.community, "3-2-501", "王家")
    bind_card(home, card(NUMBER), NOW)
    bind_card(home, card(NUMBER + 1), NOW)
    bind_card(add_household(town.community, "3-2-502", "李家"), card(3), NOW)
    visits = [visit_facts(who, RIGHT, provisional=2) for who in (NUMBER, 3, NUMBER + 1, NUMBER)]
    town.deliver(*(event(number, facts) for number, facts in enumerate(visits, 1)))
    unbind_card(find_card(town.community, card(NUMBER + 1)), LI, NOW)
    town.deliver(event(5, visit_facts(NUMBER + 1, RIGHT, provisional=2)))
    town.deliver(event(6, visit_facts(NUMBER, RIGHT, provisional=2, rules=9)), b'{"stray": 1}')
    town.deliver(event(6, visit_facts(NUMBER, provisional=0)))  # a conflict
    raise_alarm("sunny-garden", "east-gate", Cause.SET_ASIDE, f"names no event: {card(NUMBER)[:40]}", NOW)
    return home


def everything() -> bytes:
    """Every value of every table, as bytes."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 (a table's name)
            for row in cursor.fetchall():
                found += [bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row]
    return b"\n".join(found)


def test_no_table_holds_a_trace_and_every_sum_stays(town: Town, lived: Household) -> None:
    before = verify()
    assert before.ok, before.problems
    balances, transfers = list(Account.objects.values_list("balance")), Transfer.objects.count()
    link = statement_link(lived)
    erased = erase_household(lived, "Li", "they asked for it", NOW)
    assert (erased.cards, erased.visits) == (2, 4)
    there = everything()
    for trace in (card(NUMBER), card(NUMBER + 1), card(NUMBER)[:12], "3-2-501", "王家"):
        assert trace.encode() not in there
    assert card(3).encode() in there
    assert list(Account.objects.values_list("balance")) == balances
    assert Transfer.objects.count() == transfers
    after = verify()
    assert after.ok, after.problems
    assert (after.erased, after.heads) == (1, before.heads)
    assert household_of(link.rsplit("/", 2)[-2]) is None
    with pytest.raises(InputError, match="no household 3-2-501"):
        find_household(town.community, "3-2-501")


def test_its_file_holds_no_trace_either(lived: Household) -> None:
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL's old rows go with its next VACUUM")
    erase_household(lived, "Li", "they asked for it", NOW)
    file = Path(str(connection.settings_dict["NAME"]))
    connection.close()
    raw = b"".join(one.read_bytes() for one in file.parent.glob(f"{file.name}*"))
    for trace in (card(NUMBER), "3-2-501", "王家"):
        assert trace.encode() not in raw


def test_its_card_is_a_strangers_afterwards_and_what_is_sent_again_is_known(
    town: Town, lived: Household
) -> None:
    erase_household(lived, "Li", "they asked for it", NOW)
    again = town.deliver(event(1, visit_facts(NUMBER, RIGHT, provisional=2)))
    assert (again.new, again.known) == (0, 1)
    town.deliver(event(7, visit_facts(NUMBER, RIGHT, provisional=2)))
    assert Card.objects.get(hash=card(NUMBER)).household is None
    assert add_household(town.community, "3-2-501") != lived
    assert verify().ok, verify().problems


def test_an_erasure_says_who_and_why_and_happens_once(lived: Household) -> None:
    with pytest.raises(InputError, match="the reason"):
        erase_household(lived, "Li", " ", NOW)
    erase_household(lived, "Li", "they asked for it", NOW)
    last = history(lived, [])[-1]
    assert (last["what"], last["by"], last["reason"]) == ("erased", "Li", "they asked for it")
    with pytest.raises(InputError, match="was erased before"):
        erase_household(lived, "Li", "again", NOW)


def test_its_statement_can_still_be_made_and_says_nothing_of_things(lived: Household) -> None:
    erase_household(lived, "Li", "they asked for it", NOW)
    assert make_statement(lived, NOW).balance == Account.objects.get(household=lived).balance


def test_bytes_that_were_emptied_without_an_erasure_are_named(lived: Household) -> None:
    assert lived.pk
    Event.objects.filter(sequence=2).update(body=b"")
    assert any("did not sign it" in line for line in verify().problems)
    assert any("breaks at transfer 2" in line for line in verify().problems)


def test_an_event_that_was_edited_beside_an_erased_one_is_named(lived: Household) -> None:
    erase_household(lived, "Li", "they asked for it", NOW)
    with connection.cursor() as cursor:
        triggers.release()
        cursor.execute("UPDATE stations_event SET digest = epoch || substr(digest, 17) WHERE sequence = 2")
    assert any("signed batch" in line and "edited" in line for line in verify().problems)
    assert SignedBatch.objects.exists()
