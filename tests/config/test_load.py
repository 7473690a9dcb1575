"""Tables whose keys are free, as rules and words have them: the key at fault is named too."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cloud_sync.rules.award_rules import AwardRules
from config.errors import InputError
from config.reading.load import convert


def rules(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 (TOML is any of its types)
    """Give the plain data of award rules, with changes at keys whose dots are written as `__`."""
    data: dict[str, Any] = {
        "version": 1,
        "right": {"recyclable": 2, "kitchen": 2, "hazardous": 5, "other": 1},
        "points": {"neutral": 1, "wrong": 0},
        "daily": {"points": 30, "deposits": 12},
    }
    for path, value in changes.items():
        *way, last = path.split("__")
        inner = data
        for part in way:
            inner = inner[part]
        inner[last] = value
    return data


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (rules(right__other="one"), "right.other: expected `int`, got `str`, found 'one'; mend the value"),
        (rules(right__other=-1), "right.other: expected `int` >= 0, found -1; mend the value"),
        (rules(right__glass=1), "right: invalid enum value 'glass'; mend the key"),
        (rules(right=3), "right: expected `object`, got `int`, found 3; mend the value"),
        (rules(daily__points=10_001), "daily.points: expected `int` <= 10000, found 10001; mend the value"),
        (rules(daily__weekly=1), "unknown key daily.weekly; known here: points, deposits"),
        (rules(right={"kitchen": 1}), "the file: right: no points for recyclable, hazardous, other"),
    ],
)
def test_the_whole_key_is_named(data: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        convert(data, AwardRules, "rules.toml")
    assert str(caught.value).startswith(f"rules.toml: {told}")
    assert "\n" not in str(caught.value)


class _Inner(msgspec.Struct, forbid_unknown_fields=True):
    size: int


class _Outer(msgspec.Struct, forbid_unknown_fields=True):
    shelf: dict[str, dict[str, _Inner]]
    row: list[dict[str, _Inner]] = []


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"shelf": {"a": {"x": {"size": 1}}, "b": {"y": {"size": "z"}}}}, "shelf.b.y.size: expected `int`"),
        ({"shelf": {"a": {"x": {"size": 1, "seize": 1}}}}, "unknown key shelf.a.x.seize; did you mean size?"),
        ({"shelf": {}, "row": [{}, {"q": {}}]}, "missing key row[1].q.size; add it"),
    ],
)
def test_tables_within_tables_are_named_all_the_way(data: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        convert(data, _Outer, "file.toml")
    assert str(caught.value).startswith(f"file.toml: {told}")


def test_an_input_error_is_what_and_mend_in_one_line() -> None:
    error = InputError("no file a.toml", "create it")
    assert (error.what, error.mend, str(error)) == (
        "no file a.toml",
        "create it",
        "no file a.toml; create it",
    )
