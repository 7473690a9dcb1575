"""What a benchmark prints."""

from __future__ import annotations

import json

import pytest

from scripts.bench.result import Result, percentile, show

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
