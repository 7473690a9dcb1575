"""Child processes by name, with their logs in files, ended together."""

from __future__ import annotations

import logging
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from config.process.threads import thread

log = logging.getLogger(__name__)

Popen = subprocess.Popen[bytes]

TONGZHAN = (sys.executable, "-c", "from scripts.cli import main; main()")
"""The command line that runs `tongzhan` with our own interpreter."""
END_S = 10.0
"""Timeout after SIGTERM before SIGKILL."""


class Crew:
    """Processes of ours, by name."""

    def __init__(self, logs: Path) -> None:
        """Keep each process's output in `logs`/NAME.log."""
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._starter = _Starter()

    def start(self, name: str, arguments: Sequence[str]) -> None:
        """Start `tongzhan ARGUMENTS…` in a session of its own, so that Ctrl-C reaches only us."""
        self.launch(name, [*TONGZHAN, *arguments])

    def launch(
        self, name: str, command: Sequence[str], pass_fds: Collection[int] = (), user: int | None = None
    ) -> None:
        """Start any command in the same way; as another `user` if the program refuses to run as root."""
        with (self._logs / f"{name}.log").open("ab") as output:
            self._running[name] = self._starter.do(
                lambda: subprocess.Popen(  # noqa: S603 (our own commands, no shell)
                    [*_dies_with_us(), *command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=pass_fds,
                    user=user,
                    group=user,
                    extra_groups=None if user is None else [],
                )
            )

    def converse(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a command that we talk to: its input and output are pipes, its errors go to its log.

        Its input ends however we end, SIGKILL too, and with that a program that heeds it.
        """
        with (self._logs / f"{name}.log").open("ab") as complaints:
            process = subprocess.Popen(  # noqa: S603 (our own commands, no shell)
                [*_dies_with_us(), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,
            )
        self._running[name] = process
        return process

    def pid(self, name: str) -> int | None:
        """Return the process's id while it runs, else None."""
        process = self._running.get(name)
        return process.pid if process is not None and process.poll() is None else None

    def kill(self, name: str) -> None:
        """Kill a process with SIGKILL, as a power cut would; does nothing if it does not run."""
        if (process := self._running.pop(name, None)) is not None:
            process.kill()
            process.wait()

    def forget(self, name: str) -> bool:
        """Drop a process that ended by itself; return whether there was one."""
        return self._running.pop(name, None) is not None

    def end_these(self, names: Sequence[str]) -> None:
        """Ask processes to finish, then kill those that do not; unknown names are ignored."""
        ending = {name: self._running.pop(name) for name in names if name in self._running}
        for process in ending.values():
            _ask(process)
        for name, process in ending.items():
            _make_sure(name, process)

    def fallen(self) -> str | None:
        """Name a process that ended by itself, and its log; None while all run."""
        for name, process in list(self._running.items()):  # another thread may change the dictionary
            if process.poll() is not None:
                return f"{name} ended with status {process.returncode}; see {self._logs / name}.log"
        return None

    def end(self) -> None:
        """Ask every process to finish, then make sure that it has."""
        self.end_these(list(self._running))


class _Starter:
    """Starts processes on a thread that lives as long as this program.

    The kernel's parent-death signal comes when the *thread* that started a child ends, not the process.
    """

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[tuple[Callable[[], Popen], Future[Popen]]] = queue.SimpleQueue()
        self._is_running = False
        self._lock = threading.Lock()

    def do(self, start: Callable[[], Popen]) -> Popen:
        """Start a process: on the main thread, which ends last, if called there, else on our own thread."""
        if threading.current_thread() is threading.main_thread():
            return start()
        with self._lock:
            if not self._is_running:
                thread(self._run, "starter").start()
                self._is_running = True
        started: Future[Popen] = Future()
        self._asked.put((start, started))
        return started.result()

    def _run(self) -> None:
        while True:
            start, started = self._asked.get()
            try:
                started.set_result(start())
            except OSError as error:
                started.set_exception(error)


def _ask(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)


def _make_sure(name: str, process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        log.warning("%s did not finish in %.0f s and was killed", name, END_S)
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _dies_with_us() -> list[str]:
    """Have the kernel end the child if we are killed, where util-linux can ask for that."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


@contextmanager
def crew(logs: Path) -> Iterator[Crew]:
    """Make a crew whose processes end in any case."""
    ours = Crew(logs)
    try:
        yield ours
    finally:
        ours.end()
