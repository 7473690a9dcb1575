"""What a benchmark prints."""

from __future__ import annotations

import json

import pytest

from scripts.bench.machine import BUSY, CpuShares, between, moment
from scripts.bench.result import Result, busy_note, percentile, show, with_load

RESULT = Result(
    name="outbox",
    ours=800.0,
    limit=1000.0,
    ratio=0.8,
    peers={"sqlite-utils": 700.0},
    unit="events/s",
    details={"p99_ms": 1.25, "database": "sqlite"},
)


def test_as_json_it_is_one_line_with_the_keys_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    show(RESULT, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == ["name", "ours", "limit", "ratio", "peers", "unit", "details"]
    assert printed["ratio"] == 0.8


def test_as_a_table_it_names_every_figure_with_its_unit(capsys: pytest.CaptureFixture[str]) -> None:
    show(RESULT, as_json=False)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["outbox"]
    assert ["ours", "800", "events/s"] in lines
    assert ["peer", "sqlite-utils", "700", "events/s"] in lines
    assert ["p99", "ms", "1.25"] in lines


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 2.0), (0.75, 3.0), (0.99, 4.0), (1.0, 4.0)]
)
def test_a_percentile_is_one_of_the_values(share: float, expected: float) -> None:
    assert percentile([4.0, 2.0, 1.0, 3.0], share) == expected


BEFORE = "cpu  1000 0 500 8000 500 0 0 100 40 0\ncpu0 1 2 3\n"
AFTER = "cpu  1400 0 700 8300 500 0 0 200 90 0\ncpu0 1 2 3\n"
"""User, nice, system, idle, waiting for a disk, interrupts twice, stolen; guests are counted in user."""


def test_what_others_and_the_host_took_is_told_apart_from_what_a_benchmark_used() -> None:
    load = between(moment(BEFORE, 100, 5.0), moment(AFTER, 100, 7.0))
    assert load.others == pytest.approx((6 - 2) / 10)
    assert load.stolen == pytest.approx(1 / 10)
    assert load.is_busy


@pytest.mark.parametrize(("ours_s", "others"), [(11.0, 0.0), (4.0, 0.2)])
def test_a_share_is_never_below_nothing(ours_s: float, others: float) -> None:
    load = between(moment(BEFORE, 100, 5.0), moment(AFTER, 100, 5.0 + ours_s))
    assert load.others == pytest.approx(others)


def test_nothing_between_two_equal_moments_is_no_load() -> None:
    now = moment(BEFORE, 100, 5.0)
    assert not between(now, now).is_busy


def test_a_figure_of_a_busy_machine_says_so() -> None:
    busy, quiet = CpuShares(BUSY, 0.25), CpuShares(BUSY - 0.01, 0.0)
    details = with_load(RESULT, busy).details
    assert (details["p99_ms"], details["busy_machine"], details["stolen_cpu_share"]) == (1.25, True, 0.25)
    assert with_load(RESULT, quiet).details["busy_machine"] is False
    assert "others took 15% of its processors, its host 25%" in busy_note(busy)
