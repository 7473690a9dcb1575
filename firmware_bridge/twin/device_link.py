"""The device's side of the link, for the twin; the firmware has the same in C. Pure. See docs/protocol.md."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from math import inf

from firmware_bridge.link import frame
from firmware_bridge.link.arq import Queued, Receiver, ReceiveResult, Sender
from firmware_bridge.link.codec import DecodeError, decode, encode
from firmware_bridge.link.frame import Frame, FrameDecoder
from firmware_bridge.link.messages import (
    VERSION,
    Ack,
    Heartbeat,
    Hello,
    LidState,
    Message,
    Reason,
    Refused,
    Report,
    Request,
    SensorValue,
    SerialBytes,
    Welcome,
    WiegandBits,
    is_numbered,
)

BEAT_S = 0.25
SILENCE_S = 1.0
ROOM = 16
"""Most messages that wait to be sent; with more, taps are dropped."""
CREDIT = 4
_U32 = 0xFFFF_FFFF
_REASONS = {
    DecodeError.UNKNOWN_TYPE: Reason.UNKNOWN_TYPE,
    DecodeError.MALFORMED: Reason.MALFORMED,
    DecodeError.LEASE_TOO_LONG: Reason.LEASE_TOO_LONG,
}


@dataclass(frozen=True, slots=True)
class LinkBegan:
    """A new link: end every lease, then report every lid and sensor."""


@dataclass(frozen=True, slots=True)
class HostSilent:
    """The host is silent or the link is gone: end every lease."""


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """A request of the host; a refusal names its `number`."""

    number: int
    request: Request


DeviceEvent = LinkBegan | HostSilent | RequestReceived


class _DeviceSession:
    """The device's state of a link that is up."""

    def __init__(self, hello: Hello, now: float) -> None:
        self.link = hello.link
        self.sender: Sender[Report] = Sender(hello.credit, lambda asked, _: asked.message)
        self.receiver = Receiver()
        self.silent_at = now + SILENCE_S
        self.owes_ack = False


class DeviceLink:
    """Answers one host after another. Call `receive` with bytes, `report` for each event, then `send`."""

    def __init__(self, boot: int, welcome: Welcome, now: float) -> None:
        """Take this start's id `boot`, not 0, and `welcome`, which says what the device has."""
        self._welcome = replace(welcome, boot=boot, highest=VERSION, credit=CREDIT)
        self._started_at = self._beat_at = now
        self._decoder = FrameDecoder()
        self._session: _DeviceSession | None = None
        self._out = bytearray()

    def receive(self, data: bytes, now: float) -> list[DeviceEvent]:
        """Return the host's requests in these bytes, and whether it fell silent; call it regularly."""
        events: list[DeviceEvent] = []
        for one in self._decoder.feed(data):
            events += self._take(one, now)
        if (session := self._session) is not None and now >= session.silent_at:
            session.silent_at = inf
            events.append(HostSilent())
        return events

    def report(self, report: Report, now: float) -> None:
        """Queue a report until there is credit; without a link it is dropped."""
        if self._session is not None:
            _admit(self._session.sender.waiting, Queued(report, now))

    def send(self, now: float) -> tuple[bytes, list[DeviceEvent]]:
        """Return what to write now, and `HostSilent` if the host no longer acknowledges."""
        events: list[DeviceEvent] = []
        session = self._session
        if session is not None:
            for number, report in session.sender.due(now):
                self._put(report, number)
            if session.sender.is_exhausted:
                self._session = None
                events.append(HostSilent())
        self._beat(session, now)
        out = bytes(self._out)
        self._out.clear()
        return out, events

    def next_due(self) -> float:
        """Return when `receive` and `send` must be called even without bytes."""
        session = self._session
        if session is None:
            return self._beat_at
        return min(self._beat_at, session.silent_at, session.sender.next_due())

    def _beat(self, session: _DeviceSession | None, now: float) -> None:
        beats = now >= self._beat_at
        if beats:
            self._beat_at = now + BEAT_S
            uptime_ms = round((now - self._started_at) * 1000) & _U32
            link = 0 if self._session is None else self._session.link
            self._put(Heartbeat(self._welcome.boot, link, uptime_ms))
        if session is not None and (beats or session.owes_ack):
            session.owes_ack = False
            self._put(Ack(session.receiver.taken, min(CREDIT, max(0, ROOM - len(session.sender.waiting)))))

    def _take(self, one: Frame, now: float) -> list[DeviceEvent]:
        message = decode(one.type, one.body)
        if isinstance(message, Hello) and not one.sequence:
            return self._greet(message, now)
        if (session := self._session) is None:
            return []
        if one.sequence:
            return self._take_numbered(session, one.sequence, message, now)
        self._take_control(session, message, now)
        return []

    def _greet(self, hello: Hello, now: float) -> list[DeviceEvent]:
        speaks = hello.lowest <= VERSION <= hello.highest
        self._put(replace(self._welcome, version=VERSION if speaks else 0, link=hello.link))
        if self._session is not None and self._session.link == hello.link:
            return []
        if not speaks:
            was_linked, self._session = self._session is not None, None
            return [HostSilent()] if was_linked else []
        self._session = _DeviceSession(hello, now)
        return [LinkBegan()]

    def _take_control(self, session: _DeviceSession, message: Message | DecodeError, now: float) -> None:
        match message:
            case Ack(number, credit):
                session.sender.acknowledged(number, credit, now)
                session.silent_at = now + SILENCE_S
            case Heartbeat(session.link, self._welcome.boot):
                session.silent_at = now + SILENCE_S

    def _take_numbered(
        self, session: _DeviceSession, number: int, message: Message | DecodeError, now: float
    ) -> list[DeviceEvent]:
        if isinstance(message, Message) and not is_numbered(message):
            return []
        outcome = session.receiver.receive(number)
        if outcome is ReceiveResult.OUT_OF_ORDER:
            return []
        session.owes_ack = True
        session.silent_at = now + SILENCE_S
        if outcome is ReceiveResult.DUPLICATE:
            return []
        if isinstance(message, Request):
            return [RequestReceived(number, message)]
        reason = _REASONS[message] if isinstance(message, DecodeError) else Reason.UNKNOWN_TYPE
        self.report(Refused(number, reason), now)
        return []

    def _put(self, message: Message, number: int = 0) -> None:
        code, body = encode(message)
        self._out += frame.encode(Frame(code, number, body))


def _admit(waiting: deque[Queued[Report]], asked: Queued[Report]) -> None:
    """Queue a report; if the queue is full, drop a tap, or replace the older report of the same input."""
    report = asked.message
    if len(waiting) >= ROOM:
        if isinstance(report, WiegandBits | SerialBytes):
            return
        for place, other in enumerate(waiting):
            if _is_newer(report, other.message):
                del waiting[place]
                break
    waiting.append(asked)


def _is_newer(report: Report, other: Report) -> bool:
    match report, other:
        case LidState(lid), LidState(same):
            return lid == same
        case SensorValue(kind, index), SensorValue(same_kind, same_index):
            return (kind, index) == (same_kind, same_index)
    return False
