"""The journal as the sync process sees it: events to send, receipts to note, a roster to bring back."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from cloud_sync.envelope import MAX_RECEIPT_EPOCHS
from edge.journal_tables import open_journal, written_at_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cloud_sync.envelope import EpochReceipt
    from edge.roster import RosterEntry

KEPT_S = 30 * 86_400.0
"""Receipted events stay so long, so that a ledger restored from a backup can have them again."""
SURELY_NAMED_S = 25 * 86_400.0
"""A receipt names an epoch for 30 days after its last event. One whose events were receipted so lately
and that is not named is one that the ledger lost; the five days between are for receipts that came late."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One event as it waits. `id` is the order of writing over all epochs."""

    id: int
    event: bytes


class Outbox:
    """Reads and marks the outbox. sqlite3.Error when the disk refuses; nothing is then half-done."""

    def __init__(self, folder: Path) -> None:
        """Open the journal in `folder`."""
        self._database = open_journal(folder)

    def waiting(self, after: int, limit: int) -> list[OutboxRow]:
        """The oldest events without a receipt behind row `after`, at most `limit`."""
        query = "SELECT id, event FROM outbox WHERE receipted_s IS NULL AND id > ? ORDER BY id LIMIT ?"
        return [OutboxRow(*row) for row in self._database.execute(query, [after, limit])]

    def depth(self) -> int:
        """How many events wait for their receipt."""
        query = "SELECT count(*) FROM outbox WHERE receipted_s IS NULL"
        return int(next(iter(self._database.execute(query)))[0])

    def oldest(self) -> int | None:
        """The row of the oldest event without a receipt."""
        query = "SELECT min(id) FROM outbox WHERE receipted_s IS NULL"
        found = next(iter(self._database.execute(query)))[0]
        return None if found is None else int(found)

    def note_receipts(self, epochs: Iterable[EpochReceipt], now_s: float) -> list[tuple[str, int, str]]:
        """Mark what the ledger holds; what it no longer holds waits again.

        Returns the newly refused events as (epoch, sequence, reason). `now_s` is Unix time.
        """
        named = tuple(epochs)
        refused: list[tuple[str, int, str]] = []
        with written_at_once(self._database):
            for epoch in named:
                self._database.execute(
                    # The index of what waits: by (epoch, sequence) it would read a month of rows each time.
                    "UPDATE outbox INDEXED BY outbox_open SET receipted_s = ?"
                    " WHERE epoch = ? AND sequence <= ? AND receipted_s IS NULL",
                    [now_s, epoch.epoch, epoch.through],
                )
                self._wait_again(epoch.epoch, epoch.through, receipted_after=-inf)
                refused += [
                    (epoch.epoch, sequence, reason)
                    for sequence, reason in epoch.refused
                    if self._refuse(epoch.epoch, sequence, reason)
                ]
            if len(named) < MAX_RECEIPT_EPOCHS:
                for lost in self._epochs() - {epoch.epoch for epoch in named}:
                    self._wait_again(lost, 0, receipted_after=now_s - SURELY_NAMED_S)
        return refused

    def _epochs(self) -> set[str]:
        return {row[0] for row in self._database.execute("SELECT DISTINCT epoch FROM outbox")}

    def _wait_again(self, epoch: str, through: int, receipted_after: float) -> None:
        self._database.execute(
            "UPDATE outbox SET receipted_s = NULL, refused = NULL"
            " WHERE epoch = ? AND sequence > ? AND receipted_s > ?",
            [epoch, through, receipted_after],
        )

    def _refuse(self, epoch: str, sequence: int, reason: str) -> bool:
        cursor = self._database.execute(
            "UPDATE outbox SET refused = ? WHERE epoch = ? AND sequence = ? AND refused IS NULL",
            [reason, epoch, sequence],
        )
        return cursor.rowcount > 0

    def prune(self, now_s: float) -> int:
        """Forget events receipted more than KEPT_S ago, with their visits, but never a refused one.

        Returns how many events that were.
        """
        old = "SELECT epoch, sequence FROM outbox WHERE receipted_s < ? AND refused IS NULL"
        with written_at_once(self._database):
            for table in ("awards", "visits", "outbox"):
                forget = f"DELETE FROM {table} WHERE (epoch, sequence) IN ({old})"  # noqa: S608 (ours)
                cursor = self._database.execute(forget, [now_s - KEPT_S])
        return cursor.rowcount

    def replace_roster(self, roster: Mapping[str, RosterEntry]) -> None:
        """Put a whole new roster in the place of the old."""
        rows = [(card, entry.state, entry.role) for card, entry in roster.items()]
        with written_at_once(self._database):
            self._database.execute("DELETE FROM roster")
            self._database.conn.executemany("INSERT INTO roster VALUES (?, ?, ?)", rows)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
