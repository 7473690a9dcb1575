from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator

import pytest

from config.process.logs import ZonedFormatter


@pytest.fixture
def zones(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Give a function that puts this process into a zone; it is back in its own afterwards."""

    def enter(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield enter
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("zone", "offset"), [("Asia/Shanghai", "+08:00"), ("UTC", "+00:00")])
def test_a_log_line_has_its_times_zone(zones: Callable[[str], None], zone: str, offset: str) -> None:
    zones(zone)
    record = logging.LogRecord("x", logging.INFO, "", 0, "hello", None, None)
    line = ZonedFormatter("%(asctime)s %(message)s").format(record)
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{{3}}{re.escape(offset)} hello", line)
