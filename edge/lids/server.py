"""The keeper's loop: it serves one station at a time; each lid has its own thread."""

from __future__ import annotations

import fcntl
import logging
import os
import selectors
import socket
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cloud_sync.service.systemd import Notifier
from config.errors import InputError
from config.reading.files import mend_of
from config.reading.private import make_private_folder
from edge.lids.gpio_lid import GpioLid
from edge.lids.outbound import Outbound
from edge.lids.protocol import (
    BEAT_S,
    MAX_PACKET,
    Beat,
    EndLease,
    Keeps,
    Open,
    Request,
    Resume,
    Stop,
    Taken,
    pack,
    request_in,
)
from edge.ports import Clock

log = logging.getLogger(__name__)

SOCKET = "lids.sock"
LOCK = "lids.lock"
HANGING_S = 3.0
"""A lid's thread that does not poll for this long counts as hung: it polls at least twice a second."""
_PEER = struct.Struct("3i")
"""The layout of SO_PEERCRED: process, user and group (unix(7))."""


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
        folder, self._lock = _lock_one(folders)
        self._path = folder / SOCKET
        self._listener = _listen(self._path)
        self._woken, self._waker = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        for source in (self._listener, self._woken):
            self._selector.register(source, selectors.EVENT_READ)
        self._station: socket.socket | None = None
        self._is_stopping = False
        self._motors_stopped = False
        self._stop_first: Callable[[], None] = lambda: None
        self._beat_at = 0.0

    def run(self) -> None:
        """Serve until `stop` is called."""
        self._notifier.ready()
        while not self._is_stopping:
            for key, _ in self._selector.select(BEAT_S):
                self._serve(key.fileobj)
            self.turn()
        self._let_go()  # so that the station knows at once

    def stop(self) -> None:
        """Make `run` return; may be called from any thread or a signal handler."""
        self._is_stopping = True
        self._waker.send(b"\0")

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
        """Disconnect the station and release the folder."""
        self._let_go()
        self._path.unlink(missing_ok=True)
        for one in (self._listener, self._woken, self._waker, self._selector):
            one.close()
        os.close(self._lock)

    def _serve(self, source: object) -> None:
        if source is self._listener:
            self._accept()
        elif source is self._station and self._station is not None:
            self._hear(self._station)

    def _accept(self) -> None:
        try:
            station, _ = self._listener.accept()
        except OSError as error:  # the station is gone again, or there are no descriptors left
            log.warning("a station's connection could not be accepted (%s)", error)
            return
        process, user, _ = _PEER.unpack(station.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        if user not in (os.geteuid(), 0):
            log.error("process %d of user %d may not move lids; it was disconnected", process, user)
            station.close()
        elif self._station is not None:
            log.error("process %d was disconnected: another station already has the lids", process)
            station.send(pack(Taken()), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            station.close()
        else:
            self._take_in(station, process)

    def _take_in(self, station: socket.socket, process: int) -> None:
        log.info("a station is connected (process %d)", process)
        station.setblocking(False)  # noqa: FBT003 (the socket's own way)
        self._station = station
        self._selector.register(station, selectors.EVENT_READ)
        self._outbound.connect(station)
        self._outbound.send(Keeps(tuple(self._lids), self._motors_stopped))
        for lid in self._lids.values():
            lid.tell()

    def _hear(self, station: socket.socket) -> None:
        try:
            packet = station.recv(MAX_PACKET)
        except BlockingIOError:
            return
        except OSError:
            packet = b""
        if not packet:
            self._let_go()
        elif (request := request_in(packet)) is not None:
            self._do(request)
        else:
            log.error("ignored a packet that is not a request")

    def _let_go(self) -> None:
        """Disconnect the station. Its leases stay and run out by themselves."""
        if self._station is None:
            return
        log.info("the station is disconnected; its leases run out")
        self._outbound.connect(None)
        self._selector.unregister(self._station)
        self._station.close()
        self._station = None

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


def _lock_one(folders: Sequence[Path]) -> tuple[Path, int]:
    """Lock the first folder that can be written: a read-only runtime folder must not keep lids shut."""
    errors = []
    for folder in folders:
        try:
            return folder, _lock(folder / LOCK)
        except OSError as error:
            log.error("%s cannot be used for the lids' socket (%s)", folder, error)  # noqa: TRY400 (no bug)
            errors.append(error)
    raise InputError(f"no folder for the lids' socket ({errors[0]})", mend_of(errors[0], folders[0]))


def _lock(path: Path) -> int:
    """Lock a file until this process ends, in whatever way; InputError if another process has it."""
    make_private_folder(path.parent)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise InputError(f"another keeper has {path}", "stop it: one process moves the lids") from None
    return descriptor


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    path.unlink(missing_ok=True)  # left by a keeper that died: the lock is ours now
    mask = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
    except OSError as error:
        listener.close()
        raise InputError(f"{path} cannot be listened on ({error})", mend_of(error, path)) from error
    finally:
        os.umask(mask)
    listener.listen(4)
    return listener
