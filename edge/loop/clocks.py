"""Real time: the Pi's monotonic clock, and whether its calendar is trusted."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from pathlib import Path

from edge.ports import WallTime

_SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd makes this file for the rest of the boot; other time services make none."""
_OUT_OF_STEP_US = 16_000_000
"""The kernel's largest error (NTP_PHASE_LIMIT): the clock was never set, or not for 9 hours."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
BUILT_S = 1_767_225_600.0
"""2026-01-01: a calendar before this is wrong."""


class _Timex(ctypes.Structure):
    """The beginning of the kernel's `struct timex` (adjtimex(2)), with room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def kernel_error_us() -> int | None:
    """Return the kernel's bound of its clock's error, in microseconds; None if it gives none."""
    timex = _Timex()  # modes 0: nothing is set
    libc = ctypes.CDLL(None, use_errno=True)
    return int(timex.maxerror) if libc.adjtimex(ctypes.byref(timex)) >= 0 else None


class RealClock:
    """Implements `edge.ports.Clock` with the machine's own clocks."""

    def __init__(
        self, error_us: Callable[[], int | None] = kernel_error_us, synchronised: Path = _SYNCHRONISED
    ) -> None:
        """Ask `error_us` whether a service keeps the time: chrony, ntpd, gpsd and timesyncd tell the kernel.

        systemd uses the same test, and not STA_UNSYNC (src/basic/time-util.c).
        """
        self._error_us, self._synchronised = error_us, synchronised
        self._was_in_step = False

    def now(self) -> float:
        """Return the seconds of this boot, which no time server can step."""
        return time.monotonic()

    def wall(self) -> WallTime:
        """Return calendar time; trusted once it was set: after a week offline it is off by half a minute."""
        unix_s = time.time()
        if not self._was_in_step:
            error_us = self._error_us()
            is_kept = error_us is not None and error_us < _OUT_OF_STEP_US
            self._was_in_step = is_kept or self._synchronised.exists()
        return WallTime(unix_s, trusted=self._was_in_step and unix_s > BUILT_S)


def uptime_s() -> float:
    """Return the seconds since this machine's boot, suspended time included; no time server can step them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Return the kernel's random name for this boot."""
    return _BOOT_ID.read_text(encoding="ascii").strip()
