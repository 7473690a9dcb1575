"""Which stage of the everyday run a test belongs to, and how long it may take there."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import pytest

from tests.waiting import PATIENCE


class Stage(StrEnum):
    """The stages, in the order in which they run."""

    PURE = "pure"
    """No process, no thread, no socket, no real time."""
    PROCESS = "process"
    """Threads, sockets, programs, brokers, databases."""
    LONG = "long"
    """A soak, a benchmark, a browser, the demo: whole files at a time, at the end."""


LIMIT_S = {Stage.PURE: 180.0, Stage.PROCESS: 300.0, Stage.LONG: 900.0}
"""How long a test of a stage may take on a machine of ordinary speed before it fails."""

LONG = (
    "tests/edge/eye/clips/test_browser.py",
    "tests/edge/panel/test_browser.py",
    "tests/demo/test_watched.py",
    "tests/soak/test_soak.py",
    "tests/ledger/browser/",
    "tests/demo/test_demo.py",
    "tests/edge/panel/test_looks.py",
    "tests/demo/test_looks.py",
    "tests/bench/",
)
"""In the order in which they run, the longest first, so that no worker is left with one at the end."""
PROCESS = (
    "tests/cloud_sync/service/test_web.py",
    "tests/cloud_sync/transport/test_ca_file.py",
    "tests/cloud_sync/transport/test_mqtt.py",
    "tests/config/test_threads.py",
    "tests/demo/",
    "tests/edge/check/test_broker.py",
    "tests/edge/check/test_command.py",
    "tests/edge/check/test_devices.py",
    "tests/edge/check/test_eye_check.py",
    "tests/edge/check/test_ledger.py",
    "tests/edge/downlink/test_killed.py",
    "tests/edge/eye/clips/test_faces_found.py",
    "tests/edge/eye/clips/test_kills.py",
    "tests/edge/eye/clips/test_maker.py",
    "tests/edge/eye/clips/test_recorder.py",
    "tests/edge/eye/health/test_shown_mask.py",
    "tests/edge/eye/test_camera.py",
    "tests/edge/eye/test_classifier.py",
    "tests/edge/eye/test_newest_frame.py",
    "tests/edge/hardware/test_build.py",
    "tests/edge/hardware/test_contacts.py",
    "tests/edge/hardware/test_controller.py",
    "tests/edge/hardware/test_polled_thread.py",
    "tests/edge/hardware/test_scale.py",
    "tests/edge/journal/test_backlog.py",
    "tests/edge/journal/test_crash.py",
    "tests/edge/journal/test_disk_full.py",
    "tests/edge/journal/test_power_cut.py",
    "tests/edge/journal/test_refusals.py",
    "tests/edge/ledger_api/",
    "tests/edge/lids/test_gpio_lid.py",
    "tests/edge/lids/test_guard.py",
    "tests/edge/lids/test_jig.py",
    "tests/edge/lids/test_keeper.py",
    "tests/edge/lids/test_lid_kinds.py",
    "tests/edge/local/",
    "tests/edge/loop/test_clocks.py",
    "tests/edge/loop/test_inbox.py",
    "tests/edge/loop/test_station_threads.py",
    "tests/edge/loop/test_workers.py",
    "tests/edge/panel/test_app.py",
    "tests/edge/panel/test_serve.py",
    "tests/edge/panel/test_sse.py",
    "tests/edge/readers/test_kinds.py",
    "tests/edge/readers/test_serial.py",
    "tests/edge/remote/test_desk.py",
    "tests/edge/screen/test_publisher.py",
    "tests/edge/sim/test_rigged.py",
    "tests/edge/sim/test_timeline.py",
    "tests/edge/sim/test_trays.py",
    "tests/edge/sync/",
    "tests/edge/visit/test_emergency.py",
    "tests/firmware_bridge/conformance/",
    "tests/firmware_bridge/firmware/",
    "tests/firmware_bridge/test_end_to_end.py",
    "tests/firmware_bridge/test_port.py",
    "tests/firmware_bridge/test_twin.py",
    "tests/ledger/",
    "tests/models/test_accuracy.py",
    "tests/models/test_bundle.py",
    "tests/models/test_classify.py",
    "tests/models/test_drawn.py",
    "tests/models/test_not_waste.py",
    "tests/models/test_runtime.py",
    "tests/models/test_stamps.py",
    "tests/models/training/test_candidates.py",
    "tests/models/training/test_evaluate.py",
    "tests/models/training/test_feature_store.py",
    "tests/models/training/test_progress.py",
    "tests/models/training/test_scenes.py",
    "tests/packaging/test_arm64.py",
    "tests/packaging/test_cli.py",
    "tests/packaging/test_cli_page.py",
    "tests/packaging/test_mutants.py",
    "tests/packaging/test_packaging.py",
    "tests/packaging/test_ports.py",
    "tests/packaging/test_running.py",
    "tests/packaging/test_setup.py",
    "tests/packaging/test_skips.py",
    "tests/soak/",
    "tests/station/",
)
"""Files and folders by how their names begin; whatever stands in neither table is pure."""
QUICK_PROGRAMS = (
    "tests/config/test_library_lines.py",
    "tests/edge/hardware/test_wiring.py",
    "tests/packaging/test_changed.py",
    "tests/packaging/test_marks.py",
)
"""They start none or one that ends at once: three import values from helpers that start some."""


def stage_of(nodeid: str) -> Stage:
    """Name the stage of a test by its file."""
    if nodeid.startswith(LONG):
        return Stage.LONG
    return Stage.PROCESS if nodeid.startswith(PROCESS) else Stage.PURE


def rank(nodeid: str) -> int:
    """Give a test's place in the order of its stage, by its file."""
    return next((place for place, name in enumerate(LONG) if nodeid.startswith(name)), len(LONG))


def mark_stages(items: Iterable[pytest.Item]) -> None:
    """Mark each test with its stage, and with that stage's limit unless it has one of its own."""
    for item in items:
        stage = stage_of(item.nodeid)
        item.add_marker(stage.value)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LIMIT_S[stage] * PATIENCE))
