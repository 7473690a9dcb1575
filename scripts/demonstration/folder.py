"""The demo's folder and its ports."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.errors import InputError
from scripts.testbed.ports import LOOPBACK, free_ports


@dataclass(frozen=True, slots=True)
class Ports:
    """The demo's listeners, all on 127.0.0.1; 0 means none."""

    page: int
    """The demo's own page, with the panel in it."""
    ledger: int
    broker: int
    panel: int = 0
    link: int = 0
    """The network between station and broker that a visitor can pull."""

    @property
    def uplink(self) -> int:
        """The port at which the station reaches the broker."""
        return self.link or self.broker


@dataclass(frozen=True, slots=True)
class Folder:
    """The demo's folder: configuration, keys, journal, the ledger's database, logs."""

    root: Path

    @property
    def station_toml(self) -> Path:
        """The simulated station's configuration."""
        return self.root / "station.toml"

    @property
    def ledger_toml(self) -> Path:
        """The ledger's configuration."""
        return self.root / "ledger.toml"

    @property
    def firmware(self) -> Path:
        """The build folder of the firmware's host build."""
        return self.root / "firmware"

    @property
    def logs(self) -> Path:
        """The folder of logs, with a file for each process."""
        return self.root / "logs"

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep a second demo out of this folder for as long as this one runs."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(
                    f"another demo is running in {self.root}", "end it, or name another folder with --state"
                ) from None
            yield


def default_root() -> Path:
    """Return the default folder: it is kept, so that the next demo goes on from there."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "tongzhan" / "demo"


def ports_from(first: int) -> Ports:
    """Return five ports in a row; InputError names one that is taken."""
    ports = Ports(first, first + 1, first + 2, first + 3, first + 4)
    names = ("page", "ledger", "broker", "panel", "link")
    for what in names:
        _check_free(getattr(ports, what), what)
    return ports


def any_free_ports() -> Ports:
    """Return three free ports, for a demo without pages."""
    first = free_ports(3)
    return Ports(first, first + 1, first + 2)


def _check_free(port: int, what: str) -> None:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            why = "in use" if error.errno == errno.EADDRINUSE else "not yours to open"
            raise InputError(
                f"port {port} (the demo's {what}) is {why}",
                f"choose others with --port, as in --port {port + 100}",
            ) from None
