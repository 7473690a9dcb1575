"""Our commands as processes of their own, and what is left of processes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

TONGZHAN = [sys.executable, "-c", "from scripts.cli import main; main()"]
"""The command line of this checkout, installed or not."""
TWIN = [sys.executable, "-m", "firmware_bridge.twin"]
"""A microcontroller's twin."""


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, from /proc."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended meanwhile
                continue
            parents[int(entry.name)] = int(fields[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def still_running(pids: Iterable[int]) -> list[int]:
    """Those of some processes that still are there."""
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]
