"""Journals to write to, and the check that every one of them must pass at any moment."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from cloud_sync.wire.envelope import decode_event
from cloud_sync.wire.facts import AlarmFacts, Credential, DepositFacts, OpeningFacts, Role, Stamp, VisitFacts
from config.sorting import Category
from edge.journal.schema import BUSY_S, JOURNAL_FILE
from edge.journal.store import SqliteJournal
from edge.ports import JournalError
from tests.edge.builders import RULES, card
from tests.edge.workbench import UNIX_S, by_hand

NOON = Stamp(UNIX_S, trusted=True, boot="boot", monotonic_s=1.0)
ALARM = AlarmFacts("lid_forced", "kitchen", raised=True)
SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY_S = 86_400.0


def visit(deposits: int = 1, who: str = "zhang", role: Role = Role.RESIDENT) -> VisitFacts:
    """Make a visit of unseen deposits, which earn the neutral amount: one point each."""
    one = DepositFacts("kitchen", Category.KITCHEN, 3.0)
    return VisitFacts(
        card(who), Credential.EM4100, role, 9.0, (OpeningFacts("kitchen", 2.0, 8.0),), (one,) * deposits, 0, 0
    )


def at(unix_s: float) -> Stamp:
    return msgspec.structs.replace(NOON, wall_s=unix_s)


def opened(folder: Path, epoch: str | None = None, busy_s: float = BUSY_S) -> SqliteJournal:
    """Make a journal and open its file, if it can be opened now."""
    journal = SqliteJournal(folder, epoch or secrets.token_hex(8), RULES, SHANGHAI, busy_s=busy_s)
    with suppress(JournalError):
        journal.outbox()
    return journal


def sound(folder: Path) -> list[tuple[str, int]]:
    """Check that visits, awards and events agree; return every visit's identity."""
    file = folder / JOURNAL_FILE
    assert by_hand(file, "PRAGMA integrity_check") == [("ok",)]
    events = {
        (event.epoch, event.sequence): event
        for event in (decode_event(bytes_of(raw)) for (raw,) in by_hand(file, "SELECT event FROM outbox"))
    }
    of_visits = {key: event.facts for key, event in events.items() if isinstance(event.facts, VisitFacts)}
    awards = {
        (str(epoch), int(str(sequence))): points
        for epoch, sequence, points in by_hand(file, "SELECT epoch, sequence, points FROM awards")
    }
    visits = by_hand(file, "SELECT epoch, sequence FROM visits ORDER BY id")
    assert set(visits) == set(awards) == set(of_visits)
    assert len(visits) == len(awards) == len(set(visits))
    for key, facts in of_visits.items():
        assert facts.provisional == awards[key], "the event states another award than the journal"
    for epoch in {epoch for epoch, _ in events}:
        sequences = sorted(sequence for other, sequence in events if other == epoch)
        assert sequences == list(range(1, len(sequences) + 1)), "a gap that the ledger would wait at for ever"
    return [(str(epoch), int(str(sequence))) for epoch, sequence in visits]


def bytes_of(raw: object) -> bytes:
    assert isinstance(raw, bytes)
    return raw
