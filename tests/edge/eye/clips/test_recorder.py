"""Chosen deposits become clips, and nothing that goes wrong with them reaches anything else."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import msgspec
import pytest

from config.sorting import Category
from edge.eye.clips.child import MakeError
from edge.eye.clips.choose import Budget, ClipReason
from edge.eye.clips.record import AFTER_S, BEFORE_S, ClipJob, ClipRecord, MadeClip
from edge.eye.clips.recorder import MOST_WAITING, ClipBin, ClipRules, JudgedCrop, Recorder
from edge.eye.clips.retention import Keeping
from edge.eye.clips.ring import RingFrame
from edge.eye.clips.store import ClipStore
from edge.eye.health.calendar import STEADY_S
from edge.eye.protocol import KeepClip
from edge.faults import FaultCode
from edge.messages import FaultCleared, FaultRaised
from edge.ports import WallTime
from models.verdict import Ballot, Verdict, VerdictState
from tests.edge.hardware.posted import Posted
from tests.waiting import until

TRAY = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9))
WHOLE = (0.0, 0.0, 1.0, 1.0)
UNSURE = Verdict(VerdictState.UNSURE, None, "can", 0.6, "waste-1")
BALLOT = Ballot(UNSURE, {Category.KITCHEN: 0.6, Category.OTHER: 0.4}, (Category.KITCHEN,) * 3)
RULES = ClipRules(
    "lane",
    "gate",
    ZoneInfo("Asia/Shanghai"),
    {"kitchen": ClipBin(Category.KITCHEN, TRAY, WHOLE)},
    Budget(daily=5, random_share=0.0),
    Keeping(keep_s=3 * 86_400.0, most_bytes=10**9, leave_bytes=0),
)
MADE = MadeClip(b"still", b"crop", b"clip", (640, 480), (0, 0, 640, 480), 0)


class HandClock:
    def __init__(self) -> None:
        self.at, self.unix_s, self.trusted = 100.0, 1_790_000_000.0, True

    def now(self) -> float:
        return self.at

    def wall(self) -> WallTime:
        return WallTime(self.unix_s, self.trusted)

    def passes(self, seconds: float) -> None:
        self.at += seconds
        self.unix_s += seconds


@dataclass
class Desk:
    """A recorder with a camera, a maker and a disk that do what a test wants."""

    folder: Path
    rules: ClipRules = RULES
    clock: HandClock = field(default_factory=HandClock)
    posted: Posted = field(default_factory=Posted)
    jobs: list[ClipJob] = field(default_factory=list)
    make: Callable[[ClipJob], MadeClip] = lambda _job: MADE
    has_frames: bool = True

    def __post_init__(self) -> None:
        self.store = ClipStore(self.folder)
        self.recorder = Recorder(
            self.rules,
            self._past,
            self.store,
            self._made,
            self.clock,
            self.posted,
            random=Random(0),
            tend_s=0.01,
        )
        self.recorder.start()

    def _past(self, bin_id: str, begin: float, end: float) -> tuple[RingFrame, ...]:
        assert (bin_id, end - begin) == ("kitchen", BEFORE_S + AFTER_S)
        return (RingFrame(begin, b"first"), RingFrame(end, b"last")) if self.has_frames else ()

    def _made(self, job: ClipJob) -> MadeClip:
        self.jobs.append(job)
        return self.make(job)

    def throw(self, deposit: int = 1, ballot: Ballot | None = BALLOT, **said: bool) -> None:
        keep = KeepClip("boot-name", 90.0, deposit, "kitchen", self.clock.at, photos=7, **said)
        self.recorder.want(keep, None if ballot is None else JudgedCrop(ballot, WHOLE, self.clock.at))

    def wait_for_the_seconds_after(self) -> None:
        self.clock.passes(AFTER_S)
        self.recorder.turn()

    def kept(self) -> dict[str, ClipRecord]:
        return {
            place.name: msgspec.json.decode((place / "clip.json").read_bytes(), type=ClipRecord)
            for place in self.store.folder.glob("boot*")
        }

    def has_made(self, count: int) -> bool:
        return len(self.jobs) == count

    def faults(self) -> list[tuple[type, FaultCode]]:
        return [
            (type(one), one.fault)
            for one in self.posted.events
            if isinstance(one, FaultRaised | FaultCleared)
        ]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.recorder.stop()


def test_a_chosen_deposit_is_kept_with_the_seconds_before_and_after_and_all_that_was_said(desk: Desk) -> None:
    desk.throw(consents=True)
    desk.recorder.turn()
    assert desk.jobs == [], "its seconds after are not over"
    desk.wait_for_the_seconds_after()
    until(desk.kept)
    (told,) = desk.kept().values()
    assert (told.visit.boot, told.visit.started_s, told.deposit, told.bin) == (
        "boot-name",
        90.0,
        1,
        "kitchen",
    )
    assert (told.reason, told.judged, told.day, told.no_clip) == (ClipReason.UNSURE, BALLOT, "2026-09-21", "")
    assert desk.jobs[0].tray == TRAY
    assert [at for at, _ in desk.jobs[0].frames] == [97.0, 102.0]


def test_a_household_that_has_not_agreed_has_no_clip_and_the_record_says_so(desk: Desk) -> None:
    desk.throw(consents=False)
    desk.wait_for_the_seconds_after()
    until(desk.kept)
    assert not desk.jobs[0].wants_clip
    (told,) = desk.kept().values()
    assert told.no_clip == "the household has not agreed to clips"


def test_a_deposit_that_is_not_chosen_or_is_of_a_bin_without_a_tray_leaves_nothing(desk: Desk) -> None:
    sure = Ballot(Verdict(VerdictState.OK, Category.KITCHEN, "can", 0.95, "m"), {}, (Category.KITCHEN,))
    desk.throw(ballot=sure, consents=True)
    desk.recorder.want(KeepClip("boot-name", 90.0, 2, "paper", 100.0, has_alarm=True), None)
    desk.throw(deposit=3, consents=True)
    desk.wait_for_the_seconds_after()
    until(desk.kept)
    assert [told.deposit for told in desk.kept().values()] == [3]


def test_an_alarm_that_begins_after_the_verdict_makes_it_one_clip_with_that_reason(desk: Desk) -> None:
    desk.throw(consents=True)
    desk.throw(consents=True, has_alarm=True)
    desk.wait_for_the_seconds_after()
    until(desk.kept)
    assert [told.reason for told in desk.kept().values()] == [ClipReason.ALARM]
    assert len(desk.jobs) == 1


def test_a_full_day_gives_its_least_informative_clip_for_a_better_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path, rules=replace(RULES, budget=Budget(daily=1, random_share=0.0)))
    try:
        for deposit, share, made in ((1, 0.9, 1), (2, 0.95, 1), (3, 0.4, 2)):
            desk.throw(deposit, replace(BALLOT, verdict=replace(UNSURE, probability=share)), consents=True)
            desk.wait_for_the_seconds_after()
            until(partial(desk.has_made, made))
        until(lambda: [told.deposit for told in desk.kept().values()] == [3])
    finally:
        desk.recorder.stop()
    assert len(desk.jobs) == 2, "what is not kept is not made"


def test_a_disk_that_refuses_is_a_fault_until_it_takes_something(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    is_full = threading.Event()
    is_full.set()
    write = ClipStore.put, ClipStore.probe

    def put(store: ClipStore, record: ClipRecord, made: MadeClip) -> ClipRecord:
        refuse()
        return write[0](store, record, made)

    def probe(store: ClipStore) -> None:
        refuse()
        write[1](store)

    def refuse() -> None:
        if is_full.is_set():
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ClipStore, "put", put)
    monkeypatch.setattr(ClipStore, "probe", probe)
    desk.throw(consents=True)
    desk.wait_for_the_seconds_after()
    until(desk.faults)
    assert "No space left on device" in caplog.text
    is_full.clear()
    until(lambda: len(desk.faults()) > 1)
    assert desk.faults() == [(FaultRaised, FaultCode.CLIPS_FAILED), (FaultCleared, FaultCode.CLIPS_FAILED)]
    desk.throw(deposit=2, consents=True)
    desk.wait_for_the_seconds_after()
    until(desk.kept)


def test_a_stepped_calendar_is_a_fault_for_ten_minutes_and_deletes_no_clip(desk: Desk) -> None:
    desk.throw(consents=True)
    desk.wait_for_the_seconds_after()
    until(desk.kept)
    desk.clock.unix_s += 400 * 86_400.0
    desk.recorder.turn()
    assert desk.faults() == [(FaultRaised, FaultCode.CLOCK_STEPPED)]
    desk.throw(deposit=2, consents=True)
    desk.wait_for_the_seconds_after()
    until(lambda: len(desk.kept()) == 2)
    assert sorted(told.trusted for told in desk.kept().values()) == [False, True]
    desk.clock.passes(STEADY_S)
    desk.recorder.turn()
    assert desk.faults()[-1] == (FaultCleared, FaultCode.CLOCK_STEPPED)
    until(lambda: [told.deposit for told in desk.kept().values()] == [2])  # now the first is old


def test_setting_a_calendar_that_was_not_trusted_is_no_fault(desk: Desk) -> None:
    desk.clock.trusted = False
    desk.recorder.turn()
    desk.clock.trusted, desk.clock.unix_s = True, 1_890_000_000.0
    desk.recorder.turn()
    assert desk.faults() == []


def test_a_maker_that_fails_costs_its_clip_and_the_log_says_so(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_: ClipJob) -> MadeClip:
        raise MakeError("it took longer than 180 s")

    desk.make = fails
    desk.throw(consents=True)
    desk.wait_for_the_seconds_after()
    until(lambda: "it took longer" in caplog.text)
    desk.make = lambda _job: MADE
    desk.throw(deposit=2, consents=True)
    desk.wait_for_the_seconds_after()
    until(desk.kept)
    assert [told.deposit for told in desk.kept().values()] == [2]


def test_no_picture_around_a_deposit_is_no_clip(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.has_frames = False
    desk.throw(consents=True)
    desk.wait_for_the_seconds_after()
    assert "the camera gave no picture around it" in caplog.text
    assert desk.jobs == []


def test_more_clips_than_can_wait_are_dropped_and_counted_and_nobody_waits(desk: Desk) -> None:
    go_on = threading.Event()

    def slow(_: ClipJob) -> MadeClip:
        go_on.wait()
        return MADE

    desk.make = slow
    desk.throw(consents=True, has_alarm=True)
    desk.wait_for_the_seconds_after()
    until(lambda: desk.jobs)
    for deposit in range(2, 2 + MOST_WAITING + 3):
        desk.throw(deposit, consents=True, has_alarm=True)
    desk.wait_for_the_seconds_after()
    assert desk.recorder.dropped == 3
    go_on.set()
    until(lambda: len(desk.kept()) == 1 + MOST_WAITING)
