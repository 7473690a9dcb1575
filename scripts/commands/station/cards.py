"""`tongzhan station card`: the cards that this station knows as staff cards or as blocked."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import click

from config.errors import InputError
from config.reading.files import sqlite_mend
from edge.journal.card_book import CardBook
from edge.roster import UNFILMED, Filming, RosterEntry
from edge.station_file import load_station
from scripts.commands.station.options import config_option

Command = TypeVar("Command", bound=Callable[..., object])

_SHOWN = 12
LAST = "last"


@click.group()
def card() -> None:
    """Set which cards are staff cards and which are blocked, at this station. Takes effect within a second.

    CARD is a fob's number (ten hex digits as a reader sends them, or the printed number if the community
    uses 32 bits of its fobs or fewer), a card's hash, 12 or more digits of the hash of a card used here, or
    the word `last`: the card of the newest visit. Run it as root or as the station's user.
    """


def _change(name: str) -> Callable[[Command], click.Command]:
    """Make a command that changes one card."""

    def make(function: Command) -> click.Command:
        made = click.argument("card", metavar="CARD")(config_option(function))
        return card.command(name)(made)

    return make


@_change("staff")
def staff(config: Path, card: str) -> None:
    """Make a card a staff card: it opens bins that are full or faulty, and ends an emergency."""
    from cloud_sync.wire.facts import Role
    from edge.roster import CardState, RosterEntry

    _put(config, card, lambda was: RosterEntry(CardState.ACTIVE, Role.STAFF, _filming(was)))


@_change("resident")
def resident(config: Path, card: str) -> None:
    """Make a card a resident's card: it loses staff rights."""
    from cloud_sync.wire.facts import Role
    from edge.roster import CardState, RosterEntry

    _put(config, card, lambda was: RosterEntry(CardState.ACTIVE, Role.RESIDENT, _filming(was)))


@_change("block")
def block(config: Path, card: str) -> None:
    """Block a card: it opens no lid, whoever it belongs to."""
    from cloud_sync.wire.facts import Role
    from edge.roster import CardState, RosterEntry

    def blocked(was: RosterEntry | None) -> RosterEntry:
        return RosterEntry(CardState.BLOCKED, was.role if was else Role.UNKNOWN, _filming(was))

    _put(config, card, blocked)


@_change("unblock")
def unblock(config: Path, card: str) -> None:
    """Unblock a card; it is again what it was before."""
    from cloud_sync.wire.facts import Role
    from edge.roster import CardState, RosterEntry

    def freed(was: RosterEntry | None) -> RosterEntry | None:
        if was is None or was.state is not CardState.BLOCKED:
            raise InputError(f"card {card} is not blocked here", "see: tongzhan station card list --config F")
        return None if was.role is Role.UNKNOWN else RosterEntry(CardState.ACTIVE, was.role, was.filming)

    _put(config, card, freed)


@_change("clips")
@click.option("--agreed/--refused", "agreed", required=True, help="What the card's household says to clips.")
def clips(config: Path, card: str, *, agreed: bool) -> None:
    """Note whether a card's household agrees to clips of what it throws in; until then none are kept.

    Of a household that has not agreed, a chosen deposit leaves only a still of the tray.
    """

    def asked(was: RosterEntry | None) -> RosterEntry:
        return replace(_known(was, card), filming=replace(_filming(was), consents=agreed))

    _put(config, card, asked)


@_change("appeal")
@click.option("--open/--decided", "is_open", required=True, help="Whether an appeal waits for a decision.")
def appeal(config: Path, card: str, *, is_open: bool) -> None:
    """Note that a card's household has an open appeal: each of its deposits is kept until it is decided."""

    def noted(was: RosterEntry | None) -> RosterEntry:
        return replace(_known(was, card), filming=replace(_filming(was), is_appealed=is_open))

    _put(config, card, noted)


@_change("forget")
def forget(config: Path, card: str) -> None:
    """Forget a card: it opens lids as any unknown card does."""
    _put(config, card, lambda _: None)


@card.command("list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def card_list(config: Path, *, as_json: bool) -> None:
    """Print every card that was set at this station."""
    with _book(config) as book:
        entries = book.entries()
    if as_json:
        rows = [
            {
                "card": card,
                "state": one.state.value,
                "role": one.role.value,
                "clips": one.filming.consents,
                "appeal": one.filming.is_appealed,
            }
            for card, one in entries.items()
        ]
        click.echo(json.dumps({"cards": rows}))
        return
    for each, one in entries.items():
        click.echo(f"{each}  {_words(one)}")
    if not entries:
        click.echo("no card is set at this station; every card opens lids, and there is no staff card")


def _filming(was: RosterEntry | None) -> Filming:
    return UNFILMED if was is None else was.filming


def _known(was: RosterEntry | None, card: str) -> RosterEntry:
    if was is None:
        raise InputError(
            f"card {card} is not known here",
            "make it a resident's card: tongzhan station card resident CARD --config F",
        )
    return was


def _put(config: Path, word: str, change: Callable[[RosterEntry | None], RosterEntry | None]) -> None:
    with _book(config) as book:
        card = _named(book, config, word)
        was = book.entries().get(card)
        now = change(was)
        if now is None:
            book.forget(card)
        else:
            book.put(card, now)
    click.echo(f"card {card[:_SHOWN]}: {_words(now)} (was {_words(was)})")


def _named(book: CardBook, config: Path, word: str) -> str:
    from edge.readers.typed_cards import card_named
    from edge.sync.keys import load_keys
    from firmware_bridge.decoders.em4100 import CardBits

    if word.strip().lower() == LAST:
        return book.last()
    station = load_station(config).station
    known = book.seen() | set(book.entries())
    return card_named(word, load_keys(Path(station.state_dir)).card, CardBits(station.card_bits), known)


@contextmanager
def _book(config: Path) -> Iterator[CardBook]:
    from edge.journal.card_book import CardBook

    folder = Path(load_station(config).station.state_dir)
    try:
        yield CardBook(folder)
    except (sqlite3.Error, OSError) as error:
        raise InputError(
            f"the journal in {folder} cannot be used ({error})", sqlite_mend(error, folder)
        ) from None


def _words(entry: RosterEntry | None) -> str:
    if entry is None:
        return "not known here"
    words = [entry.role.value]
    words += ["blocked"] if entry.state.value == "blocked" else []
    words += ["agrees to clips"] if entry.filming.consents else []
    words += ["has an open appeal"] if entry.filming.is_appealed else []
    return ", ".join(words)
