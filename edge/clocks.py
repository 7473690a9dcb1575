"""Real time: the Pi's monotonic clock, and whether its calendar can be believed."""

from __future__ import annotations

import time
from pathlib import Path

from edge.ports import WallTime

_SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
_SYSTEMD = Path("/run/systemd/system")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
BUILT_S = 1_767_225_600.0
"""2026-01-01: a calendar before this has forgotten the year."""


class RealClock:
    """Implements `edge.ports.Clock` with the machine's own clocks."""

    def now(self) -> float:
        """Seconds of this boot, which no time server can step."""
        return time.monotonic()

    def wall(self) -> WallTime:
        """Calendar time; trusted once it was synchronised, or where systemd does not keep it."""
        unix_s = time.time()
        vouched = _SYNCHRONISED.exists() or not _SYSTEMD.exists()
        return WallTime(unix_s, trusted=vouched and unix_s > BUILT_S)


def boot_id() -> str:
    """The kernel's random name for this boot."""
    return _BOOT_ID.read_text(encoding="ascii").strip()
