"""Log lines with the time zone: services on one machine may use different ones."""

from __future__ import annotations

import logging
from datetime import datetime


class ZonedFormatter(logging.Formatter):
    """Formats times as 2026-11-20 12:00:00.123+08:00, in the zone of the process."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 (logging's own)
        """Return a record's local time with its offset from UTC."""
        moment = datetime.fromtimestamp(record.created).astimezone()
        return moment.strftime(datefmt) if datefmt else moment.isoformat(" ", "milliseconds")


def start_log(line: str, level: int = logging.INFO) -> None:
    """Log to stderr, where the service manager keeps it; `line` is logging's format of a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(ZonedFormatter(line))
    logging.basicConfig(level=level, handlers=[handler])
