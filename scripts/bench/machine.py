"""Processor time that other processes and the virtual machine's host took during a benchmark."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import msgspec

STAT = Path("/proc/stat")
BUSY = 0.15
"""At this share of all processors or more, the machine counts as busy."""
_IDLE, _IOWAIT, _STEAL, _COUNTED = 3, 4, 7, 8
"""Fields of a line of /proc/stat, proc(5); later fields are already included in these."""


class CpuTimes(msgspec.Struct, frozen=True):
    """Seconds of processor time so far, over all processors since the machine started."""

    total_s: float
    idle_s: float
    stolen_s: float
    ours_s: float
    """That of this process and of the children that it has waited for."""


class CpuShares(msgspec.Struct, frozen=True):
    """A machine's load between two moments, as shares of all its processors' time."""

    others: float
    """That of other processes."""
    stolen: float
    """That of other guests on the virtual machine's host."""

    @property
    def is_busy(self) -> bool:
        """Whether others affect the times measured meanwhile."""
        return self.others + self.stolen > BUSY


def now() -> CpuTimes:
    """Read the processor times now."""
    return moment(STAT.read_text(encoding="ascii"), os.sysconf("SC_CLK_TCK"), _ours_s())


def moment(stat: str, ticks_a_second: int, ours_s: float) -> CpuTimes:
    """Read /proc/stat."""
    spent = [int(ticks) / ticks_a_second for ticks in stat.splitlines()[0].split()[1 : 1 + _COUNTED]]
    return CpuTimes(sum(spent), spent[_IDLE] + spent[_IOWAIT], spent[_STEAL], ours_s)


def between(before: CpuTimes, after: CpuTimes) -> CpuShares:
    """Return what others took from `before` to `after`."""
    total = after.total_s - before.total_s
    if total <= 0.0:
        return CpuShares(0.0, 0.0)
    stolen = after.stolen_s - before.stolen_s
    working = total - (after.idle_s - before.idle_s) - stolen
    others = working - (after.ours_s - before.ours_s)
    return CpuShares(min(1.0, max(0.0, others / total)), min(1.0, max(0.0, stolen / total)))


def _ours_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
