"""An MQTT connection on asyncio, so that one process can have many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from scripts.bench.fleet import wire

LOOPBACK = "127.0.0.1"
CONNECT_S = 60.0
LAST_NUMBER = 65_535


class Connection(asyncio.Protocol):
    """Connected and subscribed once `open` returns. `taken` gets the topic and payload of each message."""

    def __init__(self, client_id: str, topic: str, taken: Callable[[str, bytes], None]) -> None:
        self.is_lost = False
        self._client_id, self._topic, self._taken = client_id, topic, taken
        self._ready = asyncio.get_running_loop().create_future()
        self._packets = wire.Packets()
        self._number = 0

    async def open(self, port: int) -> None:
        """Connect and subscribe; OSError or TimeoutError if the broker refuses."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, LOOPBACK, port)
        await asyncio.wait_for(self._ready, CONNECT_S)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send at QoS 1."""
        self._number = self._number % LAST_NUMBER + 1
        self._transport.write(wire.publish(self._number, topic, payload, retain=retain))

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send CONNECT."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(wire.connect(self._client_id))

    def data_received(self, data: bytes) -> None:
        """Handle received packets."""
        for kind, flags, body in self._packets.feed(data):
            if kind == wire.CONNACK:
                self._transport.write(wire.subscribe(1, self._topic))
            elif kind == wire.SUBACK and not self._ready.done():
                self._ready.set_result(None)
            elif kind == wire.PUBLISH:
                topic, number, payload = wire.published(flags, body)
                if number is not None:
                    self._transport.write(wire.puback(number))
                self._taken(topic, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the loss: a benchmark reports lost connections."""
        self.is_lost = True
        if not self._ready.done():
            self._ready.set_exception(exc or ConnectionResetError("the broker ended the connection"))
