"""The station's end: lids behind a keeper, and each bin's fault while the keeper does not answer."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from edge.faults import FaultCode
from edge.lids.protocol import (
    MAX_PACKET,
    Arrival,
    EndLease,
    Keeps,
    Moved,
    Open,
    Request,
    Resume,
    Stop,
    pack,
    report_in,
)
from edge.lids.server import SOCKET
from edge.local.link import LocalLink
from edge.local.protocol import Taken
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
        self._clock, self._inbox = clock, inbox
        self._link = LocalLink("keeper of the lids", [folder / SOCKET for folder in folders], MAX_PACKET)
        self._link.met, self._link.hear, self._link.lost = self._met, self._hear, self._lost
        self._faults: dict[str, FaultCode | None] = {}
        self._is_stopped = False

    def start(self) -> None:
        """Begin to connect; once."""
        self._link.start()

    def stop(self) -> None:
        """End every lease and disconnect."""
        for lid in self.lids.values():
            lid.end_lease()
        self._link.stop()

    def stop_motors(self) -> None:
        """Turn every motor off until `resume_motors`: now, or as soon as the keeper is connected."""
        self._is_stopped = True
        self.ask(Stop())

    def resume_motors(self) -> None:
        """Let motors run again at the next request; a stopped keeper that is away stays stopped."""
        self._is_stopped = False
        self.ask(Resume())

    def end_process(self) -> bool:
        """Ask the keeper's process to end; it shuts its lids first. Return whether it is connected."""
        return self._link.end_server()

    def ask(self, request: Request) -> None:
        """Send a request, on the caller's thread; never blocks."""
        self._link.send(pack(request))

    def _met(self) -> None:
        if self._is_stopped:  # `stop_motors` sets this before it sends, so at worst this is sent twice
            self.ask(Stop())

    def _hear(self, packet: bytes) -> None:
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
        if self._link.is_stopping:
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
