"""A device under test: a program with a pty, driven as docs/protocol.md, "Test rig", says."""

from __future__ import annotations

import select
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import pytest

from tests.programs import TWIN

ANSWER_S = 60.0


def twin(*options: str) -> Device:
    """A microcontroller's twin."""
    return Device([*TWIN, *options])


class Device:
    """The program; `path` is its pty."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.path = self._line()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            status = self._process.wait(ANSWER_S)
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
        assert status == 0 or kind is not None, f"the device ended with {status}"

    def do(self, line: str) -> str:
        """Send the rig a line; return its answer. An error fails the test."""
        answer = self.try_to(line)
        assert not answer.startswith("error"), f"{line}: {answer}"
        return answer

    def try_to(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        return self._line()

    def lid(self, number: int) -> tuple[int, str]:
        """Return a lid's position, 0 to 1000, and its motor's drive: off, open or shut."""
        word, lid, place, drive = self.do(f"lid {number}").split()
        assert (word, lid) == ("lid", str(number))
        return int(place), drive

    def _line(self) -> str:
        out = self._process.stdout
        assert out is not None
        readable, _, _ = select.select([out], [], [], ANSWER_S)
        assert readable, "the device says nothing"
        line = out.readline()
        assert line.endswith(b"\n"), f"the device ended with {self._process.poll()}"
        return line.decode().strip()


FULL = pytest.mark.full
HOST_DAILY = ("host", pytest.param("twin", marks=FULL), pytest.param("board", marks=FULL))
"""Devices of a test that takes seconds: each day it runs on one of them."""
ALL_DAILY = ("twin", "host", "board")
"""Devices of a test that also runs on the simulated chip every day."""
