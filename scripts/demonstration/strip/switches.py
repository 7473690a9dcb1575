"""The demo's switches: a visitor may break the station's network and the ledger's worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from scripts.testbed.processes import Crew
from scripts.testbed.proxy import Network

LINK = "station"
"""The link between the station and the broker, in the demo's network."""
WORKER = "ingest"
"""The process that applies events at the ledger."""
RESTART_S = 30.0
"""A killed worker starts again after this time, as systemd would start it."""


class Switches:
    """Breaks and repairs; every method may be called from any thread."""

    def __init__(
        self,
        network: Network,
        crew: Crew,
        worker: tuple[str, ...],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take `worker`, the arguments with which `crew` starts the ledger's worker."""
        self._network, self._crew, self._worker, self._now = network, crew, worker, now
        self._lock = threading.Lock()
        self._is_cut = False
        self._restart_at: float | None = None

    @property
    def is_cut(self) -> bool:
        """Whether the station's network is pulled."""
        return self._is_cut

    @property
    def restarts_in_s(self) -> float | None:
        """Seconds until the killed worker starts again; None while it runs."""
        at = self._restart_at
        return None if at is None else max(0.0, at - self._now())

    def flip_network(self) -> None:
        """Pull the network, or plug it in again."""
        with self._lock:
            (self._network.heal if self._is_cut else self._network.cut)(LINK)
            self._is_cut = not self._is_cut

    def flip_ledger(self) -> None:
        """Kill the worker with SIGKILL, or start it again."""
        with self._lock:
            if self._restart_at is not None:
                self._start_worker()
                return
            self._crew.kill(WORKER)
            self._restart_at = self._now() + RESTART_S

    def tick(self) -> None:
        """Start the worker again if it is due."""
        with self._lock:
            if self._restart_at is not None and self._now() >= self._restart_at:
                self._start_worker()

    def mend(self) -> None:
        """Repair everything, so that waiting events can arrive."""
        with self._lock:
            if self._is_cut:
                self._network.heal(LINK)
                self._is_cut = False
            if self._restart_at is not None:
                self._start_worker()

    def _start_worker(self) -> None:
        self._crew.start(WORKER, self._worker)
        self._restart_at = None
