"""Who keeps the time is the kernel's to say, whatever program told it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.loop.clocks import RealClock, kernel_error_us

OUT_OF_STEP_US = 16_000_000


@pytest.fixture
def timesyncd(tmp_path: Path) -> Path:
    """Give the file by which timesyncd says that it set the clock; it is not there."""
    return tmp_path / "synchronized"


@pytest.mark.parametrize(
    ("error_us", "trusted"),
    [(0, True), (OUT_OF_STEP_US - 1, True), (OUT_OF_STEP_US, False), (None, False)],
)
def test_a_calendar_is_trusted_when_the_kernel_says_that_somebody_keeps_it(
    timesyncd: Path, error_us: int | None, *, trusted: bool
) -> None:
    assert RealClock(lambda: error_us, timesyncd).wall().trusted is trusted


def test_what_timesyncd_leaves_counts_for_a_station_that_starts_after_hours_offline(
    timesyncd: Path,
) -> None:
    timesyncd.touch()
    assert RealClock(lambda: OUT_OF_STEP_US, timesyncd).wall().trusted


def test_a_clock_that_was_in_step_stays_trusted_while_the_network_is_away(timesyncd: Path) -> None:
    said = [0, OUT_OF_STEP_US]
    clock = RealClock(lambda: said.pop(0), timesyncd)
    assert clock.wall().trusted
    assert clock.wall().trusted


def test_a_calendar_of_before_this_software_is_never_trusted(
    timesyncd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 86_400.0)
    assert not RealClock(lambda: 0, timesyncd).wall().trusted


def test_this_machines_kernel_answers() -> None:
    error_us = kernel_error_us()
    assert error_us is not None
    assert 0 <= error_us <= OUT_OF_STEP_US
