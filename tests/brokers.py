"""Real MQTT brokers on 127.0.0.1 that a test can take away and bring back on the same port."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Protocol

from scripts.testbed.ports import free_port
from tests.waiting import WITHIN_S, until

MISSING = "no mosquitto; install it: sudo apt-get install mosquitto"


class RunningBroker(Protocol):
    """What both kinds can do."""

    port: int
    keeps_sessions: bool
    """Whether it remembers its clients' sessions over a restart."""

    def start(self) -> None:
        """Listen."""

    def stop(self) -> None:
        """Go away in good order."""


class IotcoreBroker:
    """The broker inside the Python process, as one laptop uses it."""

    keeps_sessions = False

    def __init__(self) -> None:
        from iotcore import Broker  # noqa: PLC0415 (a station alone has no broker)

        self.port = free_port()
        self._broker = Broker(port=self.port, listen="127.0.0.1")

    def start(self) -> None:
        """Listen."""
        self._broker.start()

    def stop(self) -> None:
        """Go away in good order."""
        self._broker.stop()


class MosquittoBroker:
    """Debian's mosquitto as a process: with a configuration of its own, or one that is given."""

    keeps_sessions = True

    def __init__(
        self,
        folder: Path,
        extra: str = "",
        *,
        anonymous: bool = True,
        config: Path | None = None,
        port: int = 0,
    ) -> None:
        self.port = port or free_port()
        self._config = config or folder / "mosquitto.conf"
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None
        if config is None:
            self._config.write_text(
                f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous {str(anonymous).lower()}\n"
                f"persistence true\npersistence_location {folder}/\n{extra}\n"
            )

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Listen; fails with its last words if it does not come up."""
        command = [shutil.which("mosquitto") or "mosquitto", "-c", str(self._config)]
        with self._log.open("ab") as log:
            self._process = process = subprocess.Popen(command, stdout=log, stderr=log)
        until(lambda: listens(self.port) or process.poll() is not None, "mosquitto listens")
        assert process.poll() is None, self.log

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    def reload(self) -> None:
        """Have it read its password and rights files again."""
        self._signal(signal.SIGHUP)

    def stop(self) -> None:
        """Go away in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Go away as in a power cut."""
        self._end(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _end(self, how: signal.Signals) -> None:
        self._signal(how)
        if self._process is not None:
            self._process.wait(WITHIN_S)
            self._process = None


def listens(port: int) -> bool:
    """Whether somebody listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
