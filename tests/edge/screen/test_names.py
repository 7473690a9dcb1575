"""A station's name on its screen."""

from __future__ import annotations

import pytest

from config.station import Devices, StationSection
from edge.screen.names import station_names


@pytest.mark.parametrize(
    ("given", "zh", "en"),
    [
        ({}, "Lotus lane · East gate", "Lotus lane · East gate"),
        ({"name_zh": "东门桶站"}, "Lotus lane · 东门桶站", "Lotus lane · East gate"),
        (
            {"name_zh": "东门桶站", "name_en": "The Gate", "community_zh": "荷花里", "community_en": "Lotus"},
            "荷花里 · 东门桶站",
            "Lotus · The Gate",
        ),
        ({"name_en": "The Gate"}, "Lotus lane · The Gate", "Lotus lane · The Gate"),
    ],
)
def test_what_the_settings_do_not_name_is_made_from_the_slug(given: dict[str, str], zh: str, en: str) -> None:
    section = StationSection(
        community="lotus-lane",
        name="east-gate",
        devices=Devices.SIMULATED,
        state_dir="s",
        runtime_dir="r",
        **given,  # type: ignore[arg-type]
    )
    names = station_names(section)
    assert (names.zh, names.en) == (zh, en)
