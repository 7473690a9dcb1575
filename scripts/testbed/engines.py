"""Our own broker and database, which can be started and killed at any time."""

from __future__ import annotations

import os
import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from config.errors import InputError
from scripts.testbed.postgres import Postgres, find_programs, within_reach
from scripts.testbed.processes import Crew

BROKER, DATABASE = "broker", "database"
LOOPBACK = "127.0.0.1"

_IOTCORE = "import sys; from iotcore import Broker; Broker(int(sys.argv[1]), '127.0.0.1').run_forever()"
_MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
max_queued_messages 0
max_inflight_messages 1024
set_tcp_nodelay true
persistence true
persistence_location {folder}/
"""


class Tier(StrEnum):
    """Which broker with which database."""

    LAPTOP = "iotcore-sqlite"
    TOWN = "mosquitto-postgres"


class Engine(Protocol):
    """A broker and a database in a folder of their own."""

    @property
    def processes(self) -> tuple[str, ...]:
        """The processes of broker and database, in the order of their start."""
        ...

    @property
    def database(self) -> str:
        """The value of `database` in ledger.toml."""
        ...

    def make(self) -> None:
        """Write the files that the processes need at their first start."""
        ...

    def start(self, name: str, crew: Crew) -> None:
        """Start one of `processes`."""
        ...

    def answers(self) -> bool:
        """Return whether the database can be used now."""
        ...

    def prepare(self) -> None:
        """Make the empty database, once it answers; `tongzhan ledger init` follows."""
        ...

    def guard(self) -> None:
        """Configure the broker as an operator does, after the stations were admitted; then it may start."""
        ...

    def login(self, station: str | None) -> str:
        """Broker settings other than host and port, for a station's TOML, or with None the ledger's."""
        ...


class _Open:
    """A broker on loopback that needs no password."""

    def guard(self) -> None:
        """Do nothing."""

    def login(self, station: str | None) -> str:
        """Return nothing: no password is needed."""
        del station
        return ""


class LaptopEngine(_Open):
    """iotcore and a SQLite file."""

    processes = (BROKER,)

    def __init__(self, folder: Path, broker_port: int) -> None:
        self.database = str(folder / "ledger.sqlite3")
        self._port = broker_port

    def make(self) -> None:
        """Do nothing: `tongzhan ledger init` makes the file."""

    def start(self, name: str, crew: Crew) -> None:
        """Start the broker, which forgets everything when it ends."""
        crew.launch(name, [sys.executable, "-c", _IOTCORE, str(self._port)])

    def answers(self) -> bool:
        """Return True: a file always answers."""
        return True

    def prepare(self) -> None:
        """Do nothing, as `make`."""


class TownEngine(_Open):
    """mosquitto and PostgreSQL."""

    processes = (BROKER, DATABASE)

    def __init__(self, folder: Path, broker_port: int, database_port: int) -> None:
        mosquitto = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if mosquitto is None:
            raise InputError("this engine needs mosquitto", "sudo apt-get install mosquitto")
        self._mosquitto, self._port = mosquitto, broker_port
        self._folder = folder
        self._postgres = Postgres(within_reach(find_programs(), folder), folder / "postgres", database_port)
        self.database = self._postgres.url
        # The backup's programs must have the server's version, and are found through PATH.
        os.environ["PATH"] = f"{self._postgres.programs}:{os.environ.get('PATH', '')}"

    def make(self) -> None:
        """Write the broker's configuration and make the server's folder."""
        place = self._folder / "mosquitto"
        place.mkdir()
        place.chmod(0o777)  # started by root, mosquitto runs as its own user
        text = _MOSQUITTO.format(port=self._port, folder=place)
        (self._folder / "mosquitto.conf").write_text(text, encoding="utf-8")
        self._postgres.make()

    def start(self, name: str, crew: Crew) -> None:
        """Start broker or database."""
        if name == BROKER:
            crew.launch(name, [self._mosquitto, "-c", str(self.conf)])
        else:
            crew.launch(name, self._postgres.command, user=self._postgres.user)

    @property
    def conf(self) -> Path:
        """Return mosquitto's command line."""
        return self._folder / "mosquitto.conf"

    def answers(self) -> bool:
        """Whether the server takes connections."""
        return self._postgres.answers()

    def prepare(self) -> None:
        """Make the empty database, once the server answers."""
        self._postgres.create()
