"""How slow this machine is just now, so that tests wait longer where everything takes longer."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

REFERENCE_S = 0.12
"""What WORK takes on an idle core of the machine on which the tests' limits were chosen."""
MOST = 4.0
"""Beyond it a limit would tell of a hung test too late to be of use."""
WORK = "sum(range(4_000_000))"
ROUNDS = 5


def measure_patience() -> float:
    """Time a small program; 1.0 on a machine of ordinary speed, up to MOST on a slower or busier one."""
    return factor([_timed() for _ in range(ROUNDS)])


def factor(seconds: list[float]) -> float:
    """Turn the times that WORK took into how much longer tests wait."""
    return round(min(MOST, max(1.0, median(seconds) / REFERENCE_S)), 1)


def _timed() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", WORK], check=True)
    return time.perf_counter() - begun
