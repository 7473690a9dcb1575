"""The station's journal: a visit, its award and the event that is sent, in one row that survives a power cut.

The station writes here; `edge.sync.process` sends the rows from its own process (`edge.sync.outbox`).
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar
from zlib import crc32
from zoneinfo import ZoneInfo

import msgspec

from cloud_sync.rules.award_rules import Award, AwardRules, Line, award
from cloud_sync.wire.envelope import decode_event, encode_event
from cloud_sync.wire.facts import Event, NoteFacts, Role, Stamp, VisitFacts
from edge.downlink.cards import LedgerCards, merged
from edge.downlink.folder import DownFolder
from edge.downlink.rules import LedgerRules
from edge.faults import FaultCode
from edge.journal.filming import read_filming
from edge.journal.refusals import fault_of
from edge.journal.repair import Mended, is_damage, open_mended
from edge.journal.salvage import read_cards
from edge.journal.schema import (
    BUSY_S,
    MAX_SEQUENCE,
    SUSPECT,
    ForeignError,
    Owner,
    claim,
    first_id,
    number_of,
    scalar,
    station_of,
    written_at_once,
)
from edge.journal.tallies import DayTallies
from edge.ports import JournalError, OutboxDepth
from edge.roster import UNFILMED, CardState, RosterEntry

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)

_DAY_S = 86_400
_VISIT = (
    "INSERT INTO records (id, event, crc, card, day, points, counted, lines) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_ALARM = "INSERT INTO records (id, event, crc) VALUES (?, ?, ?)"
# Runs twice a second over a month of rows: each count has its own index.
_OUTBOX = (
    "SELECT (SELECT count(*) FROM records WHERE receipted_s IS NULL),"
    " (SELECT count(*) FROM records WHERE refused IS NOT NULL)"
)


class _Place(NamedTuple):
    """The place of one event: its epoch's number in the open file, and its sequence."""

    file: sqlite3.Connection | None
    """None if the next sequence must be read from the file again."""
    number: int
    sequence: int


class _Tried(NamedTuple):
    """A record that is being written, or whose write failed."""

    facts: VisitFacts | NoteFacts
    stamp: Stamp
    sequence: int


class SqliteJournal:
    """The journal of one run of the station. Implements `edge.ports.Journal`; one thread at a time."""

    def __init__(
        self,
        folder: Path,
        epoch: str,
        rules: AwardRules,
        timezone: ZoneInfo,
        owner: Owner | None = None,
        *,
        busy_s: float = BUSY_S,
    ) -> None:
        """Use the journal in `folder`. It is opened at the first call of another method.

        A damaged journal is repaired when it is opened (see `mended`). One that cannot be opened is tried
        again at each use. Every method may block as long as the disk does: call them on a worker.

        The first record makes it the journal of `owner`, a community and a station. Records of another owner
        are refused, because the ledger would count a copied journal twice.

        `epoch` is 16 random hex digits, new for each SqliteJournal, so that two runs from the same card image
        never give two events the same identity.
        """
        self.epoch = epoch
        self.mended: Mended | None = None
        """What the repair found and did, if this run's journal was damaged."""
        self._folder, self._owner, self._busy_s = folder, owner, busy_s
        self._rules = rules
        self._timezone = timezone
        down = DownFolder(folder, owner[0] if owner else "")
        self._cards, self._ledgers_rules = LedgerCards(down), LedgerRules(down, rules)
        self._merged: tuple[object, object, Mapping[str, RosterEntry]] = (None, None, {})
        self._roster: Mapping[str, RosterEntry] = {}
        self._roster_version: int | None = None
        self._is_roster_sought = False
        self._last: _Place | None = None
        self._tallies = DayTallies()
        self._database: sqlite3.Connection | None = None
        self._tried: _Tried | None = None

    def record_visit(self, facts: VisitFacts, stamp: Stamp) -> Award:
        """Price a visit on top of what its card earned today, and store all of it or nothing.

        After a JournalError the same visit may be tried again: it is stored once.
        """
        return self._attempt("the visit was not kept", lambda one: self._record_visit(one, facts, stamp))

    def record_note(self, facts: NoteFacts, stamp: Stamp) -> None:
        """Store an alarm or a command. After a JournalError it may be tried again: it is stored once."""
        self._attempt("the alarm or command was not kept", lambda one: self._record_note(one, facts, stamp))

    def roster(self) -> Mapping[str, RosterEntry]:
        """Return the known cards by hash: the ledger's and those set here; read again only after a change.

        While the disk refuses: the cards of the last read, or what can be read without writing.
        """
        ledgers, self._rules = self._cards.entries(), self._ledgers_rules.newest()
        try:
            local = self._local_roster()
        except JournalError:
            if not ledgers:
                raise
            local = {}
        if self._merged[0] is not ledgers or self._merged[1] is not local:
            self._merged = (ledgers, local, merged(ledgers, local))
        return self._merged[2]

    def _local_roster(self) -> Mapping[str, RosterEntry]:
        try:
            return self._attempt("the roster cannot be read", self._read_roster)
        except JournalError:
            if not self._roster and not self._is_roster_sought:
                self._is_roster_sought = True
                self._roster = read_cards(self._folder)
            if not self._roster:
                raise
            return self._roster

    def outbox(self) -> OutboxDepth:
        """Count the events that wait for a receipt, and those that the ledger refused."""
        return self._attempt("the outbox cannot be read", _read_outbox)

    def faults(self) -> frozenset[FaultCode]:
        """Return the faults that only the journal knows: a repair, and those that sync reported."""
        if (self._folder / SUSPECT).exists():
            self.close()
        faults = self._attempt("the journal cannot be used", self._read_faults)
        return faults | {FaultCode.JOURNAL_RECOVERED} if self.mended else faults

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _attempt(self, what: str, do: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Do something with the journal, opened first if needed; JournalError when the disk refuses.

        A journal found damaged is closed, and repaired at the next use; its sequence goes on.
        """
        try:
            return do(self._open())
        except (sqlite3.Error, OSError, ValueError) as error:  # ValueError: a newer program's roster state
            if is_damage(error):
                self.close()
            if isinstance(error, sqlite3.IntegrityError) and self._last is not None:
                self._last = self._last._replace(file=None)  # the sequence may be taken: read it again
            raise JournalError(f"{what}: {error}", fault_of(error)) from error

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            database, mended = open_mended(self._folder, datetime.now(UTC), self._busy_s)
            self.mended = mended or self.mended
            self._roster_version = None
            try:
                self._tallies.read(database)
            except sqlite3.Error:
                database.close()
                raise
            self._database = database
        return self._database

    def _record_visit(self, database: sqlite3.Connection, facts: VisitFacts, stamp: Stamp) -> Award:
        place = self._next_place(database)
        if (kept := self._kept_after_all(database, place, facts, stamp)) is not None:
            return kept
        day = self._day(stamp)
        earned = award(facts.deposits, facts.role, self._rules, self._tallies.of(day, facts.card))
        priced = msgspec.structs.replace(facts, rules=self._rules.version, provisional=earned.points)
        values = (facts.card, day, earned.points, earned.counted, msgspec.json.encode(earned.lines))
        # One statement is its own transaction: the whole row or nothing.
        database.execute(_VISIT, (*self._row(place, priced, stamp), *values))
        self._last, self._tried = place, None
        self._tallies.add(day, facts.card, earned.points, earned.counted)
        return earned

    def _record_note(self, database: sqlite3.Connection, facts: NoteFacts, stamp: Stamp) -> None:
        place = self._next_place(database)
        if self._kept_after_all(database, place, facts, stamp) is not None:
            return
        database.execute(_ALARM, self._row(place, facts, stamp))
        self._last, self._tried = place, None

    def _day(self, stamp: Stamp) -> str:
        """Return the day whose caps count; without a trusted calendar, a day of this boot."""
        if not stamp.trusted:
            # Without the boot, all boots of a board without a clock would share one day in 1970 and its cap.
            return f"{stamp.boot} {int(stamp.monotonic_s // _DAY_S)}"
        return datetime.fromtimestamp(stamp.wall_s, self._timezone).date().isoformat()

    def _next_place(self, database: sqlite3.Connection) -> _Place:
        """Return the place of the next event. It is taken only once it is written."""
        if self._last is not None and self._last.file is database:
            return self._last._replace(sequence=self._last.sequence + 1)
        with written_at_once(database):
            if self._owner is not None and (owner := claim(database, *self._owner)) != self._owner:
                raise ForeignError(owner, self._owner)
            number = number_of(database, self.epoch)
            last = max(_last_sequence(database, number), self._last.sequence if self._last else 0)
        return _Place(database, number, last + 1)

    def _kept_after_all(
        self, database: sqlite3.Connection, place: _Place, facts: VisitFacts | NoteFacts, stamp: Stamp
    ) -> Award | None:
        """Return the award of a record that was written although its write failed; empty for an alarm.

        A disk may report a failure after it took the last byte; then the reopened journal has the record.
        """
        earlier = place._replace(sequence=place.sequence - 1)
        if self._tried != _Tried(facts, stamp, earlier.sequence):
            self._tried = _Tried(facts, stamp, place.sequence)
            return None
        query = "SELECT event, lines FROM records WHERE id = ?"
        found = database.execute(query, (first_id(place.number) + earlier.sequence,)).fetchone()
        if found is None or not _is_of(found[0], facts, stamp):
            return None
        self._last, self._tried = earlier, None
        return Award(msgspec.json.decode(found[1], type=tuple[Line, ...]) if found[1] else ())

    def _row(self, place: _Place, facts: VisitFacts | NoteFacts, stamp: Stamp) -> tuple[int, bytes, int]:
        event = encode_event(Event(self.epoch, place.sequence, stamp, facts))
        return first_id(place.number) + place.sequence, event, crc32(event)

    def _read_faults(self, database: sqlite3.Connection) -> frozenset[FaultCode]:
        owner = station_of(database)
        if self._owner is not None and owner not in {None, self._owner}:
            raise ForeignError(owner or ("", ""), self._owner)
        return frozenset(
            FaultCode(fault) for (fault,) in database.execute("SELECT fault FROM told").fetchall()
        )

    def _read_roster(self, database: sqlite3.Connection) -> Mapping[str, RosterEntry]:
        version = scalar(database, "PRAGMA data_version")
        if version != self._roster_version:
            rows = database.execute("SELECT card, state, role FROM roster").fetchall()
            filming = read_filming(database)
            self._roster = {
                card: RosterEntry(CardState(state), Role(role), filming.get(card, UNFILMED))
                for card, state, role in rows
            }
            self._roster_version = version
        return self._roster


def _is_of(raw: bytes, facts: VisitFacts | NoteFacts, stamp: Stamp) -> bool:
    """Return whether these bytes are the event of a record, priced or not."""
    event = decode_event(raw)
    written = event.facts
    if isinstance(written, VisitFacts):
        written = msgspec.structs.replace(written, rules=0, provisional=0)
    return event.stamp == stamp and written == facts


def _read_outbox(database: sqlite3.Connection) -> OutboxDepth:
    waiting, refused = database.execute(_OUTBOX).fetchone()
    return OutboxDepth(int(waiting), int(refused))


def _last_sequence(database: sqlite3.Connection, number: int) -> int:
    base = first_id(number)
    query = "SELECT max(coalesce((SELECT max(id) FROM records WHERE id BETWEEN ? AND ?) - ?, 0),"
    query += " (SELECT through FROM epochs WHERE number = ?))"
    return scalar(database, query, (base, base + MAX_SEQUENCE, base, number))
