"""What the panel reads: whole files, at most ten a second, and always the last one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from cloud_sync.rules.award_rules import Outcome
from cloud_sync.wire.facts import Role
from cloud_sync.wire.station_state import CabinetReading, DoorReading
from config.reading.load_sorting import load_sorting
from config.sorting import Category
from config.station import OpenBy
from config.words import Both, load_words
from edge.faults import Fault, FaultCode
from edge.loop.inbox import QueueInbox
from edge.loop.workers import InlineWorkers, ThreadWorkers
from edge.messages import FaultCleared, FaultRaised, JournalRead, LidObstructed, Photo, Pressed, Prompt, Say
from edge.ports import Workers
from edge.screen.awards import SHOWN_S
from edge.screen.prompts import PromptRenderer
from edge.screen.publisher import HEARTBEAT_S, INTERVAL_S, QUIET_S, Screen
from edge.screen.state import (
    PICTURE_FILE,
    STATE_FILE,
    LidPhase,
    LiveFolder,
    LivePoints,
    LiveState,
    LiveText,
    NextAction,
    bins_of,
    next_action,
)
from edge.screen.view import StationLabel
from edge.visit.state import State
from tests.edge.builders import (
    EMPTY,
    WAITS,
    Scene,
    bin_rule,
    four_bins,
    rules_of,
    verdict,
    with_faults,
)
from tests.edge.workbench import HandClock
from tests.waiting import WITHIN_S, until

PROMPTS = PromptRenderer(load_words(), load_sorting(), {"banana_peel": Both("香蕉皮", "banana peel")})
LABEL = StationLabel("lane", "gate", LiveText("荷花里 · 东门桶站", "Lotus Lane · East gate"))
RULES = rules_of(bin_rule())


def shows_in(folder: LiveFolder) -> Callable[[Photo], bool]:
    def show(photo: Photo) -> bool:
        folder.write_picture(str(photo).encode())
        return True

    return show


class Panel:
    """A scene with a screen, and what a panel would read of it."""

    def __init__(self, folder: Path, workers: Workers | None = None) -> None:
        self.folder = folder
        self.clock = HandClock()
        self.scene = Scene(RULES)
        self.workers = workers or InlineWorkers(QueueInbox())
        self.readings: tuple[CabinetReading, ...] = ()
        live = LiveFolder(folder)
        self.screen = Screen(
            live, RULES, LABEL, PROMPTS, self.clock, shows_in(live), readings=lambda: self.readings
        )

    def follow(self) -> LiveState:
        """Tell the screen of the last event, let its time come, and read."""
        for command in self.scene.commands:
            if isinstance(command, Say):
                self.screen.said(command)
        self.screen.changed(self.scene.state)
        self.clock.at += INTERVAL_S
        self.write()
        return self.read()

    def write(self) -> None:
        self.screen.write(self.scene.state, JournalRead(0.0, waiting=3, roster_age_s=60.0), self.workers)

    def read(self) -> LiveState:
        return msgspec.json.decode((self.folder / STATE_FILE).read_bytes(), type=LiveState)


@pytest.fixture
def panel(tmp_path: Path) -> Panel:
    return Panel(tmp_path / "live")


# --- what is shown ------------------------------------------------------------------------------


def test_what_cabinets_measure_comes_with_the_next_state_or_heartbeat(panel: Panel) -> None:
    assert panel.follow().readings == ()
    panel.readings = (DoorReading("mcu", is_open=True, age_s=1.0),)
    panel.clock.at += INTERVAL_S + HEARTBEAT_S
    panel.write()
    assert panel.read().readings == panel.readings


def test_a_visit_on_the_screen_from_tap_to_points(panel: Panel) -> None:
    scene = panel.scene
    at_rest = panel.follow()
    assert (at_rest.next, at_rest.bins[0].lid, at_rest.said) == (NextAction.TAP, LidPhase.SHUT, None)
    scene.tap()
    assert panel.follow().bins[0].lid is LidPhase.OPENING
    scene.now += 2
    scene.opened()
    shown = panel.follow()
    assert (shown.next, shown.bins[0].lid) == (NextAction.THROW, LidPhase.OPEN)
    scene.throw()
    scene.seen_as(verdict())
    shown = panel.follow()
    assert shown.said == LiveText("香蕉皮，投对了，谢谢您！", "Banana peel: right bin, thank you!")
    assert shown.verdict is not None
    assert (shown.verdict.outcome, shown.verdict.probability) == (Outcome.RIGHT, 0.93)
    scene.shut_bin()
    panel.follow()
    scene.recorded()
    shown = panel.follow()
    assert shown.points is not None
    assert (shown.points.points, shown.points.held, shown.next) == (2, False, NextAction.TAP)
    assert (shown.community, shown.station, shown.outbox) == ("lane", "gate", 3)
    assert shown.roster_age_s == 60.0


def test_a_verdict_that_comes_after_the_last_lid_is_still_shown(panel: Panel) -> None:
    panel.scene.open_bin()
    panel.scene.throw()
    panel.scene.photos()
    panel.scene.closed()
    panel.follow()
    panel.scene.judged(verdict())
    shown = panel.follow()
    assert panel.scene.state.current is None
    assert shown.verdict is not None


def test_a_new_visit_clears_the_verdict_of_the_one_before_at_once_and_its_points_after_their_time(
    panel: Panel,
) -> None:
    scene = panel.scene
    scene.open_bin()
    scene.throw()
    scene.seen_as(verdict())
    panel.follow()
    scene.shut_bin()
    scene.recorded()
    panel.follow()
    scene.tap(who="li")
    shown = panel.follow()
    assert shown.verdict is None
    assert shown.points == LivePoints(2, held=False, visit=1, before=True)
    panel.clock.at = max(panel.clock.at, panel.screen.next_due())
    panel.clock.at += SHOWN_S
    panel.write()
    assert panel.read().points is None


def test_words_about_an_obstruction_go_with_it(panel: Panel) -> None:
    scene = panel.scene
    scene.open_bin()
    panel.follow()
    scene.wait(WAITS.lease_s)
    scene.post(LidObstructed(scene.now, "kitchen"))
    said = panel.follow().said
    assert said is not None
    assert said.en == "Something is blocking the lid. Please take it away."
    scene.closed()
    assert panel.follow().said is None


def test_points_of_an_unknown_card_are_shown_as_kept(panel: Panel) -> None:
    panel.scene.open_bin(role=Role.UNKNOWN)
    panel.scene.throw()
    panel.scene.seen_as(verdict())
    panel.scene.shut_bin()
    panel.scene.recorded()
    points = panel.follow().points
    assert points is not None
    assert points.held


@pytest.mark.parametrize("empty", [False, True], ids=["unseen", "an empty picture"])
def test_a_deposit_without_a_name_is_shown_without_one(panel: Panel, empty: bool) -> None:  # noqa: FBT001
    panel.scene.open_bin()
    panel.scene.throw()
    if empty:
        panel.scene.seen_as(EMPTY)
    else:
        panel.scene.wait(WAITS.capture_s)
    shown = panel.follow().verdict
    assert shown is not None
    assert (shown.label, shown.category) == (None, None)


def test_faults_and_full_bins_are_shown(panel: Panel) -> None:
    panel.scene.state = with_faults(
        Fault(FaultCode.LID_STUCK_SHUT, "kitchen"), Fault(FaultCode.CAMERA_FAILED, "cam"), full=["kitchen"]
    )
    shown = panel.follow()
    assert (shown.bins[0].faulty, shown.bins[0].full) == (True, True)
    assert [fault.code for fault in shown.faults] == ["camera_failed", "lid_stuck_shut"]


@pytest.mark.parametrize("code", [FaultCode.LID_STUCK_OPEN, FaultCode.LID_FORCED])
def test_a_lid_that_stands_open_without_a_visit_is_shown_open(code: FaultCode) -> None:
    (shown,) = bins_of(with_faults(Fault(code, "kitchen")), RULES, frozenset())
    assert shown.lid is LidPhase.OPEN


def test_the_next_action_at_every_stage_of_a_visit() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.BUTTON)))
    actions = [next_action(scene.state)]
    scene.tap("gate")
    actions.append(next_action(scene.state))
    scene.post(Pressed(scene.now, "kitchen"))
    actions.append(next_action(scene.state))
    scene.now += 2
    scene.opened("kitchen")
    scene.wait(WAITS.lease_s)
    actions.append(next_action(scene.state))
    scene.throw("kitchen")
    scene.closed("kitchen")
    actions.append(next_action(scene.state))
    assert actions == [
        NextAction.TAP,
        NextAction.CHOOSE,
        NextAction.THROW,
        NextAction.STAND_BACK,
        NextAction.WAIT,
    ]


def test_a_lid_of_a_visit_that_is_over_asks_to_stand_back() -> None:
    scene = Scene(rules_of(*four_bins(OpenBy.READER)))
    scene.open_bin("kitchen")
    scene.refuse("at-other")
    scene.tap("gate", who="li")  # opens nothing, but takes over
    assert scene.state.current is None
    assert next_action(scene.state) is NextAction.STAND_BACK


# --- words --------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", Prompt)
def test_every_prompt_can_be_spoken_with_all_its_places_and_with_none(prompt: Prompt) -> None:
    full = PROMPTS.render(Say(prompt, Category.KITCHEN, Category.OTHER, "banana_peel", 3))
    bare = PROMPTS.render(Say(prompt))
    for words in (full, bare):
        assert words.zh
        assert words.en
        assert not set("{}") & set(words.zh + words.en)
        assert "None" not in words.zh + words.en


def test_a_label_that_the_bundle_does_not_name_is_shown_by_its_key() -> None:
    assert PROMPTS.label("moon_rock") == Both("moon_rock", "moon_rock")
    assert PROMPTS.label(None) == Both("", "")


# --- when it is written -------------------------------------------------------------------------


def test_at_most_ten_states_a_second_are_written_and_the_last_always_arrives(panel: Panel) -> None:
    written = set()
    for tick in range(100):
        panel.scene.state = State(full=frozenset({f"bin {tick}"}))
        panel.screen.changed(panel.scene.state)
        panel.write()
        written.add(panel.read().written_s)
        panel.clock.at += 0.01
    assert len(written) <= 10
    panel.scene.state = with_faults(Fault(FaultCode.LID_FORCED, "kitchen"))
    panel.screen.changed(panel.scene.state)
    panel.clock.at = max(panel.screen.next_due(), panel.clock.at)
    panel.write()
    assert [fault.part for fault in panel.read().faults] == ["kitchen"]


def test_what_a_visit_threw_in_leaves_the_screen_after_a_while(panel: Panel) -> None:
    scene = panel.scene
    scene.open_bin()
    panel.follow()
    scene.throw()
    panel.screen.show_picture("photo")
    scene.seen_as(verdict())
    panel.follow()
    scene.shut_bin()
    panel.follow()
    scene.recorded()
    shown = panel.follow()
    assert shown.verdict is not None
    assert shown.picture == 1
    assert (panel.folder / PICTURE_FILE).exists()
    panel.clock.at += QUIET_S
    panel.write()
    shown = panel.read()
    assert (shown.verdict, shown.points, shown.said, shown.picture) == (None, None, None, 0)
    assert not (panel.folder / PICTURE_FILE).exists()


@pytest.mark.parametrize("by", ["a fault that comes and goes", "a card that is refused"])
def test_what_a_visit_left_leaves_the_screen_in_time_whatever_else_happens(panel: Panel, by: str) -> None:
    scene = panel.scene
    scene.open_bin()
    panel.follow()
    scene.throw()
    panel.screen.show_picture("photo")
    scene.seen_as(verdict())
    panel.follow()
    scene.shut_bin()
    panel.follow()
    scene.recorded()
    shown = panel.follow()
    assert (shown.picture, shown.verdict is None, shown.points is None) == (1, False, False)
    over_at = panel.clock.at
    steps = 4
    for turn in range(1, steps + 1):
        panel.clock.at = over_at + turn * QUIET_S / steps
        scene.now = max(scene.now, panel.clock.at)
        if by.startswith("a fault"):
            kind = FaultRaised if turn % 2 else FaultCleared
            scene.post(kind(scene.now, FaultCode.READER_GARBLED, "gate"))
        else:
            scene.refuse()
        shown = panel.follow()
        assert shown.picture == (0 if turn == steps else 1)
    assert (shown.verdict, shown.points) == (None, None)
    assert (shown.said is None) == by.startswith("a fault"), "what was said just now still stands"
    assert not (panel.folder / PICTURE_FILE).exists()


def test_the_next_visit_begins_without_the_last_ones_picture(panel: Panel) -> None:
    scene = panel.scene
    scene.open_bin()
    panel.follow()
    scene.throw()
    panel.screen.show_picture("photo")
    scene.seen_as(verdict())
    panel.follow()
    scene.shut_bin()
    panel.follow()
    scene.recorded()
    panel.follow()
    assert (panel.folder / PICTURE_FILE).exists()
    scene.tap()
    assert panel.follow().picture == 0
    assert not (panel.folder / PICTURE_FILE).exists()
    panel.screen.show_picture("another")
    assert panel.follow().picture == 2
    assert (panel.folder / PICTURE_FILE).read_bytes() == b"another"


def test_a_picture_of_an_earlier_run_is_gone_with_the_first_state(panel: Panel) -> None:
    LiveFolder(panel.folder).write_picture(b"left by a run that was killed")
    panel.follow()
    assert not (panel.folder / PICTURE_FILE).exists()


def test_a_quiet_station_is_written_again_now_and_then_so_that_it_is_not_taken_for_dead(panel: Panel) -> None:
    first = panel.follow().written_s
    panel.clock.at += HEARTBEAT_S
    panel.write()
    assert panel.read().written_s == first
    panel.clock.at = panel.screen.next_due()
    panel.write()
    assert panel.read().written_s > first


def test_a_picture_is_on_the_disk_before_the_state_that_counts_it(panel: Panel) -> None:
    panel.screen.show_picture("peel")
    assert panel.follow().picture == 1
    assert (panel.folder / PICTURE_FILE).read_bytes() == b"peel"


def test_of_many_pictures_the_last_stays(panel: Panel) -> None:
    for number in range(5):
        panel.screen.show_picture(f"photo {number}")
    assert panel.follow().picture == 5
    assert (panel.folder / PICTURE_FILE).read_bytes() == b"photo 4"


class SlowFolder(LiveFolder):
    """A folder that hangs until it is released."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.begun, self.release = threading.Event(), threading.Event()

    def write_state(self, live: LiveState) -> None:
        self.begun.set()
        self.release.wait(WITHIN_S)
        super().write_state(live)


def test_the_last_state_arrives_even_when_a_slow_folder_turned_it_away(tmp_path: Path) -> None:
    folder = SlowFolder(tmp_path)
    workers = ThreadWorkers(QueueInbox(), slots=2)
    panel = Panel(tmp_path, workers)
    panel.screen = Screen(folder, RULES, LABEL, PROMPTS, panel.clock, shows_in(folder))
    for number in range(20):
        panel.screen.show_picture(f"photo {number}")
        panel.clock.at += INTERVAL_S
        panel.write()
        assert folder.begun.wait(WITHIN_S)
    folder.release.set()
    until(lambda: (tmp_path / STATE_FILE).exists() and panel.read().picture == 20, "the last state")
    assert (tmp_path / PICTURE_FILE).read_bytes() == b"photo 19"
    workers.stop()


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_picture(
    panel: Panel, caplog: pytest.LogCaptureFixture
) -> None:
    (panel.folder / f".{STATE_FILE}.new").mkdir(parents=True)
    panel.screen.changed(panel.scene.state)
    panel.write()
    panel.clock.at += HEARTBEAT_S
    panel.write()
    assert caplog.text.count("cannot be written") == 1, "a line each time fills the log"
    (panel.folder / f".{STATE_FILE}.new").rmdir()
    assert panel.follow().station == "gate"


def test_a_picture_that_the_folder_refused_is_there_once_it_takes_one(panel: Panel) -> None:
    (panel.folder / f".{PICTURE_FILE}.new").mkdir(parents=True)
    panel.screen.show_picture("photo of a peel")
    panel.write()
    assert not (panel.folder / PICTURE_FILE).exists()
    (panel.folder / f".{PICTURE_FILE}.new").rmdir()
    panel.follow()
    assert (panel.folder / PICTURE_FILE).read_bytes() == b"photo of a peel"


def test_a_folder_that_cannot_be_made_keeps_no_station_from_starting(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes(b"a file stands in its place")
    panel = Panel(tmp_path / "run")
    panel.write()
    (tmp_path / "run").unlink()
    assert panel.follow().station == "gate"


def test_a_reader_never_meets_half_a_state(tmp_path: Path) -> None:
    panel = Panel(tmp_path)
    panel.follow()
    stopping = threading.Event()
    broken: list[Exception] = []

    def read_again_and_again() -> None:
        while not stopping.is_set():
            try:
                panel.read()
            except (OSError, msgspec.DecodeError) as error:
                broken.append(error)

    reader = threading.Thread(target=read_again_and_again)
    reader.start()
    for _ in range(300):
        panel.follow()
    stopping.set()
    reader.join()
    assert broken == []


def test_the_folder_is_made_where_it_is_missing(tmp_path: Path) -> None:
    LiveFolder(tmp_path / "a" / "b").write_picture(b"x")
    assert (tmp_path / "a" / "b" / PICTURE_FILE).read_bytes() == b"x"


def test_a_picture_that_cannot_be_shown_keeps_no_state_back_and_is_not_counted(tmp_path: Path) -> None:
    panel = Panel(tmp_path)
    asked: list[Photo] = []

    def refuses(photo: Photo) -> bool:
        asked.append(photo)
        return False

    panel.screen = Screen(LiveFolder(tmp_path), RULES, LABEL, PROMPTS, panel.clock, refuses)
    panel.screen.show_picture("banana")
    assert panel.follow().picture == 0
    panel.screen.changed(panel.scene.state)
    assert panel.follow().picture == 0
    assert asked == ["banana"], "it is asked for once"
