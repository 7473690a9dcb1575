"""`tongzhan station card`: what makes a card staff's, blocks it, and takes that back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloud_sync.wire.cards import card_hash
from cloud_sync.wire.facts import Credential, Role
from config.errors import InputError
from edge.readers.typed_cards import card_named
from edge.roster import UNFILMED, CardState, Filming, RosterEntry
from edge.station_file import load_station
from edge.sync.keys import load_keys
from firmware_bridge.decoders.em4100 import CardBits
from scripts.cli import run
from tests.edge.journal.checks import NOON, opened, visit
from tests.station.conftest import KEY
from tests.station.test_composition import BIN, STATION

NUMBER = "62e3086ced"
KEY_BYTES = bytes.fromhex(KEY)
CARD = card_hash(KEY_BYTES, Credential.EM4100, NUMBER)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "station.toml"
    path.write_text(STATION.format(model="") + BIN.format("kitchen"), encoding="utf-8")
    key = tmp_path / "card.key"
    key.touch(0o600)
    key.write_text(KEY, encoding="ascii")
    keys = ["--card-key", str(key), "--ledger-key", KEY]
    assert run(["station", "init", "--config", str(path), *keys]) == 0
    assert load_keys(Path(load_station(path).station.state_dir)).card == KEY_BYTES
    return path


@pytest.fixture
def journal(config: Path) -> Path:
    """Give the state folder of a station that has run."""
    folder = Path(load_station(config).station.state_dir)
    opened(folder, "a" * 16).close()
    return folder


def known(folder: Path) -> dict[str, RosterEntry]:
    """Give the roster as a running station reads it."""
    journal = opened(folder, "b" * 16)
    roster = dict(journal.roster())
    journal.close()
    return roster


def card(config: Path, *arguments: str) -> int:
    return run(["station", "card", *arguments, "--config", str(config)])


def test_a_number_makes_a_card_staffs_and_the_undo_makes_it_a_strangers(config: Path, journal: Path) -> None:
    assert card(config, "staff", NUMBER.upper()) == 0
    assert known(journal) == {CARD: RosterEntry(CardState.ACTIVE, Role.STAFF)}
    assert card(config, "forget", NUMBER) == 0
    assert known(journal) == {}


def test_a_blocked_card_is_what_it_was_once_it_is_unblocked(config: Path, journal: Path) -> None:
    assert card(config, "staff", CARD) == 0
    assert card(config, "block", CARD[:12]) == 0
    assert known(journal) == {CARD: RosterEntry(CardState.BLOCKED, Role.STAFF)}
    assert card(config, "unblock", CARD) == 0
    assert known(journal) == {CARD: RosterEntry(CardState.ACTIVE, Role.STAFF)}
    assert card(config, "resident", CARD) == 0
    assert known(journal) == {CARD: RosterEntry(CardState.ACTIVE, Role.RESIDENT)}


def test_a_stranger_that_was_blocked_is_a_stranger_again(config: Path, journal: Path) -> None:
    assert card(config, "block", NUMBER) == 0
    assert known(journal) == {CARD: RosterEntry(CardState.BLOCKED, Role.UNKNOWN)}
    assert card(config, "unblock", NUMBER) == 0
    assert known(journal) == {}


def test_the_card_that_was_tapped_last_needs_no_number(config: Path, journal: Path) -> None:
    one = opened(journal, "c" * 16)
    for who in ("first", "second"):
        one.record_visit(visit(1, who=who), NOON)
    one.close()
    assert card(config, "staff", "last") == 0
    (made,) = known(journal)
    assert made == visit(1, who="second").card


def test_the_list_names_every_card_and_says_when_there_is_none(
    config: Path, journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert journal.exists()
    capsys.readouterr()
    assert card(config, "list") == 0
    assert "there is no staff card" in capsys.readouterr().out
    assert card(config, "staff", CARD) == 0
    capsys.readouterr()
    assert card(config, "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    expected = {"card": CARD, "state": "active", "role": "staff", "clips": False, "appeal": False}
    assert listed == {"cards": [expected]}


def test_what_a_household_says_to_clips_and_its_appeal_outlive_other_changes(
    config: Path, journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert card(config, "clips", CARD, "--agreed") == 2
    assert "is not known here" in capsys.readouterr().err
    assert card(config, "resident", CARD) == 0
    assert known(journal)[CARD].filming == UNFILMED
    assert card(config, "clips", CARD, "--agreed") == 0
    assert card(config, "appeal", CARD, "--open") == 0
    assert card(config, "block", CARD) == 0
    assert card(config, "unblock", CARD) == 0
    assert known(journal)[CARD].filming == Filming(consents=True, is_appealed=True)
    assert "resident, agrees to clips, has an open appeal" in capsys.readouterr().out
    assert card(config, "clips", CARD, "--refused") == 0
    assert card(config, "appeal", CARD, "--decided") == 0
    assert known(journal)[CARD].filming == UNFILMED


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("staff", "last"), "no card has opened a lid here yet"),
        (("staff", "hello"), "'hello' is no card"),
        (("staff", "0000000000"), "no fob has the number"),
        (("staff", "226,25326"), "are 24 bits of a fob"),
        (("staff", "abcdef123456"), "begins no card that this station knows"),
        (("unblock", NUMBER), "is not blocked here"),
    ],
)
def test_a_card_that_is_none_is_refused_in_one_line(
    config: Path, journal: Path, arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert card(config, *arguments) == 2
    assert told in capsys.readouterr().err
    assert known(journal) == {}


def test_a_station_that_never_ran_is_told_of_no_card(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert card(config, "staff", NUMBER) == 2
    assert "start the station once" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "width", "number"),
    [
        ("62e3086ced", CardBits.ALL, "62e3086ced"),
        ("0141060333", CardBits.ALL, "0141060333"),
        ("0141060333", CardBits.WIEGAND_34, "086868ed"),
        ("62e3086ced", CardBits.WIEGAND_34, "e3086ced"),
        ("226,25326", CardBits.WIEGAND_26, "e262ee"),
        ("e262ee", CardBits.WIEGAND_26, "e262ee"),
    ],
)
def test_what_is_printed_on_a_fob_is_the_number_its_readers_give(
    word: str, width: CardBits, number: str
) -> None:
    assert card_named(word, KEY_BYTES, width, ()) == card_hash(KEY_BYTES, Credential.EM4100, number)


def test_a_beginning_that_two_cards_have_is_refused() -> None:
    both = ["ab" * 6 + "0" * 52, "ab" * 6 + "1" * 52]
    with pytest.raises(InputError, match="begins 2 cards"):
        card_named("ab" * 6, KEY_BYTES, CardBits.ALL, both)
