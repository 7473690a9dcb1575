"""Keeps the broker's folder as the ledger's database says, and has mosquitto read it again after each change.

So a station that enrols is let in a second later, and one that is retired is cut off: mosquitto hangs up on
users that its files no longer have. Runs as root, because mosquitto's files are mosquitto's own.
"""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from math import inf
from pathlib import Path

from django.db import InterfaceError, OperationalError, connections

from cloud_sync.ledger.broker.files import BrokerSpec, write_broker
from config.errors import InputError

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often the database is asked."""
AGAIN_S = 5.0
"""Pause after the broker could not be reloaded."""
RENEW_S = 24 * 3600.0
"""How often the folder is written without a change, so that the certificate is renewed in time."""
RELOAD_WITHIN_S = 60.0


class Follower:
    """Writes the folder when `wanted` says something new; `turn` looks once."""

    def __init__(
        self,
        folder: Path,
        wanted: Callable[[], BrokerSpec],
        reload: Callable[[], None],
        now: Callable[[], float],
    ) -> None:
        """Take a function that reads the database, one that reloads the broker, and a monotonic clock."""
        self._folder, self._wanted, self._reload, self._now = folder, wanted, reload, now
        self._written: BrokerSpec | None = None
        self._due_s = -inf
        self._refusal = ""

    def turn(self) -> bool:
        """Look at the database once; return whether the broker was told of a change."""
        now = self._now()
        try:
            wanted = self._wanted()
            if now < self._due_s and wanted == self._written:
                return False
            if now < self._due_s and self._written is None:
                return False  # the last reload failed a moment ago
            self._written, self._due_s = None, now + AGAIN_S
            write_broker(self._folder, wanted, datetime.now(UTC))
            self._reload()
        except (OperationalError, InterfaceError, InputError, OSError) as error:
            self._refused(error)
            return False
        self._written, self._due_s, self._refusal = wanted, now + RENEW_S, ""
        log.info("the broker knows %d users of stations that enrolled", len(wanted.logins))
        return True

    def _refused(self, error: Exception) -> None:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        if said != self._refusal:
            log.error("the broker cannot follow now: %s; trying on", said)
        self._refusal = said
        connections.close_all()


def follow(
    folder: Path, wanted: Callable[[], BrokerSpec], command: Sequence[str], stopping: threading.Event
) -> None:
    """Keep the folder as `wanted` says until `stopping` is set; `command` makes mosquitto read it again."""
    follower = Follower(folder, wanted, lambda: _run(command), time.monotonic)
    while not stopping.is_set():
        follower.turn()
        stopping.wait(LOOK_S)


def _run(command: Sequence[str]) -> None:
    """Run a command; InputError with its words if it fails."""
    try:
        done = subprocess.run(  # noqa: S603 (the operator's own)
            command, capture_output=True, text=True, check=False, timeout=RELOAD_WITHIN_S
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"{' '.join(command)} takes too long", "see why mosquitto does not answer") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise InputError(f"{' '.join(command)}: {said}", "see: systemctl status mosquitto")
