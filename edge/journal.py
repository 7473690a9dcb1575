"""What survives a power cut: visit, award and outbox row, written in one transaction.

The station writes here, and `edge.sync` drains the outbox from a process of its own (`edge.outbox`).
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from cloud_sync.award_rules import Award, AwardRules, Tally, award
from cloud_sync.envelope import encode_event
from cloud_sync.facts import AlarmFacts, Event, Role, Stamp, VisitFacts
from edge.journal_tables import open_journal, written_at_once
from edge.ports import JournalError
from edge.roster import CardState, RosterEntry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from zoneinfo import ZoneInfo


class SqliteJournal:
    """The journal of one run of the station. Implements `edge.ports.Journal`; one thread at a time."""

    def __init__(self, folder: Path, epoch: str, rules: AwardRules, timezone: ZoneInfo) -> None:
        """Open the journal in `folder`. JournalError when the disk refuses.

        `epoch` is 16 random hex digits, drawn anew for each opening: a card image restored from last
        month then cannot name two events alike.
        """
        self.epoch = epoch
        self._rules = rules
        self._timezone = timezone
        self._roster: dict[str, RosterEntry] = {}
        self._roster_version: int | None = None
        try:
            self._database = open_journal(folder)
            self._sequence = self._last_sequence()
        except sqlite3.Error as error:
            raise JournalError(f"the journal in {folder} cannot be opened: {error}") from error

    def record_visit(self, facts: VisitFacts, stamp: Stamp) -> Award:
        """Price a visit on top of what its card earned today, and keep all of it or nothing."""
        day = datetime.fromtimestamp(stamp.wall_s, self._timezone).date().isoformat()
        try:
            with written_at_once(self._database):
                earned = award(facts.deposits, facts.role, self._rules, self._tally(facts.card, day))
                priced = msgspec.structs.replace(facts, rules=self._rules.version, provisional=earned.points)
                sequence = self._put_event(priced, stamp)
                self._put_visit(sequence, priced, earned, day)
        except sqlite3.Error as error:
            raise JournalError(f"the visit was not kept: {error}") from error
        self._sequence = sequence
        return earned

    def record_alarm(self, facts: AlarmFacts, stamp: Stamp) -> None:
        """Keep an alarm and its outbox row."""
        try:
            with written_at_once(self._database):
                sequence = self._put_event(facts, stamp)
        except sqlite3.Error as error:
            raise JournalError(f"the alarm was not kept: {error}") from error
        self._sequence = sequence

    def roster(self) -> Mapping[str, RosterEntry]:
        """Known cards by hash, read again only when another process has changed the journal."""
        try:
            version = next(iter(self._database.execute("PRAGMA data_version")))[0]
            if version != self._roster_version:
                self._roster = {
                    card: RosterEntry(CardState(state), Role(role))
                    for card, state, role in self._database.execute("SELECT card, state, role FROM roster")
                }
                self._roster_version = version
        except (sqlite3.Error, ValueError) as error:  # ValueError: a state or role of a newer version
            raise JournalError(f"the roster cannot be read: {error}") from error
        return self._roster

    def outbox(self) -> tuple[int, int]:
        """How many events wait for their receipt, and how many the ledger refused."""
        # Asked twice a second over a month of rows: each count has an index of its own.
        query = "SELECT (SELECT count(*) FROM outbox WHERE receipted_s IS NULL),"
        query += " (SELECT count(*) FROM outbox WHERE refused IS NOT NULL)"
        try:
            waiting, refused = next(iter(self._database.execute(query)))
        except sqlite3.Error as error:
            raise JournalError(f"the outbox cannot be read: {error}") from error
        return int(waiting), int(refused)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _last_sequence(self) -> int:
        query = "SELECT coalesce(max(sequence), 0) FROM outbox WHERE epoch = ?"
        return int(next(iter(self._database.execute(query, [self.epoch])))[0])

    def _tally(self, card: str, day: str) -> Tally:
        query = "SELECT coalesce(sum(points), 0), coalesce(sum(counted), 0) FROM awards"
        rows = self._database.execute(query + " WHERE card = ? AND day = ?", [card, day])
        points, counted = next(iter(rows))
        return Tally(points, counted)

    def _put_event(self, facts: VisitFacts | AlarmFacts, stamp: Stamp) -> int:
        event = Event(self.epoch, self._sequence + 1, stamp, facts)
        self._database.execute(
            "INSERT INTO outbox (epoch, sequence, event) VALUES (?, ?, ?)",
            [event.epoch, event.sequence, encode_event(event)],
        )
        return event.sequence

    def _put_visit(self, sequence: int, facts: VisitFacts, earned: Award, day: str) -> None:
        key = [self.epoch, sequence]
        self._database.execute(
            "INSERT INTO visits VALUES (?, ?, ?, ?, ?, ?)",
            [*key, facts.card, facts.role, day, msgspec.json.encode(facts)],
        )
        lines = msgspec.json.encode(earned.lines)
        self._database.execute(
            "INSERT INTO awards VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [*key, facts.card, day, earned.points, earned.counted, facts.rules, lines],
        )
