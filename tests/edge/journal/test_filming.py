"""What a household said to clips is in the journal, and without it nobody agreed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cloud_sync.wire.facts import Role
from edge.journal.card_book import CardBook
from edge.journal.filming import read_filming
from edge.journal.schema import open_journal
from edge.roster import UNFILMED, CardState, Filming, RosterEntry
from edge.sync.outbox import Outbox
from tests.edge.builders import card
from tests.edge.journal.checks import opened

AGREED = Filming(consents=True)
ENTRY = RosterEntry(CardState.ACTIVE, Role.RESIDENT)


def test_a_household_that_was_not_asked_has_not_agreed(
    tmp_path: Path,
) -> None:
    journal = opened(tmp_path)
    CardBook(tmp_path).put(card("li"), ENTRY)
    assert journal.roster()[card("li")].filming == UNFILMED
    connection = open_journal(tmp_path)
    assert read_filming(connection) == {}
    connection.close()
    journal.close()


def test_consent_is_set_changed_and_forgotten_with_its_card(tmp_path: Path) -> None:
    journal, book = opened(tmp_path), CardBook(tmp_path)
    book.put(card("li"), replace(ENTRY, filming=Filming(consents=True, is_appealed=True)))
    assert journal.roster()[card("li")].filming == Filming(consents=True, is_appealed=True)
    book.put(card("li"), ENTRY)
    assert journal.roster()[card("li")].filming == UNFILMED
    book.put(card("li"), replace(ENTRY, filming=AGREED))
    book.forget(card("li"))
    book.put(card("li"), ENTRY)
    assert book.entries()[card("li")].filming == UNFILMED
    journal.close()


def test_a_roster_from_the_ledger_replaces_all_consent(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    outbox = Outbox(tmp_path)
    outbox.replace_roster({card("li"): replace(ENTRY, filming=AGREED), card("wang"): ENTRY})
    assert journal.roster()[card("li")].filming == AGREED
    outbox.replace_roster({card("li"): ENTRY})
    assert journal.roster() == {card("li"): ENTRY}
    outbox.close()
    journal.close()
