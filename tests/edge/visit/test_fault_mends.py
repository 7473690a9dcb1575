"""Every fault of the catalogue has a test that mends it with what ships: a card, a hand, a command.

The table says which; a fault that is added without one fails here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_sync.wire.facts import Role
from edge.faults import CATALOGUE, ClearedBy, Fault, FaultCode
from edge.journal.schema import JOURNAL_FILE
from edge.messages import Alarm, FaultCleared, FaultRaised, Movement
from edge.sync.receipting import NAMED_AT_MOST
from edge.visit.state import MODEL
from tests.edge.builders import Scene, opens, with_faults
from tests.edge.journal.checks import NOON, opened, visit

CHECKOUT = Path(__file__).resolve().parents[3]
HERE = "tests/edge/visit/test_fault_mends.py"
MCU = "tests/edge/hardware/test_controller.py"
SERIAL = "tests/edge/readers/test_serial.py"
REFUSALS = "tests/edge/journal/test_refusals.py"
KEYS = "tests/station/test_hard_starts.py"
HEALTH = "tests/edge/hardware/test_scale_health.py"
CABINET = "tests/edge/hardware/test_cabinet.py"
MENDED_BY = {
    FaultCode.LID_STUCK_SHUT: (
        "tests/edge/visit/test_jams.py",
        "test_a_lid_held_for_one_opening_and_then_free_opens_again_for_who_taps_every_three_seconds",
    ),
    FaultCode.LID_STUCK_OPEN: (HERE, "test_a_lid_left_open_is_shut_by_a_hand"),
    FaultCode.LID_FORCED: (HERE, "test_a_lid_that_was_forced_is_shut_by_a_hand"),
    FaultCode.LID_UNREACHABLE: (
        "tests/edge/lids/test_keeper.py",
        "test_a_station_without_a_keeper_names_the_fault_once_and_clears_it_when_there_is_one",
    ),
    FaultCode.LID_MISSING: (MCU, "test_a_lid_that_the_controller_does_not_have_is_named_and_the_others_work"),
    FaultCode.LID_UNPOWERED: (
        CABINET,
        "test_a_supply_below_its_least_keeps_the_controllers_bins_shut_until_it_is_back",
    ),
    FaultCode.SUPPLY_LOW: (CABINET, "test_a_low_supply_is_a_warning_until_it_is_well_above_its_limit"),
    FaultCode.CABINET_HOT: (CABINET, "test_a_hot_cabinet_is_a_warning_until_it_has_cooled"),
    FaultCode.CABINET_OPEN: (CABINET, "test_a_door_that_stands_open_is_a_warning_until_it_is_shut"),
    FaultCode.CONTROLLER_LOST: (
        MCU,
        "test_a_controller_that_is_unplugged_is_named_with_all_that_hangs_on_it_and_comes_back",
    ),
    FaultCode.CONTROLLER_FOREIGN: (
        MCU,
        "test_some_other_device_on_the_port_is_named_and_so_is_the_end_of_it",
    ),
    FaultCode.CONTROLLER_VERSION: (
        MCU,
        "test_an_older_or_newer_controller_is_named_and_taken_when_it_is_updated",
    ),
    FaultCode.CONTROLLER_NOISY: (
        "tests/firmware_bridge/test_noise.py",
        "test_random_bytes_between_a_controllers_frames_are_noise_and_not_another_device",
    ),
    FaultCode.PORT_BUSY: (MCU, "test_a_port_that_is_not_there_or_that_another_program_has_is_named"),
    FaultCode.SMOKE: (MCU, "test_smoke_is_a_fault_of_its_controller_and_over_when_it_is_gone"),
    FaultCode.PANIC: (
        MCU,
        "test_panic_stops_every_lid_until_the_station_is_reset_and_then_they_open_again",
    ),
    FaultCode.EMERGENCY_STOP: (
        "tests/station/test_emergency_station.py",
        "test_a_panic_at_the_controller_stops_the_lid_on_the_pis_pins_until_a_staff_card_is_tapped",
    ),
    FaultCode.OUT_OF_SERVICE: (
        "tests/edge/visit/test_orders.py",
        "test_a_station_out_of_service_opens_for_staff_alone_until_the_office_ends_it",
    ),
    FaultCode.SCALE_SILENT: (
        "tests/edge/hardware/test_scale.py",
        "test_a_silent_scale_is_a_fault_until_it_is_heard_again",
    ),
    FaultCode.SCALE_STUCK: (HEALTH, "test_a_scale_that_is_silent_stuck_or_saturated_is_found_out"),
    FaultCode.SCALE_SATURATED: (HEALTH, "test_a_scale_that_is_silent_stuck_or_saturated_is_found_out"),
    FaultCode.EYE_LOST: (
        "tests/station/test_eye_survives.py",
        "test_an_eye_that_dies_or_hangs_leaves_the_deposit_unseen_and_the_fault_mends_itself",
    ),
    FaultCode.CLIPS_FAILED: (
        "tests/edge/eye/clips/test_recorder.py",
        "test_a_disk_that_refuses_is_a_fault_until_it_takes_something",
    ),
    FaultCode.CLOCK_STEPPED: (
        "tests/edge/eye/clips/test_recorder.py",
        "test_a_stepped_calendar_is_a_fault_for_ten_minutes_and_deletes_no_clip",
    ),
    FaultCode.CAMERA_FAILED: (
        "tests/edge/eye/test_camera.py",
        "test_a_camera_that_was_unplugged_is_opened_again",
    ),
    FaultCode.CAMERA_TORN: (
        "tests/edge/eye/test_camera.py",
        "test_frames_that_cannot_be_used_are_dropped_and_named_until_whole_ones_come",
    ),
    FaultCode.CAMERA_DARK: (
        "tests/edge/eye/health/test_frames.py",
        "test_a_flaw_is_a_fault_after_three_seconds_and_ends_after_one_good_second",
    ),
    FaultCode.CAMERA_COVERED: (
        "tests/edge/eye/health/test_frames.py",
        "test_a_flaw_is_a_fault_after_three_seconds_and_ends_after_one_good_second",
    ),
    FaultCode.MODEL_REFUSED: (HERE, "test_what_only_a_restart_ends_is_not_there_after_one"),
    FaultCode.MODEL_FAILED: (
        "tests/edge/eye/test_classifier.py",
        "test_a_model_that_is_slow_to_load_is_a_fault_until_it_sees",
    ),
    FaultCode.READER_FAILED: (
        SERIAL,
        "test_a_reader_that_is_unplugged_raises_its_fault_and_goes_on_when_it_is_back",
    ),
    FaultCode.READER_QUIET: (
        SERIAL,
        "test_a_reader_that_sent_nothing_for_a_day_and_a_half_raises_a_warning_until_its_next_byte",
    ),
    FaultCode.READER_GARBLED: (SERIAL, "test_a_reader_that_only_sends_noise_is_named_until_it_reads_a_card"),
    FaultCode.JOURNAL_FAILED: (
        "tests/edge/journal/test_backlog.py",
        "test_a_disk_that_refuses_once_costs_no_award",
    ),
    FaultCode.JOURNAL_FULL: (REFUSALS, "test_a_full_disk_is_a_fault_of_its_own_until_there_is_room"),
    FaultCode.JOURNAL_SILENT: (
        REFUSALS,
        "test_a_hanging_disk_keeps_no_lid_shut_and_visits_are_written_once_it_answers",
    ),
    FaultCode.JOURNAL_FOREIGN: (
        REFUSALS,
        "test_another_stations_journal_is_a_fault_of_its_own_until_it_is_gone",
    ),
    FaultCode.JOURNAL_NEWER: (
        REFUSALS,
        "test_a_newer_programs_journal_is_a_fault_of_its_own_until_it_is_gone",
    ),
    FaultCode.JOURNAL_MISPLACED: (
        REFUSALS,
        "test_a_pipe_in_the_journals_place_is_a_fault_at_once_and_a_journal_is_made_when_it_is_gone",
    ),
    FaultCode.JOURNAL_RECOVERED: (
        HERE,
        "test_a_journal_that_was_mended_is_an_ordinary_one_at_the_next_start",
    ),
    FaultCode.EVENTS_REFUSED: (
        "tests/edge/sync/test_outbox.py",
        "test_a_refused_event_that_the_ledger_applied_later_is_no_longer_refused",
    ),
    FaultCode.STATION_KEY_RETIRED: (
        "tests/edge/sync/test_hardships.py",
        "test_a_station_whose_key_was_retired_keeps_its_events_and_says_so",
    ),
    FaultCode.ROSTER_OLD: (
        "tests/edge/downlink/test_process.py",
        "test_a_roster_is_old_after_a_day_without_proof_and_a_week_later_still_in_use",
    ),
    FaultCode.PUBLICATION_REFUSED: (
        "tests/edge/downlink/test_process.py",
        "test_what_is_not_proved_to_be_the_present_one_is_refused_and_the_old_one_stays",
    ),
    FaultCode.CARD_KEY_UNREADABLE: (
        KEYS,
        "test_without_the_card_key_lids_open_and_nobody_is_recognised_until_it_is_restored",
    ),
    FaultCode.SYNC_KEYS_UNREADABLE: (
        KEYS,
        "test_without_the_signing_key_the_station_runs_and_says_that_nothing_is_sent_until_it_is_restored",
    ),
}


def test_every_fault_of_the_catalogue_has_a_test_that_mends_it() -> None:
    assert set(MENDED_BY) == set(FaultCode) == set(CATALOGUE)


@pytest.mark.parametrize("code", MENDED_BY)
def test_the_test_that_mends_a_fault_is_there(code: FaultCode) -> None:
    file, name = MENDED_BY[code]
    assert f"\ndef {name}(" in (CHECKOUT / file).read_text(encoding="utf-8")


def left_open() -> Scene:
    """Give a station whose lid did not shut when its lease was over."""
    scene = Scene()
    scene.open_bin()
    scene.wait(scene.rules.lease_s + scene.rules.travel_limit_s)
    assert Fault(FaultCode.LID_STUCK_OPEN, "kitchen") in scene.state.faults
    assert opens(scene.tap(who="li")) == []
    return scene


def test_a_lid_left_open_is_shut_by_a_hand() -> None:
    scene = left_open()
    assert Alarm(FaultCode.LID_STUCK_OPEN, "kitchen", raised=False) in scene.closed()
    assert opens(scene.tap(who="li")) == ["kitchen"]


def test_a_lid_left_open_is_shut_by_a_staff_card_that_opens_it_once_more() -> None:
    scene = left_open()
    assert opens(scene.tap(role=Role.STAFF)) == ["kitchen"]
    scene.opened()
    scene.commands = []
    scene.shut_bin()
    assert Fault(FaultCode.LID_STUCK_OPEN, "kitchen") not in scene.state.faults


def test_a_lid_that_was_forced_is_shut_by_a_hand() -> None:
    scene = Scene()
    assert scene.opened() == [Alarm(FaultCode.LID_FORCED, "kitchen", raised=True)]
    assert scene.closed() == [Alarm(FaultCode.LID_FORCED, "kitchen", raised=False)]


def test_a_supply_that_fails_moves_no_lid_and_keeps_residents_out_until_it_is_back() -> None:
    scene = Scene()
    scene.open_bin()
    moves = scene.post(FaultRaised(scene.now, FaultCode.LID_UNPOWERED, "kitchen"))
    assert [move for move in moves if isinstance(move, Movement)] == []
    scene.shut_bin()
    assert opens(scene.tap(who="li")) == []
    assert opens(scene.tap(role=Role.STAFF)) == ["kitchen"]
    scene.opened()
    scene.shut_bin()
    scene.post(FaultCleared(scene.now, FaultCode.LID_UNPOWERED, "kitchen"))
    assert opens(scene.tap(who="wang")) == ["kitchen"]


@pytest.mark.parametrize(
    "code", [code for code in FaultCode if CATALOGUE[code].cleared_by is ClearedBy.RESTART]
)
def test_what_only_a_restart_ends_is_not_there_after_one(code: FaultCode) -> None:
    before = Scene()
    before.state = with_faults(Fault(code, MODEL))
    assert before.post(FaultCleared(before.now, code, MODEL)) == []
    assert before.state.faults == {Fault(code, MODEL)}
    assert Scene().state.faults == frozenset()


def test_a_journal_that_was_mended_is_an_ordinary_one_at_the_next_start(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.record_visit(visit(), NOON)
    journal.close()
    file = tmp_path / JOURNAL_FILE
    file.write_bytes(b"\xff" * 100 + file.read_bytes()[100:])
    mended = opened(tmp_path)
    assert mended.faults() == {FaultCode.JOURNAL_RECOVERED}
    mended.close()
    again = opened(tmp_path)
    assert again.faults() == frozenset()
    again.close()


def test_a_full_receipt_is_as_long_here_as_at_the_ledger() -> None:
    receipts = (CHECKOUT / "cloud_sync/ledger/intake/receipts.py").read_text(encoding="utf-8")
    assert f"\nMAX_REFUSED = {NAMED_AT_MOST}\n" in receipts
