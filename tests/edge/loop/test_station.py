"""The station's loop, in virtual time: what goes out first, what is refused, what survives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud_sync.wire.envelope import EpochReceipt
from cloud_sync.wire.facts import MAX_WALL_S, Role
from config.station import OpenBy
from edge.faults import FaultCode
from edge.journal.backlog import LONGEST_PAUSE_S
from edge.loop.inbox import QueueInbox
from edge.loop.journal_client import JOURNAL_LOST_S, JOURNAL_READ_S
from edge.loop.station import STOP_S
from edge.messages import ChamberChanged, Event, LevelChanged, LidClosed, LidOpened, Prompt
from edge.roster import CardState, RosterEntry
from edge.screen.publisher import HEARTBEAT_S, INTERVAL_S, QUIET_S
from edge.sync.outbox import Outbox
from edge.visit.recording import MOMENT_S
from edge.visit.state import VisitRules
from tests.edge.builders import WAITS, bin_rule, card, four_bins, rules_of
from tests.edge.workbench import EPOCH, Bench, by_hand, rows

ONE_BIN = rules_of(bin_rule())


@pytest.fixture
def benches(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(rules: VisitRules = ONE_BIN, inbox: QueueInbox | None = None) -> Bench:
        made.append(Bench(tmp_path / str(len(made)), rules, inbox=inbox))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


@pytest.fixture
def bench(benches: Callable[..., Bench]) -> Bench:
    return benches()


def rise(bench: Bench, name: str = "kitchen") -> None:
    bench.pass_time(WAITS.travel_s)
    bench.inbox.post(LidOpened(bench.clock.at, name))
    bench.station.run_pending()


def one_visit(bench: Bench, who: str = "zhang") -> None:
    """Let a resident throw one thing in; the visit is over when this returns."""
    bench.tap(who)
    rise(bench)
    bench.inbox.post(ChamberChanged(bench.clock.at, "kitchen"))
    bench.pass_time(WAITS.lease_s)
    bench.inbox.post(LidClosed(bench.clock.at, "kitchen"))
    bench.pass_time(1)


def roster(bench: Bench, **states: CardState) -> None:
    """Bring a roster as the sync process would: through a connection of its own."""
    outbox = Outbox(bench.folder)
    outbox.replace_roster({card(who): RosterEntry(state, Role.RESIDENT) for who, state in states.items()})
    outbox.close()


# --- one visit ----------------------------------------------------------------------------------


def test_a_visit_goes_from_tap_to_points(bench: Bench) -> None:
    one_visit(bench)
    assert bench.said() == [Prompt.WELCOME, Prompt.RIGHT, Prompt.POINTS_HELD]
    assert (rows(bench.journal_file, "visits"), rows(bench.journal_file, "outbox")) == (1, 1)
    assert bench.station.state.visits == ()


def test_points_are_never_spoken_before_the_row_is_on_the_disk(bench: Bench) -> None:
    one_visit(bench)
    one_visit(bench)
    awards_then = [note[2] for note in bench.diary if note[:2] == ("say", Prompt.POINTS_HELD)]
    assert awards_then == [1, 2]


def test_a_tap_reaches_the_lid_before_anything_else_hears_of_it(bench: Bench) -> None:
    bench.pass_time(1)
    bench.diary.clear()
    bench.tap()
    bench.station.run_pending()
    assert bench.diary[0] == ("open", "kitchen", WAITS.lease_s)


def test_a_lid_is_commanded_before_the_visit_of_the_same_moment_is_written(bench: Bench) -> None:
    bench.tap("zhang")
    rise(bench)
    bench.tap("li")
    bench.pass_time(WAITS.lease_s - WAITS.travel_s + 1)
    bench.diary.clear()
    bench.inbox.post(LidClosed(bench.clock.at, "kitchen"))
    bench.station.run_pending()
    assert bench.diary[:2] == [("open", "kitchen", WAITS.lease_s), ("record visit",)]


def test_a_lid_shut_by_hand_ends_the_first_lease_before_the_second_begins(bench: Bench) -> None:
    bench.tap("zhang")
    rise(bench)
    bench.tap("li")
    bench.station.run_pending()
    bench.diary.clear()
    bench.inbox.post(LidClosed(bench.clock.at, "kitchen"))
    bench.station.run_pending()
    assert bench.diary[:2] == [("end lease", "kitchen"), ("open", "kitchen", WAITS.lease_s)]


def test_the_time_from_tap_to_lid_is_measured_once_a_tap(benches: Callable[..., Bench]) -> None:
    bench = benches(rules_of(*four_bins(OpenBy.ALL)))
    bench.tap()
    bench.station.run_pending()
    (measured,) = bench.station.tap_to_lid_s
    assert 0 < measured < 1


def test_a_camera_that_fails_leaves_the_deposit_unseen(bench: Bench) -> None:
    bench.camera.is_broken = True
    one_visit(bench)
    assert bench.said() == [Prompt.WELCOME, Prompt.UNSEEN, Prompt.POINTS_HELD]


def test_a_model_that_fails_leaves_the_deposit_unseen(bench: Bench) -> None:
    bench.classifier.is_broken = True
    one_visit(bench)
    assert bench.said() == [Prompt.WELCOME, Prompt.UNSEEN, Prompt.POINTS_HELD]
    assert {fault.code for fault in bench.station.state.faults} == {FaultCode.MODEL_FAILED}
    assert rows(bench.journal_file, "outbox") == 2  # the alarm, and the visit


# --- taps ---------------------------------------------------------------------------------------


def test_a_card_held_to_the_reader_is_one_visit_and_one_command(bench: Bench) -> None:
    for _ in range(200):
        bench.tap()
        bench.pass_time(0.02)
    assert [note for note in bench.diary if note[0] == "open"] == [("open", "kitchen", WAITS.lease_s)]
    assert bench.station.state.next_visit == 2


def opened(bench: Bench) -> bool:
    return any(note[0] == "open" for note in bench.diary)


def test_an_unknown_card_opens_by_its_second_frame_and_noise_by_none(bench: Bench) -> None:
    bench.tap("noise", again_s=2)
    bench.pass_time(0.065)
    bench.tap("other noise", again_s=2)
    bench.pass_time(1)
    assert not opened(bench)
    bench.tap("stranger", again_s=2)
    bench.pass_time(0.065)
    bench.tap("stranger", again_s=2)
    bench.station.run_pending()
    assert opened(bench)


@pytest.mark.parametrize(("later", "reader"), [(2.0, "at-kitchen"), (0.065, "another")])
def test_two_frames_prove_an_unknown_card_only_soon_and_at_one_reader(
    bench: Bench, later: float, reader: str
) -> None:
    bench.tap("stranger", again_s=2)
    bench.pass_time(later)
    bench.tap("stranger", reader=reader, again_s=2)
    bench.pass_time(1)
    assert not opened(bench)


def test_a_known_card_opens_by_its_first_frame_and_a_blocked_one_is_refused_by_it(bench: Bench) -> None:
    roster(bench, zhang=CardState.ACTIVE, thief=CardState.BLOCKED)
    bench.pass_time(1)
    bench.tap("thief", again_s=2)
    bench.station.run_pending()
    assert (bench.said(), opened(bench)) == ([Prompt.CARD_BLOCKED], False)
    bench.tap("zhang", again_s=2)
    bench.station.run_pending()
    assert opened(bench)


def test_noise_between_the_frames_of_a_held_card_makes_no_second_tap_of_it(bench: Bench) -> None:
    for number in range(20):
        bench.tap(again_s=2)
        bench.pass_time(0.065)
        if number > 1:
            bench.tap(f"noise {number}", again_s=2)
            bench.pass_time(0.065)
    assert [note for note in bench.diary if note[0] == "open"] == [("open", "kitchen", WAITS.lease_s)]


def test_a_flood_of_cards_leaves_a_bounded_state_and_everything_ends(bench: Bench) -> None:
    for number in range(2_000):
        bench.tap(f"card {number}")
    bench.station.run_pending()
    assert len(bench.station.state.visits) <= ONE_BIN.max_visits
    bench.pass_time(300)
    assert bench.station.state.visits == ()


def test_a_card_blocked_before_the_start_opens_nothing_even_if_it_taps_first(bench: Bench) -> None:
    roster(bench, thief=CardState.BLOCKED)
    bench.tap("thief")
    bench.station.run_pending()
    assert bench.said() == [Prompt.CARD_BLOCKED]
    assert not any(note[0] == "open" for note in bench.diary)


def test_a_roster_that_another_process_brings_counts_within_a_second(bench: Bench) -> None:
    bench.pass_time(5)
    roster(bench, thief=CardState.BLOCKED)
    bench.pass_time(JOURNAL_READ_S)
    bench.tap("thief")
    bench.station.run_pending()
    assert bench.said() == [Prompt.CARD_BLOCKED]


def test_the_roster_known_last_still_counts_while_the_disk_refuses(bench: Bench) -> None:
    roster(bench, thief=CardState.BLOCKED)
    bench.pass_time(1)
    bench.journal.is_full = True
    bench.pass_time(5)
    bench.tap("thief")
    bench.station.run_pending()
    assert bench.said() == [Prompt.CARD_BLOCKED]


def test_a_roster_of_a_newer_version_leaves_the_one_known_before(bench: Bench) -> None:
    roster(bench, thief=CardState.BLOCKED)
    bench.pass_time(1)
    by_hand(bench.journal_file, "UPDATE roster SET state = 'melted'")
    bench.pass_time(1)
    bench.tap("thief")
    bench.station.run_pending()
    assert bench.said() == [Prompt.CARD_BLOCKED]


# --- a disk that fails --------------------------------------------------------------------------


def test_a_disk_that_refuses_delays_the_points_says_so_and_goes_on(bench: Bench) -> None:
    bench.journal.is_full = True
    one_visit(bench)
    bench.pass_time(MOMENT_S)
    assert bench.said() == [Prompt.WELCOME, Prompt.RIGHT, Prompt.SAVED_LATER]
    assert {fault.code for fault in bench.station.state.faults} == {FaultCode.JOURNAL_FAILED}
    bench.journal.is_full = False
    bench.pass_time(LONGEST_PAUSE_S)
    assert bench.station.state.faults == frozenset()
    one_visit(bench)
    assert bench.said()[3:] == [Prompt.WELCOME, Prompt.RIGHT, Prompt.POINTS_HELD]
    assert rows(bench.journal_file, "awards") == 2


def test_events_that_the_ledger_refused_are_an_alarm_until_it_takes_them(bench: Bench) -> None:
    one_visit(bench)
    outbox = Outbox(bench.folder)
    outbox.note_receipts([EpochReceipt(EPOCH, 1, ((1, "unreadable"),))])
    bench.pass_time(1)
    assert {fault.code for fault in bench.station.state.faults} == {FaultCode.EVENTS_REFUSED}
    outbox.note_receipts([EpochReceipt(EPOCH, 0)])  # the ledger was restored and knows nothing of it
    outbox.close()
    bench.pass_time(1)
    assert bench.station.state.faults == frozenset()


def test_a_lost_answer_of_the_journal_stops_its_reading_only_for_a_while(
    benches: Callable[..., Bench],
) -> None:
    bench = benches(inbox=QueueInbox(4))
    bench.pass_time(1)
    for number in range(10):  # a flood, in which the journal's answer finds no room
        bench.tap(f"card {number}")
    bench.clock.at += JOURNAL_READ_S
    bench.station.run_pending()
    roster(bench, thief=CardState.BLOCKED)
    bench.pass_time(JOURNAL_LOST_S + 30)
    bench.diary.clear()
    bench.tap("thief")
    bench.station.run_pending()
    assert bench.said() == [Prompt.CARD_BLOCKED]


# --- time ---------------------------------------------------------------------------------------


def test_events_that_come_out_of_order_are_straightened(bench: Bench) -> None:
    bench.pass_time(10)
    bench.tap(at=bench.clock.at)
    bench.inbox.post(LidOpened(bench.clock.at - 3, "kitchen"))
    bench.station.run_pending()
    (visit,) = bench.station.state.visits
    assert visit.openings[0].opened_at == visit.started_at


def test_an_event_dated_in_the_future_makes_nothing_overdue(bench: Bench) -> None:
    bench.tap(at=bench.clock.at + 1e6)
    bench.station.run_pending()
    rise(bench)
    bench.pass_time(1)
    assert not any(note[0] == "end lease" for note in bench.diary)


def test_a_lid_that_opened_in_time_is_not_stuck_because_the_station_heard_of_it_late(bench: Bench) -> None:
    bench.tap()
    bench.station.run_pending()
    opened_at = bench.clock.at + WAITS.travel_s
    bench.inbox.post(LevelChanged(opened_at, "kitchen", full=False))
    bench.inbox.post(LidOpened(opened_at, "kitchen"))
    bench.clock.at += WAITS.lease_s - 1  # beyond the limit of its travel
    bench.station.run_pending()
    assert bench.station.state.faults == frozenset()
    assert bench.station.state.visits[0].openings[0].opened_at == opened_at


class StallingInbox(QueueInbox):
    """An inbox whose station stands still once, while something is thrown in, and is then told to stop."""

    stall: Callable[[], None] = staticmethod(lambda: None)

    def take(self, wait_s: float | None) -> tuple[Event | None, float] | None:
        self.stall()
        return super().take(0 if wait_s is None else min(wait_s, 0))


def test_what_was_overdue_ends_before_a_late_event_is_looked_at(benches: Callable[..., Bench]) -> None:
    inbox = StallingInbox()
    bench = benches(inbox=inbox)
    bench.tap()
    rise(bench)

    def time_is_up() -> None:
        bench.station.stop()
        bench.clock.at += STOP_S

    def stand_still() -> None:
        inbox.stall = time_is_up
        bench.clock.at += WAITS.lease_s + 1
        inbox.post(ChamberChanged(bench.clock.at, "kitchen"))

    inbox.stall = stand_still
    bench.station.run()
    assert [note[0] for note in bench.diary if note[0] in {"open", "end lease"}] == ["open", "end lease"]


@pytest.mark.parametrize("unix_s", [-1e9, 0.0, 1e15], ids=["before 1970", "1970", "far away"])
def test_no_calendar_however_wrong_costs_a_visit(bench: Bench, unix_s: float) -> None:
    bench.clock.unix_s = unix_s
    one_visit(bench)
    assert bench.said()[-1] is Prompt.POINTS_HELD
    assert MAX_WALL_S < 1e15


def test_a_station_at_rest_wakes_only_to_read_the_journal(bench: Bench) -> None:
    bench.pass_time(10)
    due = bench.station.next_deadline()
    assert due is not None
    assert 0 < due - bench.clock.at <= JOURNAL_READ_S


def test_a_busy_second_writes_ten_states_and_the_last_one_arrives(bench: Bench) -> None:
    written = set()
    for hundredth in range(100):
        bench.inbox.post(LevelChanged(bench.clock.at, "kitchen", full=hundredth % 2 == 0))
        bench.pass_time(0.01)
        written.add(bench.shown().written_s)
    assert len(written) in {10, 11}
    bench.inbox.post(LevelChanged(bench.clock.at, "kitchen", full=True))
    bench.pass_time(INTERVAL_S)
    assert bench.shown().bins[0].full


def test_what_a_resident_earned_leaves_the_screen_though_the_station_goes_on_reading(bench: Bench) -> None:
    one_visit(bench)
    assert bench.shown().points is not None
    bench.pass_time(QUIET_S + HEARTBEAT_S + 1)
    assert (bench.shown().points, bench.shown().verdict) == (None, None)


# --- the inbox ----------------------------------------------------------------------------------


def test_the_inbox_drops_what_is_beyond_its_room_and_never_blocks() -> None:
    inbox = QueueInbox(3)
    for number in range(10):
        inbox.post(LidOpened(float(number), "kitchen"))
    inbox.wake()
    kept = iter(lambda: inbox.take(0), None)
    assert [event for event, _ in kept] == [LidOpened(float(number), "kitchen") for number in range(3)]


def test_a_wake_ends_a_wait_without_an_event() -> None:
    inbox = QueueInbox()
    inbox.wake()
    taken = inbox.take(None)
    assert taken is not None
    assert taken[0] is None


def test_an_empty_inbox_gives_nothing_after_the_wait() -> None:
    assert QueueInbox().take(0.001) is None
