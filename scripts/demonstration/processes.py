"""The demo's other processes: started with their logs in files, and surely ended."""

from __future__ import annotations

import logging
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

_TONGZHAN = "from scripts.cli import main; main()"
END_S = 10.0
"""How long a process may take to finish what it has in hand."""


class Crew:
    """Processes of ours, by name."""

    def __init__(self, logs: Path) -> None:
        """Keep each process's output in `logs`/NAME.log."""
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, arguments: Sequence[str]) -> None:
        """Start `tongzhan ARGUMENTS…` in a session of its own, so that Ctrl-C reaches only the demo."""
        command = [*_dies_with_us(), sys.executable, "-c", _TONGZHAN, *arguments]
        with (self._logs / f"{name}.log").open("ab") as output:
            self._running[name] = subprocess.Popen(  # noqa: S603 (our own command, no shell)
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def fallen(self) -> str | None:
        """Name a process that ended by itself, with its log; None while all run."""
        for name, process in self._running.items():
            if process.poll() is not None:
                return f"{name} ended with status {process.returncode}; see {self._logs / name}.log"
        return None

    def end(self) -> None:
        """Ask every process to finish, then make sure that it has."""
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for name, process in self._running.items():
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                log.warning("%s did not finish in %.0f s and was killed", name, END_S)
                process.kill()
                process.wait()
        self._running.clear()


def _dies_with_us() -> list[str]:
    """Have the kernel end the child if the demo itself is killed, where util-linux can ask for that."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


@contextmanager
def crew(logs: Path) -> Iterator[Crew]:
    """A crew that is ended whatever happens."""
    ours = Crew(logs)
    try:
        yield ours
    finally:
        ours.end()
