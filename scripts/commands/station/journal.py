"""`tongzhan station export` and `recover`: read a journal from a card, and take its events over."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from cloud_sync.wire.facts import Stamp
from config.errors import InputError
from config.reading.files import mend_of, sqlite_mend
from edge.journal.salvage import Record, Salvaged
from edge.station_file import load_station

journal_option = click.option(
    "--journal",
    required=True,
    type=click.Path(path_type=Path),
    help="The journal's file, or the folder it lies in: on a dead station's card, or one set aside.",
)


class _AnyFacts(msgspec.Struct, frozen=True):
    kind: str


class _AnyEvent(msgspec.Struct, frozen=True):
    """What is read of an event, even of a kind that this program does not know."""

    epoch: str
    sequence: int
    stamp: Stamp
    facts: _AnyFacts


class ExportedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a journal as `export` prints it; `points` and `card` are null for alarms."""

    epoch: str
    sequence: int
    kind: str
    at: str
    """When it was written, ISO 8601 in UTC; only as good as `trusted` says."""
    trusted: bool
    card: str | None
    points: int | None
    state: str
    """waiting, receipted or refused."""
    refused: str | None


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """What `export --json` prints. `damage` is null for a sound file."""

    damage: str | None
    station: str | None
    cards: int
    waiting: int
    events: tuple[ExportedEvent, ...]


@click.command()
@journal_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def export(journal: Path, *, as_json: bool) -> None:
    """List every event that can be read of a journal, sound or damaged. Writes nothing to the card."""
    shown = _export(_read(journal))
    if as_json:
        click.echo(msgspec.json.encode(shown))
        return
    for event in shown.events:
        points = "" if event.points is None else f"{event.points} points"
        told = f"{event.state}: {event.refused}" if event.refused else event.state
        doubt = "" if event.trusted else " (clock not trusted)"
        click.echo(f"{event.epoch}/{event.sequence}  {event.at}{doubt}  {event.kind:5}  {points:10}  {told}")
    click.echo(
        f"{len(shown.events)} events, {shown.waiting} without a receipt; {shown.cards} cards;"
        f" station {shown.station or 'unknown'}; {shown.damage or 'the file is sound'}"
    )


@click.command()
@journal_option
@click.option(
    "--config",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The station.toml of the station that takes the events over: same community and name.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def recover(journal: Path, config: Path, *, as_json: bool) -> None:
    """Take the events of another journal of this station into its own; its sync then delivers them.

    Events keep their identity, so what the ledger already has is not counted again, however often this
    is done. The station may run meanwhile.
    """
    from edge.journal.repair import take_over
    from edge.journal.schema import open_journal

    station = load_station(config).station
    found = _read(journal)
    if found.owner not in {None, (station.community, station.name)}:
        raise InputError(
            f"{journal} holds events of station {'/'.join(found.owner or ())}",
            f"recover it at that station; {config} is {station.community}/{station.name}",
        )
    try:
        with closing(open_journal(Path(station.state_dir))) as own:
            taken = take_over(own, found)
    except (sqlite3.Error, OSError) as error:
        mend = sqlite_mend(error, Path(station.state_dir))
        raise InputError(f"the journal in {station.state_dir} takes no events ({error})", mend) from None
    told = {"damage": found.damage, "read": len(found.records), **msgspec.to_builtins(taken)}
    if as_json:
        click.echo(msgspec.json.encode(told))
    else:
        click.echo("\n".join(f"{name}: {value}" for name, value in told.items()))


def _read(journal: Path) -> Salvaged:
    from edge.journal.salvage import salvage
    from edge.journal.schema import JOURNAL_FILE

    file = journal / JOURNAL_FILE if journal.is_dir() else journal
    try:
        return salvage(file)
    except OSError as error:
        is_away = error.errno in {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
        mend = "name the journal's file" if is_away else mend_of(error, file)
        raise InputError(f"no journal can be read at {file} ({error.strerror or error})", mend) from None


def _export(found: Salvaged) -> Export:
    waiting = sum(record.receipted_s is None for record in found.records)
    return Export(
        damage=found.damage,
        station="/".join(found.owner) if found.owner else None,
        cards=len(found.roster),
        waiting=waiting,
        events=tuple(_exported(record) for record in found.records),
    )


def _exported(record: Record) -> ExportedEvent:
    event = msgspec.json.decode(record.event, type=_AnyEvent)
    state = "refused" if record.refused else "waiting" if record.receipted_s is None else "receipted"
    return ExportedEvent(
        epoch=event.epoch,
        sequence=event.sequence,
        kind=event.facts.kind,
        at=datetime.fromtimestamp(event.stamp.wall_s, UTC).isoformat(timespec="seconds"),
        trusted=event.stamp.trusted,
        card=record.card,
        points=record.points,
        state=state,
        refused=record.refused,
    )
