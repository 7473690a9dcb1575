from __future__ import annotations

import pytest

from cloud_sync.wire import topics


def test_a_topic_names_its_station() -> None:
    assert topics.station_of(topics.events("lane", "gate")) == ("lane", "gate")


@pytest.mark.parametrize(
    "topic", ["tz/1/x//events", "tz/1//x/events", "tz/2/a/b/events", f"tz/1/a/{'b' * 30_000}/events", ""]
)
def test_the_error_for_a_topic_without_a_station_is_short(topic: str) -> None:
    with pytest.raises(ValueError, match="names no station") as caught:
        topics.station_of(topic)
    assert len(str(caught.value)) < 120
