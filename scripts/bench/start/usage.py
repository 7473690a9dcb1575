"""A process's resources as the kernel counts them: memory from smaps_rollup, processor time from stat."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

PROC = Path("/proc")
_UTIME, _STIME = 11, 12
"""Fields after the name in /proc/PID/stat, proc(5)."""


class Usage(msgspec.Struct, frozen=True):
    """One process at one moment."""

    rss_mb: float
    """Memory in use; pages shared with other processes count in full."""
    pss_mb: float
    """Memory in use; a shared page is divided by the number of processes that share it."""
    cpu_s: float
    """Processor time since its start, without that of its children."""


def usage(pid: int, proc: Path = PROC) -> Usage:
    """Read a process's figures; OSError if it has ended or may not be read."""
    rollup = (proc / str(pid) / "smaps_rollup").read_text(encoding="ascii")
    lines = (line.partition(":") for line in rollup.splitlines()[1:])
    figures = {name: rest.split()[0] for name, _, rest in lines}
    # The name stands in parentheses and may hold spaces and parentheses itself.
    stat = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    ticks = int(stat[_UTIME]) + int(stat[_STIME])
    return Usage(_mb(figures["Rss"]), _mb(figures["Pss"]), ticks / os.sysconf("SC_CLK_TCK"))


def _mb(kibibytes: str) -> float:
    return int(kibibytes) * 1024 / 1e6
