"""A whole station on a bench: real journal, real screen folder, and devices that note what they are told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from cloud_sync.rules.award_rules import Award
from cloud_sync.wire.facts import Credential, NoteFacts, Stamp, VisitFacts
from config.reading.load_sorting import load_sorting
from config.words import load_words
from edge.faults import FaultCode
from edge.journal.schema import JOURNAL_FILE
from edge.journal.store import SqliteJournal
from edge.loop.inbox import QueueInbox
from edge.loop.latches import EmergencyLatch, ServiceLatch
from edge.loop.parts import Parts
from edge.loop.remote_orders import RemoteOrders
from edge.loop.station import Station
from edge.loop.workers import InlineWorkers
from edge.messages import Photo, Say, Tapped
from edge.ports import CameraError, ClassifierError, Clock, JournalError, OutboxDepth, WallTime, Workers
from edge.roster import RosterEntry
from edge.screen.prompts import PromptRenderer
from edge.screen.publisher import Screen
from edge.screen.state import STATE_FILE, LiveFolder, LiveState, LiveText
from edge.screen.view import StationLabel
from edge.visit.state import VisitRules
from models.verdict import Verdict
from tests.edge.builders import RULES, card, verdict

EPOCH = "00000000000000aa"
ZONE = ZoneInfo("Asia/Shanghai")
UNIX_S = 1_780_000_000.0

Note = tuple[object, ...]


@dataclass
class HandClock:
    """Time that only the test moves."""

    at: float = 1000.0
    unix_s: float = UNIX_S

    def now(self) -> float:
        return self.at

    def wall(self) -> WallTime:
        return WallTime(self.unix_s + self.at, trusted=True)


@dataclass
class NotingLid:
    """A lid that does nothing by itself; `moved` may answer for it."""

    name: str
    diary: list[Note]
    moved: Callable[[str, float | None], None] = lambda _name, _lease_s: None

    def open(self, lease_s: float) -> None:
        self.diary.append(("open", self.name, lease_s))
        self.moved(self.name, lease_s)

    def end_lease(self) -> None:
        self.diary.append(("end lease", self.name))
        self.moved(self.name, None)


@dataclass
class NotingMover:
    """What moves all lids of the bench, and does nothing by itself."""

    diary: list[Note]

    def stop_motors(self) -> None:
        self.diary.append(("stop motors",))

    def resume_motors(self) -> None:
        self.diary.append(("resume motors",))


@dataclass
class BenchCamera:
    diary: list[Note]
    is_broken: bool = False

    def take(self, bin_id: str) -> tuple[Photo, ...]:
        self.diary.append(("photograph", bin_id))
        if self.is_broken:
            raise CameraError("no picture")
        return (f"photo of {bin_id}",)


@dataclass
class BenchClassifier:
    answer: Verdict = field(default_factory=verdict)
    is_broken: bool = False

    def classify(self, pictures: Sequence[Photo]) -> Verdict:
        del pictures
        if self.is_broken:
            raise ClassifierError("no model")
        return self.answer


@dataclass
class NotingSpeaker:
    """A voice that notes what it says, and how many awards were on the disk at that moment."""

    diary: list[Note]
    journal_file: Path

    def say(self, say: Say) -> None:
        self.diary.append(("say", say.prompt, rows(self.journal_file, "awards")))


@dataclass
class NotingJournal:
    """The real journal, behind a diary and a switch that makes its disk refuse."""

    inner: SqliteJournal
    diary: list[Note]
    is_full: bool = False
    fault: FaultCode = FaultCode.JOURNAL_FAILED
    """Why its disk refuses."""

    def record_visit(self, facts: VisitFacts, stamp: Stamp) -> Award:
        self._touch("record visit")
        return self.inner.record_visit(facts, stamp)

    def record_note(self, facts: NoteFacts, stamp: Stamp) -> None:
        self._touch("record alarm")
        self.inner.record_note(facts, stamp)

    def roster(self) -> Mapping[str, RosterEntry]:
        self._touch("read roster")
        return self.inner.roster()

    def outbox(self) -> OutboxDepth:
        self._touch("read outbox")
        return self.inner.outbox()

    def faults(self) -> frozenset[FaultCode]:
        return self.inner.faults()

    def _touch(self, what: str) -> None:
        self.diary.append((what,))
        if self.is_full:
            raise JournalError("database or disk is full", self.fault)


def by_hand(journal_file: Path, statement: str) -> list[tuple[object, ...]]:
    """Run a statement as another process would, and give its rows."""
    connection = sqlite3.connect(journal_file, timeout=5, isolation_level=None)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def rows(journal_file: Path, table: str) -> int:
    """Count a table's rows as another process sees them."""
    if not journal_file.is_file():
        return 0
    return len(by_hand(journal_file, f"SELECT 1 FROM {table}"))  # noqa: S608 (a name of ours)


class Bench:
    """A station in virtual time with inline workers; another clock and other workers on request."""

    def __init__(
        self,
        folder: Path,
        rules: VisitRules,
        *,
        clock: Clock | None = None,
        workers: Callable[[QueueInbox], Workers] = InlineWorkers,
        inbox: QueueInbox | None = None,
        journal: SqliteJournal | None = None,
    ) -> None:
        self.folder, self._rules = folder, rules
        self.journal_file = folder / JOURNAL_FILE
        self.diary: list[Note] = []
        self.clock = HandClock()
        self.inbox = inbox or QueueInbox()
        self.journal = NotingJournal(journal or SqliteJournal(folder, EPOCH, RULES, ZONE), self.diary)
        self.camera = BenchCamera(self.diary)
        self.classifier = BenchClassifier()
        self.lids = {name: NotingLid(name, self.diary) for name in rules.bins}
        chosen = clock or self.clock
        self.workers = workers(self.inbox)
        prompts = PromptRenderer(load_words(), load_sorting(), {})
        label = StationLabel("lane", "gate", LiveText("莲巷 · 大门", "Lane · Gate"))
        live = LiveFolder(folder / "live")

        def show(photo: Photo) -> bool:
            live.write_picture(str(photo).encode())
            return True

        screen = Screen(live, rules, label, prompts, chosen, show)
        self.parts = Parts(
            clock=chosen,
            lids=self.lids,
            movers=(NotingMover(self.diary),),
            camera=self.camera,
            classifier=self.classifier,
            speaker=NotingSpeaker(self.diary, self.journal_file),
            journal=self.journal,
            latches={
                FaultCode.EMERGENCY_STOP: EmergencyLatch([folder]),
                FaultCode.OUT_OF_SERVICE: ServiceLatch([folder]),
            },
            workers=self.workers,
            screen=screen,
            boot="boot",
        )
        self.station = Station(self.inbox, rules, self.parts)

    def use(self, remote: RemoteOrders) -> None:
        """Have the station take officers' commands."""
        self.parts = replace(self.parts, remote=remote)
        self.station = Station(self.inbox, self._rules, self.parts)

    def tap(
        self,
        who: str = "zhang",
        reader: str = "at-kitchen",
        at: float | None = None,
        again_s: float = 0.0,
    ) -> None:
        """Post a tap without letting the station look at it."""
        moment = self.parts.clock.now() if at is None else at
        self.inbox.post(Tapped(moment, reader, card(who), Credential.EM4100, again_s))

    def pass_time(self, seconds: float) -> None:
        """Let virtual time pass, waking the station whenever it wants to be."""
        until = self.clock.at + seconds
        self.station.run_pending()
        while (due := self.station.next_deadline()) is not None and due <= until:
            self.clock.at = max(self.clock.at, due)
            self.station.run_pending()
        self.clock.at = until
        self.station.run_pending()

    def said(self) -> list[object]:
        return [note[1] for note in self.diary if note[0] == "say"]

    def is_shown(self) -> bool:
        """Whether the panel has anything to read yet."""
        return (self.folder / "live" / STATE_FILE).exists()

    def shown(self) -> LiveState:
        """Give what the panel would read now."""
        return msgspec.json.decode((self.folder / "live" / STATE_FILE).read_bytes(), type=LiveState)

    def close(self) -> None:
        self.station.flush()
        self.workers.stop()
        self.journal.inner.close()
