from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from iotcore import Broker


class RunningBroker(Protocol):
    """A real broker on 127.0.0.1 that a test can take away and bring back on the same port."""

    port: int
    keeps_sessions: bool

    def start(self) -> None: ...

    def stop(self) -> None: ...


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class IotcoreBroker:
    keeps_sessions = False

    def __init__(self) -> None:
        self.port = free_port()
        self._broker = Broker(port=self.port, listen="127.0.0.1")

    def start(self) -> None:
        self._broker.start()

    def stop(self) -> None:
        self._broker.stop()


class MosquittoBroker:
    keeps_sessions = True

    def __init__(self, folder: Path, extra: str = "") -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {folder}/\n{extra}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [shutil.which("mosquitto") or "mosquitto", "-c", str(self._config)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until(lambda: _listens(self.port))

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(condition: Callable[[], object], within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)


@pytest.fixture(params=["iotcore", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningBroker]:
    if request.param == "mosquitto" and shutil.which("mosquitto") is None:
        pytest.skip("no mosquitto on this machine")
    running: RunningBroker = IotcoreBroker() if request.param == "iotcore" else MosquittoBroker(tmp_path)
    running.start()
    yield running
    running.stop()
