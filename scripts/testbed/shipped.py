"""mosquitto as `tongzhan ledger broker` configures it, with PostgreSQL: the shipped configuration."""

from __future__ import annotations

import getpass
import os
import subprocess
from pathlib import Path

from cloud_sync.ledger.broker.users import station_user
from config.errors import InputError
from scripts.demonstration.folder import Ports
from scripts.demonstration.town import COMMUNITY, ledger_toml
from scripts.testbed.engines import TownEngine
from scripts.testbed.processes import TONGZHAN

GUARD_S = 240.0
"""Timeout of the command that writes the broker's configuration, on a busy machine."""


class ShippedTownEngine(TownEngine):
    """A broker with TLS only, and a password and rights for each station and the ledger."""

    def __init__(self, folder: Path, ports: tuple[int, int], pages_port: int, database_port: int) -> None:
        """Take the broker's `ports`, for stations and for the ledger."""
        super().__init__(folder, ports[1], database_port)
        self._ports, self._pages_port = ports, pages_port
        self._root = folder
        self._broker = folder / "broker"

    @property
    def conf(self) -> Path:
        """Return mosquitto's command line."""
        return self._broker / "mosquitto.conf"

    def guard(self) -> None:
        """Have `tongzhan ledger broker` write certificates, passwords, rights and mosquitto.conf."""
        own = self._root / "ledger.toml"
        ports = Ports(0, self._pages_port, self._ports[1])
        own.touch(0o600)
        own.write_text(ledger_toml(self.database, ports), encoding="utf-8")
        command = [*TONGZHAN, "ledger", "broker", "--config", str(own), "--out", str(self._broker)]
        command += ["--station-port", str(self._ports[0]), "--data", str(self._root / "mosquitto")]
        if os.geteuid() != 0:
            command += ["--user", getpass.getuser()]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=GUARD_S)  # noqa: S603 (ours)
        if done.returncode:
            raise InputError(f"ledger broker: {done.stderr.strip()}", "mend what it names")

    def login(self, station: str | None) -> str:
        """Return the settings of TLS, user and password, once these are made."""
        user = COMMUNITY if station is None else station_user(COMMUNITY, station)
        password = self._broker / "credentials" / f"{user}.password"
        if not password.exists():
            return ""
        said = {"tls_ca": self._broker / "ca.pem", "username": user, "password_file": password}
        return "".join(f'{key} = "{value}"\n' for key, value in said.items())
