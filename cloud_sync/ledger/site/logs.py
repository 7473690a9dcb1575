"""The ledger's log: never shows a statement's URL, which is its key, and cannot be flooded by strangers.

Django logs the path of each request that it refuses. Here such a line shows the URL's pattern instead, and
equal lines are written at most once in ALIKE_S, with their count. Anything else that looks like a
statement's token is removed from every line, tracebacks included.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from config.process.logs import ZonedFormatter

ALIKE_S = 60.0
"""Equal lines about requests are written once in this time."""
MOST_KINDS = 256
"""Different lines that are remembered; when there are more, all are forgotten."""
SERVER_ERROR = 500
BLOT = "…"

_TOKEN = re.compile(r"[\w-]+(?::|%(?:25)*3a)[\w-]+(?::|%(?:25)*3a)[\w-]{20,}", re.IGNORECASE | re.ASCII)
"""Payload, time and signature as django.core.signing joins them; the colons may be percent-encoded."""
_ADDRESS = re.compile(r"(statement(?:/|\\|%(?:25)*2f)+)[^\s'\"<>?]+", re.IGNORECASE)


def discreet(text: str) -> str:
    """Remove everything that may be a statement's token."""
    return _TOKEN.sub(BLOT, _ADDRESS.sub(rf"\1{BLOT}", text))


class DiscreetFormatter(ZonedFormatter):
    """Formats as usual, and removes tokens."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record, its traceback included."""
        return discreet(super().format(record))


@dataclass(slots=True)
class _Kind:
    written_at: float
    beside: int = 0


class RequestFilter(logging.Filter):
    """Rewrites Django's lines about requests; `now` gives monotonic seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._kinds: dict[str, _Kind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a record through if it is not about a request, or is the first of its kind for a while."""
        request = getattr(record, "request", None)
        if request is None:
            return True
        status = getattr(record, "status_code", None)
        if not isinstance(status, int) or status < SERVER_ERROR:
            record.exc_info = None  # a bad request is not a fault of the code
        said = f"{status} for {request.method} {_route(request)}{_raised(record)}"
        beside = self._beside(said)
        if beside is None:
            return False
        more = f"; {beside} more since the last such line" if beside else ""
        record.msg, record.args = "%s%s", (said, more)
        return True

    def _beside(self, said: str) -> int | None:
        """Return how many equal lines were suppressed since the last one; None to suppress this one too."""
        now = self._now()
        kind = self._kinds.get(said)
        if kind is not None and now < kind.written_at + ALIKE_S:
            kind.beside += 1
            return None
        if len(self._kinds) >= MOST_KINDS:
            self._kinds.clear()
        self._kinds[said] = _Kind(now)
        return 0 if kind is None else kind.beside


def _route(request: object) -> str:
    """Return the pattern of the requested URL, nothing of the URL itself."""
    match = getattr(request, "resolver_match", None)
    return "an unknown address" if match is None else f"/{match.route}"


def _raised(record: logging.LogRecord) -> str:
    return f" ({record.exc_info[0].__name__})" if record.exc_info and record.exc_info[0] else ""


def start_log() -> None:
    """Log to stderr, one line an event; the service manager keeps it."""
    handler = logging.StreamHandler()
    handler.setFormatter(DiscreetFormatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(RequestFilter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
