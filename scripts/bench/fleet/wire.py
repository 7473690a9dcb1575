"""The few MQTT 3.1.1 packets for a thousand stations in one process. Pure.

paho has a thread a connection; a thousand of them would measure the threads. Packet layouts are those
of the OASIS standard, MQTT Version 3.1.1, chapter 3.
"""

from __future__ import annotations

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
KEEPALIVE_S = 600
CLEAN = 0x02
QOS1 = 0x02
RETAIN = 0x01


def connect(client_id: str) -> bytes:
    """Begin a clean session."""
    body = _text("MQTT") + bytes([4, CLEAN]) + KEEPALIVE_S.to_bytes(2) + _text(client_id)
    return _packet(CONNECT, 0, body)


def subscribe(number: int, topic: str) -> bytes:
    """Subscribe to a topic at QoS 1."""
    return _packet(SUBSCRIBE, 0x02, number.to_bytes(2) + _text(topic) + b"\x01")


def publish(number: int, topic: str, payload: bytes, *, retain: bool = False) -> bytes:
    """Send at QoS 1; `number` is 1 to 65535."""
    flags = QOS1 | (RETAIN if retain else 0)
    return _packet(PUBLISH, flags, _text(topic) + number.to_bytes(2) + payload)


def puback(number: int) -> bytes:
    """Acknowledge a message."""
    return _packet(PUBACK, 0, number.to_bytes(2))


def published(flags: int, body: bytes) -> tuple[str, int | None, bytes]:
    """Return the topic, number (None at QoS 0) and payload of a PUBLISH."""
    length = int.from_bytes(body[:2])
    topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
    if not flags & 0x06:
        return topic, None, rest
    return topic, int.from_bytes(rest[:2]), rest[2:]


class Packets:
    """Cuts a stream into packets: the kind, flags and body of each complete one."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> list[tuple[int, int, bytes]]:
        """Take received bytes; return the packets that they complete."""
        self._buffer += chunk
        found = []
        while (packet := self._next()) is not None:
            found.append(packet)
        return found

    def _next(self) -> tuple[int, int, bytes] | None:
        length = shift = 0
        for place in range(1, min(5, len(self._buffer))):
            byte = self._buffer[place]
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                end = place + 1 + length
                if len(self._buffer) < end:
                    return None
                first, body = self._buffer[0], bytes(self._buffer[place + 1 : end])
                del self._buffer[:end]
                return first >> 4, first & 0x0F, body
        return None


def _packet(kind: int, flags: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, low = divmod(left, 128)
        length.append(low | (0x80 if left else 0))
        if not left:
            return bytes([kind << 4 | flags]) + bytes(length) + body


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2) + encoded
