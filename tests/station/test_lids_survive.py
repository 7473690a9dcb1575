"""Whatever dies or hangs, the lid does what its lease says. Processes are real; so are their deaths.

The lid's own bounds are seconds; TOLERANCE_S is for a machine that is busy with other tests, and is the
most that any of these assertions forgives.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.lids.guard import HOLD_S
from firmware_bridge.lid_motion import lid_times
from models.bundle import SHIPPED_BUNDLE, load_bundle
from tests.models.graphs import endless, put
from tests.programs import descendants, still_running
from tests.station.conftest import LEASE_S, QUICK_S, Site
from tests.waiting import COMMAND_WITHIN_S, WITHIN_S, until

TOLERANCE_S = 15.0
LONG_S = 200.0
"""A travel so slow that a motor which runs unwatched is still at it when anybody looks."""


@pytest.fixture
def keeper(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    with site.start("lids") as process:
        until((site.runtime / "lids.sock").exists, "the keeper listens", COMMAND_WITHIN_S)
        yield process


@contextmanager
def at_work(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """A station that has its lids and its reader."""
    with site.start("run") as process:
        until(lambda: site.shown().get("faults") == [], "the station is at work", COMMAND_WITHIN_S)
        yield process


@pytest.fixture
def station(site: Site, keeper: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    assert keeper.poll() is None
    site.init()
    with at_work(site) as process:
        yield process


def check_drives(site: Site, asked: tuple[float, float]) -> None:
    """The lease was asked for between two moments: no drive open goes on beyond it, none shut runs under it,
    and none is longer than a drive may be."""
    longest_s = lid_times(site.settings.visit).drive_s
    for drive in site.plant.driven(1):
        assert drive.ended <= asked[1] + LEASE_S + TOLERANCE_S
    for drive in site.plant.driven(-1):
        assert drive.began >= asked[0] + LEASE_S
    assert all(
        drive.ended - drive.began <= longest_s + TOLERANCE_S for drive in site.plant.drives if drive.way
    )
    assert not site.plant.both_were_high


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_lid_of_a_dead_or_hung_station_shuts_when_its_lease_ends_and_opens_for_the_next(
    site: Site, station: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    before = time.monotonic()
    site.hold_card()
    asked = before, time.monotonic()
    until(lambda: site.plant.place == 1, "the lid is open")
    station.send_signal(number)
    until(lambda: site.plant.place == 0, "the lid shut by itself")
    check_drives(site, asked)
    assert site.plant.driven(-1)[-1].ended <= asked[1] + LEASE_S + site.settings.visit.travel_s + TOLERANCE_S
    if number is signal.SIGSTOP:
        station.send_signal(signal.SIGCONT)
        site.hold_card()
    else:
        with at_work(site):
            site.hold_card()
    until(lambda: site.plant.place == 1, "it opens again")


def test_what_is_in_the_way_keeps_the_lid_of_a_dead_station_open_until_it_is_gone(
    site: Site, station: subprocess.Popen[bytes]
) -> None:
    site.hold_card()
    until(lambda: site.plant.place == 1, "the lid is open")
    site.plant.obstructed = True
    station.kill()
    killed_at = time.monotonic()
    until(lambda: time.monotonic() > killed_at + LEASE_S + 1, "the lease is over")
    assert site.plant.place == 1
    assert site.plant.driven(-1) == [], "it was not even tried"
    site.plant.obstructed = False
    until(lambda: site.plant.place == 0, "the lid shut once the way was free")


def test_a_killed_keepers_motor_is_stopped_by_its_guard_and_the_next_keeper_shuts_the_lid(
    site: Site, keeper: subprocess.Popen[bytes], station: subprocess.Popen[bytes]
) -> None:
    site.plant.travel_s = LONG_S  # it would be driven until somebody stopped it
    site.hold_card()
    keeper.kill()
    keeper.wait(WITHIN_S)
    until(lambda: site.plant.way == 0, "the motor is off")
    assert site.plant.place < 1
    site.plant.travel_s = QUICK_S
    until(lambda: "lid_unreachable" in site.faults(), "the station says that its lid does not answer")
    with site.start("lids"):
        until(lambda: site.plant.place == 0, "the lid was shut", COMMAND_WITHIN_S)
        until(lambda: site.faults() == set(), "the fault is over")
        site.hold_card()
        until(lambda: site.plant.place == 1, "the lid opens again")
    assert station.poll() is None
    assert not site.plant.both_were_high


def test_a_killed_keeper_does_not_shut_the_lid_on_what_is_in_its_way(
    site: Site, keeper: subprocess.Popen[bytes], station: subprocess.Popen[bytes]
) -> None:
    site.hold_card()
    until(lambda: site.plant.place == 1 and site.plant.way == 0, "the lid is open")
    site.plant.obstructed = True
    keeper.kill()
    site.release()
    with site.start("lids"):
        # How much the station makes of it depends on how long the keeper was away.
        until(
            lambda: {"lid_stuck_open"} <= site.faults() <= {"lid_stuck_open", "lid_forced"},
            "it is named",
            COMMAND_WITHIN_S,
        )
        named_at = time.monotonic()
        until(lambda: time.monotonic() > named_at + 1, "it had time to do harm")
        assert site.plant.place == 1
        site.plant.obstructed = False
        until(lambda: site.plant.place == 0, "it shuts once the way is free")
        until(lambda: site.faults() == set(), "the fault is over")
    assert station.poll() is None


def test_a_keeper_that_is_asked_to_end_shuts_its_lids_first(
    site: Site, keeper: subprocess.Popen[bytes], station: subprocess.Popen[bytes]
) -> None:
    site.hold_card()
    until(lambda: site.plant.place == 1, "the lid is open")
    keeper.terminate()
    assert keeper.wait(WITHIN_S) == 0
    assert (site.plant.place, site.plant.way) == (0, 0)
    assert not (site.runtime / "lids.sock").exists()
    assert station.poll() is None


def test_a_station_that_is_asked_to_end_leaves_its_lid_shut(
    site: Site, station: subprocess.Popen[bytes]
) -> None:
    site.hold_card()
    until(lambda: site.plant.place == 1, "the lid is open")
    station.terminate()
    assert station.wait(WITHIN_S) == 0
    until(lambda: site.plant.place == 0, "the lid is shut")
    assert not site.plant.both_were_high


def test_a_model_that_never_answers_keeps_no_lid_shut_and_is_a_fault(site: Site, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(SHIPPED_BUNDLE, bundle)
    put(bundle, endless(load_bundle().manifest.input.size))
    with site.config.open("a", encoding="utf-8") as config:
        config.write(f'[model]\nbundle = "{bundle}"\n')
    site.add_camera()
    site.init()
    with site.start("lids"), site.start("run") as station, site.start("eye") as eye:
        site.hold_card()
        until(lambda: site.faults() & {"model_failed", "model_refused"}, "the blind station says so")
        eye.terminate()
        assert eye.wait(WITHIN_S) == 0  # it is inside the model's loop, which must be left first
        assert station.poll() is None


# --- the guard of the motors ----------------------------------------------------------------------


def opening(site: Site) -> None:
    site.plant.travel_s = LONG_S
    site.hold_card()


def shutting(site: Site) -> None:
    site.hold_card()
    until(lambda: site.plant.place == 1, "the lid is open")
    site.plant.travel_s = LONG_S
    until(lambda: site.plant.way == -1, "it is driven shut")


def reversing(site: Site) -> None:
    shutting(site)
    until(lambda: site.plant.place < 1 - 2 / LONG_S, "it is two seconds away from its open switch")
    site.plant.obstructed = True
    until(lambda: site.plant.way == 1, "it is reversed")


@pytest.mark.parametrize("phase", [opening, shutting, reversing])
def test_a_keeper_that_hangs_drives_its_motor_no_longer_than_the_guard_lets_it(
    site: Site,
    keeper: subprocess.Popen[bytes],
    station: subprocess.Popen[bytes],
    phase: Callable[[Site], None],
) -> None:
    phase(site)
    place = site.plant.place
    hung_at = time.monotonic()
    keeper.send_signal(signal.SIGSTOP)
    until(lambda: site.plant.has_stopped, "the motor is off")
    assert site.plant.drives[-2].ended <= hung_at + HOLD_S + TOLERANCE_S
    assert 0 < site.plant.place < 1 or site.plant.place == place, "nothing but the guard stopped it"
    assert station.poll() is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_guard_that_dies_or_hangs_is_noticed_and_its_motor_stopped_by_the_keeper_which_ends(
    site: Site, keeper: subprocess.Popen[bytes], station: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    (guard,) = descendants(keeper.pid)
    opening(site)
    os.kill(guard, number)
    until(lambda: site.plant.way == 0, "the motor is off")
    assert keeper.wait(WITHIN_S) != 0, "so that its service begins again"
    assert not still_running([guard])
    assert station.poll() is None


def test_what_a_keeper_and_its_guard_that_die_together_leave_high_is_made_low_by_their_unit(
    site: Site, keeper: subprocess.Popen[bytes], station: subprocess.Popen[bytes]
) -> None:
    (guard,) = descendants(keeper.pid)
    opening(site)
    os.kill(guard, signal.SIGSTOP)
    keeper.kill()
    os.kill(guard, signal.SIGKILL)
    keeper.wait(WITHIN_S)
    assert site.plant.way == 1, "the kernel leaves the motor's pin as it was"
    site.release()
    assert site.plant.way == 0
    assert station.poll() is None
