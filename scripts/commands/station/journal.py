"""`tongzhan station export`, `recover` and `maintain`: work on a journal by hand."""

from __future__ import annotations

import errno
import sqlite3
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

import click
import msgspec
from sqlite_utils import Database

from config.errors import InputError
from config.process.atomic import write_atomic
from config.reading.files import mend_of, sqlite_mend
from edge.journal.repair import TakenOver, compare, take_over
from edge.journal.salvage import Salvaged, salvage
from edge.journal.schema import JOURNAL_FILE, connect, open_journal
from edge.station_file import load_station
from edge.sync.outbox import Outbox
from edge.sync.receipting import STEP
from scripts.commands.station.exported import SHOWN_DIGITS, EventFilter, exported, written, zone_of

journal_option = click.option(
    "--journal",
    required=True,
    type=click.Path(path_type=Path),
    help="The journal's file or its folder, such as on a dead station's card, or one set aside.",
)


FORMATS = ("text", "csv", "jsonl", "json")
LONG = 2000
"""From this many records on, show a progress bar."""

day = click.DateTime(["%Y-%m-%d"])


@click.command()
@journal_option
@click.option("--from", "first", type=day, help="First day, YYYY-MM-DD; days are those of --timezone.")
@click.option("--to", "last", type=day, help="Last day.")
@click.option("--timezone", default="UTC", show_default=True, help="For example Asia/Shanghai.")
@click.option("--kind", type=click.Choice(["visit", "alarm"]), help="Only these events.")
@click.option("--full-cards", is_flag=True, help=f"Whole card hashes, not their first {SHOWN_DIGITS} digits.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="Format of the output.",
)
@click.option("--json", "as_json", is_flag=True, help="Same as --format json, with whole card hashes.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file atomically, readable only by its owner (default: print).",
)
def export(  # noqa: PLR0913 (one option each)
    *,
    journal: Path,
    first: datetime | None,
    last: datetime | None,
    timezone: str,
    kind: str | None,
    form: str,
    out: Path | None,
    full_cards: bool,
    as_json: bool,
) -> None:
    """List the readable events of a journal, even a damaged one. Writes nothing to the journal.

    The output holds no key and no card number; a card is shown by its hash. Events with an untrusted clock
    have the day that the clock showed.
    """
    form = "json" if as_json else form
    wanted = EventFilter(first and first.date(), last and last.date(), zone_of(timezone), kind)
    shown = exported(_read(journal), wanted, whole_cards=full_cards or as_json)
    text = written(shown, form)
    if out is None:
        click.echo(text, nl=form in {"text", "json"})
        return
    try:
        write_atomic(out, text.encode(), private=True, durable=True)
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror})", mend_of(error, out)) from None
    click.echo(f"{out}: {len(shown.events)} events")


@click.command()
@journal_option
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The station.toml of the station that gets the events: same community and name.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="Instead of --config: a folder without a journal; a new one is made there.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be copied; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def recover(journal: Path, config: Path | None, into: Path | None, *, dry_run: bool, as_json: bool) -> None:
    """Copy events from another journal of this station into its current one; its sync then delivers them.

    Events keep their identity, so the ledger never counts one twice, however often you run this. The
    station may keep running. Try it with --dry-run first.
    """
    found = _read(journal)
    folder = _folder_for(journal, found, config, into)
    try:
        taken = _compared(folder, found) if dry_run else _taken_over(folder, found)
    except (sqlite3.Error, OSError) as error:
        mend = sqlite_mend(error, folder)
        raise InputError(f"the journal in {folder} takes no events ({error})", mend) from None
    told = {
        "damage": found.damage,
        "read": len(found.records),
        **msgspec.to_builtins(taken),
        "dry_run": dry_run,
    }
    if as_json:
        click.echo(msgspec.json.encode(told))
    else:
        click.echo("\n".join(f"{name}: {value}" for name, value in told.items()))


@click.command()
@click.option(
    "--config",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The station's station.toml.",
)
@click.option("--vacuum", is_flag=True, help="Return unused pages to the disk; stop the station first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def maintain(config: Path, *, vacuum: bool, as_json: bool) -> None:
    """Clean up the station's journal: remove old events, and refresh SQLite's statistics.

    Sync removes events 30 days after their receipt; this does it at once. An event without a receipt is
    never removed.
    """
    folder = Path(load_station(config).station.state_dir)
    file = folder / JOURNAL_FILE
    if not file.is_file():
        raise InputError(f"no journal in {folder}", "start the station once; it makes one")
    before = file.stat().st_size
    try:
        forgotten = _forget_old(folder)
        with closing(open_journal(folder)) as connection:
            database = Database(connection)
            database.analyze()
            if vacuum:
                database.vacuum()
    except (sqlite3.Error, OSError) as error:
        raise InputError(
            f"the journal in {folder} cannot be used ({error})", sqlite_mend(error, folder)
        ) from None
    told = {"forgotten": forgotten, "bytes_before": before, "bytes_after": file.stat().st_size}
    if as_json:
        click.echo(msgspec.json.encode(told))
    else:
        click.echo("\n".join(f"{name}: {value}" for name, value in told.items()))


def _forget_old(folder: Path) -> int:
    with closing(Outbox(folder)) as outbox:
        forgotten = step = outbox.prune()
        while step == STEP:
            step = outbox.prune()
            forgotten += step
    return forgotten


def _folder_for(journal: Path, found: Salvaged, config: Path | None, into: Path | None) -> Path:
    """Return the folder of the journal that gets the events; InputError if it must not get them."""
    if config is not None and into is None:
        return _own_folder(journal, found, config)
    if into is None or config is not None:
        raise InputError("recover needs one place for the events", "give --config FILE or --into FOLDER")
    if (into / JOURNAL_FILE).exists():
        raise InputError(f"{into} has a journal already", "name a folder without one, or use --config")
    return into


def _own_folder(journal: Path, found: Salvaged, config: Path) -> Path:
    station = load_station(config).station
    if found.owner not in {None, (station.community, station.name)}:
        raise InputError(
            f"{journal} holds events of station {'/'.join(found.owner or ())}",
            f"recover it at that station; {config} is {station.community}/{station.name}",
        )
    return Path(station.state_dir)


def _compared(folder: Path, found: Salvaged) -> TakenOver:
    if not (folder / JOURNAL_FILE).exists():
        return TakenOver(new=len(found.records), known=0, contradicting=0)
    with closing(connect(folder / JOURNAL_FILE)) as own:
        return compare(own, found)


def _taken_over(folder: Path, found: Salvaged) -> TakenOver:
    count = len(found.records)
    hidden = count < LONG or not sys.stderr.isatty()
    with (
        closing(open_journal(folder)) as own,
        click.progressbar(length=count, label="events", file=sys.stderr, hidden=hidden) as bar,
    ):
        return take_over(own, found, bar.update)


def _read(journal: Path) -> Salvaged:
    file = journal / JOURNAL_FILE if journal.is_dir() else journal
    try:
        return salvage(file)
    except OSError as error:
        is_away = error.errno in {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
        mend = "name the journal's file" if is_away else mend_of(error, file)
        raise InputError(f"no journal can be read at {file} ({error.strerror or error})", mend) from None
