"""What a station says of its installation."""

from __future__ import annotations

from pathlib import Path

from config.station import ModelSection
from edge.ports import WallTime
from edge.sync.self_report import SelfReport, fixed_facts
from models.bundle import load_title


class Calendar:
    """A clock that shows one moment."""

    def now(self) -> float:
        return 0.0

    def wall(self) -> WallTime:
        return WallTime(1_800_000_000.04, trusted=False)


def test_a_station_says_its_model_its_version_and_its_calendar() -> None:
    state = SelfReport(Calendar(), fixed_facts(7, ModelSection())).online(1)
    assert (state.start, state.model, list(state.versions)) == (7, load_title(), ["software"])
    assert state.wall_s == 1_800_000_000.0


def test_a_bundle_that_cannot_be_read_has_no_title(tmp_path: Path) -> None:
    assert fixed_facts(1, ModelSection(bundle=str(tmp_path))).model is None
