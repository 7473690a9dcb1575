"""The keeper's loop: it serves one station at a time; each lid has its own thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cloud_sync.service.systemd import Notifier
from edge.lids.gpio_lid import GpioLid
from edge.lids.outbound import Outbound
from edge.lids.protocol import MAX_PACKET, EndLease, Keeps, Open, Request, Resume, Stop, pack, request_in
from edge.local.protocol import BEAT_S, Beat, Taken
from edge.local.server import LocalServer, SocketName
from edge.ports import Clock

log = logging.getLogger(__name__)

SOCKET = "lids.sock"
NAME = SocketName(SOCKET, "lids.lock", "keeper", "the lids'", "one process moves the lids")
HANGING_S = 3.0
"""A lid's thread that does not poll for this long counts as hung: it polls at least twice a second."""


class Keeper:
    """Serves a station's requests from a socket until `stop`."""

    def __init__(
        self,
        folders: Sequence[Path],
        lids: Mapping[str, GpioLid],
        outbound: Outbound,
        clock: Clock,
        notifier: Notifier,
    ) -> None:
        """Listen in the first of `folders` that can be written; InputError if another keeper has its lock."""
        self._lids, self._outbound, self._clock, self._notifier = lids, outbound, clock, notifier
        self._server = LocalServer(folders, NAME, outbound, MAX_PACKET, pack(Taken()))
        self._server.greet, self._server.hear = self._greet, self._hear
        self._motors_stopped = False
        self._stop_first: Callable[[], None] = lambda: None
        self._beat_at = 0.0

    def run(self) -> None:
        """Serve until `stop` is called."""
        self._notifier.ready()
        self._server.run(self.turn)

    def stop(self) -> None:
        """Make `run` return; may be called from any thread or a signal handler."""
        self._server.stop()

    def stop_first(self, stop: Callable[[], None]) -> None:
        """Have `stop` called first in an emergency: a lid that hangs must not delay the others."""
        self._stop_first = stop

    def stop_motors(self) -> None:
        """Turn every motor off and refuse to move one until a station sends `Resume`."""
        self._motors_stopped = True
        self._stop_first()
        for lid in self._lids.values():
            lid.stop_motors()

    def turn(self) -> None:
        """Send the heartbeat to station and systemd, unless a lid's thread hangs."""
        now = time.monotonic()
        if all(now - lid.polled_at < HANGING_S for lid in self._lids.values()):
            self._notifier.pet()
            if now >= self._beat_at:
                self._beat_at = now + BEAT_S
                self._outbound.send(Beat())

    def close(self) -> None:
        """Disconnect the station and release the folder. Its leases stay and run out by themselves."""
        self._server.close()

    def _greet(self) -> None:
        self._outbound.send(Keeps(tuple(self._lids), self._motors_stopped))
        for lid in self._lids.values():
            lid.tell()

    def _hear(self, packet: bytes) -> None:
        if (request := request_in(packet)) is not None:
            self._do(request)
        else:
            log.error("ignored a packet that is not a request")

    def _do(self, request: Request) -> None:
        match request:
            case Stop():
                log.warning("every motor is stopped")
                self.stop_motors()
            case Resume():
                log.info("motors may run again")
                self._resume_motors()
            case Open() | EndLease():
                self._move(request)

    def _resume_motors(self) -> None:
        self._motors_stopped = False
        for lid in self._lids.values():
            lid.resume_motors()
            lid.tell()

    def _move(self, request: Open | EndLease) -> None:
        lid = self._lids.get(request.bin)
        if lid is None:
            log.error("no lid of a bin %s here; does the station use another station.toml?", request.bin)
            return
        match request:
            case Open(_, at, lease_s):
                # Time in the socket counts, while this process did not run: the lease may be over.
                left_s = min(lease_s, at + lease_s - self._clock.now())
                if self._motors_stopped:
                    self._outbound.send(Keeps(tuple(self._lids), is_stopped=True))  # says why nothing moves
                elif left_s > 0:
                    lid.open(left_s)
            case EndLease():
                lid.end_lease()
