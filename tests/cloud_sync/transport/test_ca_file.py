"""Processes that speak TLS, while `cp` writes their CA file anew: it is empty, then a part, then whole."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from tests.ledger.conftest import ledger_toml
from tests.programs import TONGZHAN
from tests.station.test_composition import BIN, STATION
from tests.station.test_station_command import init
from tests.waiting import COMMAND_WITHIN_S, WITHIN_S, until

SPOILT = "CA file {} cannot be used"


class Guarded(Protocol):
    port: int
    ca: Path
    password: Path

    def restart(self) -> None: ...

    def log(self) -> str: ...


@pytest.fixture
def authority(guarded: Guarded) -> Path:
    """The CA file that processes are told of."""
    copied = guarded.ca.with_name("copied.pem")
    copied.write_bytes(guarded.ca.read_bytes())
    return copied


@pytest.fixture(params=["station sync", "ledger ingest"])
def command(request: pytest.FixtureRequest, guarded: Guarded, authority: Path, tmp_path: Path) -> list[str]:
    """The command line of a process that is set up, but for its start."""
    access = f'port = {guarded.port}\ntls_ca = "{authority}"\nusername = "gate"\n'
    access += f'password_file = "{guarded.password}"\n'
    if request.param == "station sync":
        config = tmp_path / "station.toml"
        config.write_text(STATION.format(model="") + BIN.format("kitchen") + f"[cloud]\n{access}", "utf-8")
        assert init(config).returncode == 0
    else:
        config = tmp_path / "ledger.toml"
        config.write_text(f"{ledger_toml('ledger.sqlite3')}\n[broker]\n{access}", "utf-8")
        made = [*TONGZHAN, "ledger", "init", "--config", str(config)]
        subprocess.run(made, check=True, capture_output=True, timeout=COMMAND_WITHIN_S)
    return [*TONGZHAN, *request.param.split(), "--config", str(config)]


@contextmanager
def started(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as stderr, subprocess.Popen(command, stderr=stderr) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(WITHIN_S)


def joined(guarded: Guarded) -> int:
    """How often somebody was let in."""
    return guarded.log().count("New client connected")


def test_a_process_connects_once_its_ca_file_is_whole_at_the_start_and_after_a_restart_of_the_broker(
    guarded: Guarded, authority: Path, command: list[str], tmp_path: Path
) -> None:
    whole, log, told = guarded.ca.read_bytes(), tmp_path / "process.log", SPOILT.format(authority)
    authority.write_bytes(whole[: len(whole) // 2])
    with started(command, log) as process:
        until(lambda: told in log.read_text(), "the cut file is named", COMMAND_WITHIN_S)
        authority.write_bytes(whole)
        until(lambda: joined(guarded) == 1, "it is let in")
        authority.write_bytes(b"")
        guarded.restart()
        until(lambda: log.read_text().count(told) == 2, "the empty file is named")
        authority.write_bytes(whole)
        until(lambda: joined(guarded) == 2, "it is let in again")
        assert process.poll() is None
    assert "Traceback" not in log.read_text()
