"""The station's end: lids behind a keeper, and each bin's fault while the keeper does not answer."""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from config.process.threads import Complaints, thread
from edge.faults import FaultCode
from edge.lids.protocol import (
    MAX_PACKET,
    SILENCE_S,
    Arrival,
    EndLease,
    Keeps,
    Moved,
    Open,
    Request,
    Resume,
    Stop,
    Taken,
    pack,
    report_in,
)
from edge.lids.server import SOCKET
from edge.messages import (
    FaultCleared,
    FaultRaised,
    LeaseRefused,
    LeaseTaken,
    LidClosed,
    LidEvent,
    LidObstructed,
    LidOpened,
)
from edge.part_kinds import STATION
from edge.ports import Clock, Inbox

log = logging.getLogger(__name__)

AGAIN_S = 0.25
"""Pause between two tries to reach the keeper."""
_JOIN_S = 3.0
_EVENTS: dict[Arrival, type[LidEvent]] = {
    Arrival.OPENED: LidOpened,
    Arrival.CLOSED: LidClosed,
    Arrival.OBSTRUCTED: LidObstructed,
    Arrival.LEASED: LeaseTaken,
    Arrival.REFUSED: LeaseRefused,
}


class KeptLid:
    """One bin's lid behind the keeper. Implements `edge.ports.Lid`."""

    def __init__(self, bin_id: str, keeper: KeeperLink, clock: Clock) -> None:
        """Ask `keeper` for this bin's lid."""
        self._bin, self._keeper, self._clock = bin_id, keeper, clock

    def open(self, lease_s: float) -> None:
        """Open, or stay open, at most `lease_s` seconds from now; without a keeper nothing happens."""
        self._keeper.ask(Open(self._bin, self._clock.now(), lease_s))

    def end_lease(self) -> None:
        """Shut the lid now; without a keeper its lease is over anyway."""
        self._keeper.ask(EndLease(self._bin))


class KeeperLink:
    """Connects to the keeper, reconnects when it is lost, and posts the events of its lids.

    Until the keeper answers, and while it is silent for SILENCE_S, each bin has the fault LID_UNREACHABLE; a
    bin whose lid the keeper does not have has LID_MISSING. Also implements `edge.ports.Mover`.
    """

    def __init__(self, folders: Sequence[Path], bins: Iterable[str], clock: Clock, inbox: Inbox) -> None:
        """Look for the keeper's socket in `folders`, in their order. Nothing happens until `start`."""
        self.lids = {bin_id: KeptLid(bin_id, self, clock) for bin_id in bins}
        self._paths = [folder / SOCKET for folder in folders]
        self._clock, self._inbox = clock, inbox
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._faults: dict[str, FaultCode | None] = {}
        self._is_stopped = False
        self._stopping = threading.Event()
        self._complaints = Complaints(log)
        self._thread = thread(self._run, "lids")

    def start(self) -> None:
        """Begin to connect; once."""
        self._thread.start()

    def stop(self) -> None:
        """End every lease and disconnect."""
        for lid in self.lids.values():
            lid.end_lease()
        self._stopping.set()
        with self._lock, suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def stop_motors(self) -> None:
        """Turn every motor off until `resume_motors`: now, or as soon as the keeper is connected."""
        self._is_stopped = True
        self.ask(Stop())

    def resume_motors(self) -> None:
        """Let motors run again at the next request; a stopped keeper that is away stays stopped."""
        self._is_stopped = False
        self.ask(Resume())

    def ask(self, request: Request) -> None:
        """Send a request, on the caller's thread; never blocks."""
        with self._lock:
            if self._socket is None:
                return
            try:
                self._socket.send(pack(request), socket.MSG_NOSIGNAL)
            except OSError as error:  # gone or hanging with a full buffer: the reading thread finds out which
                log.error("the lids' keeper does not take a request (%s)", error)  # noqa: TRY400 (no bug)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._serve()
            except OSError as error:
                self._lost(str(error))
            except Exception as error:  # noqa: BLE001 (the outermost loop: without it no lid would open)
                self._complaints.raised("lids: a report could not be handled", error)
                self._lost("internal error, see the traceback above")
            self._stopping.wait(AGAIN_S)

    def _serve(self) -> None:
        """Talk to the keeper until it is lost; OSError says why."""
        # No timeout: it would make `send` block as well, and that runs on the station's thread.
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as keeper:
            self._connect(keeper)
            with self._lock:
                self._socket = keeper
            if self._is_stopped:  # `stop_motors` sets this before it sends, so at worst this is sent twice
                self.ask(Stop())
            try:
                while not self._stopping.is_set():
                    if not select.select([keeper], [], [], SILENCE_S)[0]:
                        raise OSError(f"the keeper said nothing for {SILENCE_S:g} s")
                    self._hear(keeper.recv(MAX_PACKET))
                    self._complaints.over()
            finally:
                with self._lock:
                    self._socket = None

    def _connect(self, keeper: socket.socket) -> None:
        """Connect to the first socket with a listener; if there is none, raise the first folder's OSError."""
        errors = []
        for path in self._paths:
            try:
                keeper.connect(os.fspath(path))
            except OSError as error:
                errors.append(error)
            else:
                return
        raise errors[0]

    def _hear(self, packet: bytes) -> None:
        if not packet:
            raise OSError("the keeper hung up")
        match report_in(packet):
            case Keeps(bins, is_stopped):
                if is_stopped and not self._is_stopped:  # stopped by an earlier run of the station
                    self._inbox.post(FaultRaised(self._clock.now(), FaultCode.EMERGENCY_STOP, STATION))
                missing = FaultCode.LID_MISSING
                self._judge({bin_id: None if bin_id in bins else missing for bin_id in self.lids}, "is there")
            case Moved(bin_id, what, at) if bin_id in self.lids:
                self._inbox.post(_EVENTS[what](at, bin_id))
            case Taken():
                raise OSError("another station has the lids")

    def _lost(self, why: str) -> None:
        self._judge(dict.fromkeys(self.lids, FaultCode.LID_UNREACHABLE), why)

    def _judge(self, faults: dict[str, FaultCode | None], why: str) -> None:
        """Raise and clear faults so that each bin has exactly the given one."""
        if self._stopping.is_set():
            return
        for bin_id, code in faults.items():
            before = self._faults.get(bin_id)
            if bin_id in self._faults and code is before:
                continue
            log.info("the lid of bin %s: %s (%s)", bin_id, code or "can be reached", why)
            self._faults[bin_id] = code
            now = self._clock.now()
            for other in (FaultCode.LID_UNREACHABLE, FaultCode.LID_MISSING):
                if other is not code:
                    self._inbox.post(FaultCleared(now, other, bin_id))
            if code is not None:
                self._inbox.post(FaultRaised(now, code, bin_id))
