"""Sends packets to a process's client; never blocks."""

from __future__ import annotations

import logging
import socket
import threading

log = logging.getLogger(__name__)


class LocalOutbound:
    """Sends packets to the connected client, if there is one. Call it from any thread.

    It never blocks: a client that does not read is disconnected, and gets the state again when it reconnects.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: socket.socket | None = None

    def connect(self, client: socket.socket | None) -> None:
        """Send to this client from now on; with None, to nobody."""
        with self._lock:
            self._client = client

    def send_packet(self, packet: bytes) -> bool:
        """Send a packet, if a client is connected; return whether the kernel took it."""
        with self._lock:
            if self._client is None:
                return False
            try:
                self._client.send(packet, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            except OSError as error:
                log.warning("the client does not read; it is disconnected (%s)", error)
                self._client.shutdown(socket.SHUT_RDWR)  # the server's own loop closes it
                self._client = None
                return False
            return True
