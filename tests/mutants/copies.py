"""Copies of the checkout in which one mutant after the other is tried."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.mutants.table import Mutant, mutate

_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_PASSED = re.compile(r"\b\d+ passed")


class Ending(StrEnum):
    """How an attempt ended."""

    KILLED = "killed"
    HUNG = "hung"
    """Its tests did not end within the limit: noticed, if slowly."""
    SURVIVED = "SURVIVED"
    SKIPPED = "SKIPPED"
    """No test ran: something that they need is not on this machine."""
    BROKEN = "BROKEN"
    """pytest could not run the tests: a mutant must change what code does, not keep it from loading."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended, the first test that noticed, and what pytest printed."""

    ending: Ending
    took_s: float
    by: str
    output: str


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of the working tree, used by one attempt at a time."""

    folder: Path

    @classmethod
    def of(cls, checkout: Path, folder: Path) -> Copy:
        """Copy what git knows or would know of; `.venv` is shared."""
        command = ["git", "-C", str(checkout), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
        for name in filter(None, listed.split("\0")):
            if (source := checkout / name).is_file():  # one that is deleted is listed, too
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        return cls(folder)

    def attempt(self, mutant: Mutant, limit_s: float) -> Outcome:
        """Run the mutant's tests with it, and put the file back."""
        file = self.folder / mutant.file
        sound = file.read_text(encoding="utf-8")
        file.write_text(mutate(sound, mutant), encoding="utf-8")
        try:
            return self.run(mutant.tests, limit_s)
        finally:
            file.write_text(sound, encoding="utf-8")

    def run(self, tests: Iterable[str], limit_s: float) -> Outcome:
        """Run these tests here until the first fails."""
        started = time.monotonic()
        # The checkout is installed in .venv: programs that tests start must find this copy before it.
        # Builds of a changed firmware must not push others out of the cache that all checkouts share.
        own = {"PYTHONPATH": str(self.folder), "XDG_CACHE_HOME": str(self.folder / ".cache")}
        command = [sys.executable, "-m", "pytest", "-n", "0", "-x", "-q", "--no-header", "--tb=short"]
        command += ["-m", "not full"]
        command += ["-p", "no:cacheprovider", "--hypothesis-profile=ci", *tests]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, **own, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            output, _ = process.communicate()
            return Outcome(Ending.HUNG, time.monotonic() - started, f"nothing within {limit_s:.0f} s", output)
        ending = _ending(process.returncode, output)
        by = _FAILED.search(output) if ending is Ending.KILLED else None
        return Outcome(ending, time.monotonic() - started, by[1] if by else "", output)


def _ending(status: int, output: str) -> Ending:
    if status == 1:
        return Ending.KILLED
    if status != 0:
        return Ending.BROKEN
    return Ending.SURVIVED if _PASSED.search(output) else Ending.SKIPPED
