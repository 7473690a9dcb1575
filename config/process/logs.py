"""Log lines that say in which zone their time is: a machine's services may keep different ones."""

from __future__ import annotations

import logging
from datetime import datetime


class ZonedFormatter(logging.Formatter):
    """Formats times as 2026-11-20 12:00:00.123+08:00, in the zone of the process."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 (logging's own)
        """Give a record's local time and its distance from UTC."""
        moment = datetime.fromtimestamp(record.created).astimezone()
        return moment.strftime(datefmt) if datefmt else moment.isoformat(" ", "milliseconds")


def start_log(line: str, level: int = logging.INFO) -> None:
    """Write one line an event on stderr, where the service manager keeps it; `line` as logging formats it."""
    handler = logging.StreamHandler()
    handler.setFormatter(ZonedFormatter(line))
    logging.basicConfig(level=level, handlers=[handler])
