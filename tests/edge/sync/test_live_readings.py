"""What the sync process reads of the station's live state."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cloud_sync.wire.station_state import DoorReading, TemperatureReading
from edge.ports import WallTime
from edge.screen.state import STATE_FILE, STATE_STALE_S, LiveFolder
from edge.sync.live_readings import NOTHING, live_readings
from tests.edge.panel.scenes import NOW, live

READINGS = (TemperatureReading("mcu", 31.5, 10.0), DoorReading("mcu", is_open=False, age_s=0.0))


class Calendar:
    """A clock that shows the Unix time that a test gives it."""

    def __init__(self, unix_s: float) -> None:
        self.unix_s = unix_s

    def now(self) -> float:
        return 0.0

    def wall(self) -> WallTime:
        return WallTime(self.unix_s, trusted=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    LiveFolder(tmp_path).write_state(msgspec.structs.replace(live(), readings=READINGS))
    return tmp_path


def test_readings_have_grown_older_since_they_were_written(folder: Path) -> None:
    assert live_readings(folder, Calendar(NOW + 2)).readings == (
        TemperatureReading("mcu", 31.5, 12.0),
        DoorReading("mcu", is_open=False, age_s=2.0),
    )


def test_bins_are_told_with_whether_they_are_full(folder: Path) -> None:
    bins = live_readings(folder, Calendar(NOW + 2)).bins
    assert [(each.id, each.full) for each in bins] == [(each.id, each.full) for each in live().bins]


@pytest.mark.parametrize("off_s", [STATE_STALE_S + 0.1, -STATE_STALE_S - 0.1])
def test_a_station_that_does_not_run_measures_nothing(folder: Path, off_s: float) -> None:
    assert live_readings(folder, Calendar(NOW + off_s)) == NOTHING


def test_a_station_that_never_ran_measures_nothing(tmp_path: Path) -> None:
    assert live_readings(tmp_path / "run", Calendar(NOW)) == NOTHING


@pytest.mark.parametrize("raw", [b"", b"{", b'{"written_s":1800000000.0,"readings":[{"kind":"door"}]}'])
def test_a_state_that_cannot_be_read_gives_no_readings(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / STATE_FILE).write_bytes(raw)
    assert live_readings(tmp_path, Calendar(NOW)) == NOTHING
