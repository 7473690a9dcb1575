"""The server of a local socket: one client at a time, of our own user or root."""

from __future__ import annotations

import fcntl
import logging
import os
import selectors
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.errors import InputError
from config.reading.files import mend_of
from config.reading.private import make_private_folder
from edge.local.outbound import LocalOutbound
from edge.local.protocol import BEAT_S, PEER

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SocketName:
    """Names of a socket, its lock and its server. The lock lets one `server` run in a station."""

    socket: str
    lock: str
    server: str
    """Such as "keeper"."""
    whose: str
    """The socket's owner, such as "the lids'"."""
    is_one: str
    """Why only one may run, for the message to a second one."""
    client: str = "station"
    """Who connects, for the log."""


class LocalServer:
    """Accepts one client at a time, of our own user or root, and passes on its packets."""

    def __init__(
        self,
        folders: Sequence[Path],
        name: SocketName,
        outbound: LocalOutbound,
        max_packet: int,
        taken: bytes,
    ) -> None:
        """Listen in the first of `folders` that can be written; InputError if another process has its lock.

        `taken` is the packet that a second client gets before it is disconnected.
        """
        self.greet: Callable[[], None] = lambda: None
        """Called when a client has connected and can be sent packets."""
        self.hear: Callable[[bytes], None] = lambda _packet: None
        """Called with each packet."""
        self.gone: Callable[[], None] = lambda: None
        """Called when the client is disconnected."""
        self._name, self._outbound, self._max_packet, self._taken = name, outbound, max_packet, taken
        folder, self._lock = _lock_one(folders, name)
        self._path = folder / name.socket
        self._listener = _listen(self._path)
        self._woken, self._waker = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        for source in (self._listener, self._woken):
            self._selector.register(source, selectors.EVENT_READ)
        self._client: socket.socket | None = None
        self._is_stopping = False

    def run(self, turn: Callable[[], None]) -> None:
        """Serve until `stop` is called. `turn` is called at least every `BEAT_S` seconds."""
        while not self._is_stopping:
            self._serve(BEAT_S)
            turn()
        self.disconnect()  # so that the client knows at once

    def stop(self) -> None:
        """Make `run` return; may be called from any thread or a signal handler."""
        self._is_stopping = True
        self._waker.send(b"\0")

    def disconnect(self) -> None:
        """Disconnect the client, if there is one."""
        if self._client is None:
            return
        log.info("the %s is disconnected", self._name.client)
        self._outbound.connect(None)
        self._selector.unregister(self._client)
        self._client.close()
        self._client = None
        self.gone()

    def close(self) -> None:
        """Disconnect the client and release the folder."""
        self.disconnect()
        self._path.unlink(missing_ok=True)
        for one in (self._listener, self._woken, self._waker, self._selector):
            one.close()
        os.close(self._lock)

    def _serve(self, within_s: float) -> None:
        """Wait for events up to `within_s` seconds, or until `stop`, and handle them."""
        for key, _ in self._selector.select(within_s):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._client and self._client is not None:
                self._hear(self._client)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError as error:  # the client has gone, or no file descriptor is left
            log.warning("a %s's connection could not be accepted (%s)", self._name.client, error)
            return
        process, user, _ = PEER.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size))
        whose = self._name.whose
        if user not in (os.geteuid(), 0):
            log.error(
                "process %d of user %d may not use %s socket; it was disconnected", process, user, whose
            )
            client.close()
        elif self._client is not None:
            log.error("process %d was disconnected: another has %s socket", process, whose)
            with suppress(OSError):  # it may have gone while we were busy
                client.send(self._taken, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            client.close()
        else:
            self._take_in(client, process)

    def _take_in(self, client: socket.socket, process: int) -> None:
        log.info("a %s is connected (process %d)", self._name.client, process)
        client.setblocking(False)  # noqa: FBT003 (the socket's own way)
        self._client = client
        self._selector.register(client, selectors.EVENT_READ)
        self._outbound.connect(client)
        self.greet()

    def _hear(self, client: socket.socket) -> None:
        try:
            packet = client.recv(self._max_packet)
        except BlockingIOError:
            return
        except OSError:
            packet = b""
        if packet:
            self.hear(packet)
        else:
            self.disconnect()


def _lock_one(folders: Sequence[Path], name: SocketName) -> tuple[Path, int]:
    """Lock the first folder that can be written: a read-only folder must not stop the process."""
    errors = []
    for folder in folders:
        try:
            return folder, _lock(folder / name.lock, name)
        except OSError as error:
            log.error("%s cannot be used for %s socket (%s)", folder, name.whose, error)  # noqa: TRY400 (no bug)
            errors.append(error)
    what = f"no folder for {name.whose} socket ({errors[0]})"
    raise InputError(what, mend_of(errors[0], folders[0]))


def _lock(path: Path, name: SocketName) -> int:
    """Lock a file until this process exits or crashes; InputError if another process has it."""
    make_private_folder(path.parent)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise InputError(f"another {name.server} has {path}", f"stop it: {name.is_one}") from None
    return descriptor


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    path.unlink(missing_ok=True)  # left by a process that died: we have its lock now
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
