"""A pure test starts nothing that runs beside it, opens no socket, and neither reads the clock nor waits.

A plugin, loaded by tests/conftest.py. It refuses these while a pure test runs, its fixtures included: there
nothing is tried again, so that nothing may depend on what else the machine does.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest

from tests.running.stages import QUICK_PROGRAMS, Stage, stage_of

REFUSED: tuple[tuple[object, str, str], ...] = (
    (threading.Thread, "start", "starts a thread"),
    (socket.socket, "bind", "opens a socket"),
    (socket.socket, "connect", "opens a socket"),
    (time, "sleep", "waits"),
)
CLOCKS = ".".join(("edge", "loop", "clocks"))  # noqa: FLY002 (in parts)
"""In parts: by an import, or by its name in a text, a change of that module would touch every test."""
PROGRAMS: tuple[tuple[object, str, str], ...] = ((subprocess.Popen, "__init__", "starts a program"),)


class Purity:
    """Fails a pure test that is none."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Refuse it to the fixtures that a pure test asks for."""
        with _refusing(item):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Refuse it to the test itself. Its teardown may be the last, which also ends a session's servers."""
        with _refusing(item):
            return (yield)


@contextmanager
def _refusing(item: pytest.Item) -> Iterator[None]:
    if stage_of(item.nodeid) is not Stage.PURE:
        yield
        return
    quick = item.nodeid.startswith(QUICK_PROGRAMS)
    with pytest.MonkeyPatch.context() as patch:
        for owner, name, does in REFUSED if quick else REFUSED + PROGRAMS:
            patch.setattr(owner, name, _refusal(does))
        if (clocks := sys.modules.get(CLOCKS)) is not None:
            for name in ("now", "wall"):
                patch.setattr(clocks.RealClock, name, _refusal("reads the real clock"))
        yield


def _refusal(does: str) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        # Not an Exception, which the code under test might catch.
        pytest.fail(f"a pure test {does}: name its file in tests/running/stages.py")

    return refuse
