"""The host's side of the link to a microcontroller: bytes and time in, bytes and events out. Pure.

docs/protocol.md specifies both sides. Time, in monotonic seconds, and the source of ids are passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from firmware_bridge.link import frame
from firmware_bridge.link.arq import Queued, Receiver, ReceiveResult, Sender
from firmware_bridge.link.codec import DecodeError, decode, encode
from firmware_bridge.link.events import (
    Down,
    DownReason,
    Event,
    LeaseAcknowledged,
    Noisy,
    Received,
    Rejected,
    Up,
    VersionRefused,
    WrongDevice,
)
from firmware_bridge.link.frame import Frame, FrameDecoder
from firmware_bridge.link.messages import (
    VERSION,
    Ack,
    Heartbeat,
    Hello,
    Message,
    OpenLid,
    Refused,
    Report,
    Request,
    Welcome,
    is_numbered,
)
from firmware_bridge.link.noise import LineNoise
from firmware_bridge.link.queue import enqueue, superseded, with_remaining_lease
from firmware_bridge.wrong_device import DeviceDetector, OtherDevice

BEAT_S = 0.25
SILENCE_S = 1.0
STOOD_STILL_S = 2.0
"""A host that was suspended this long begins a new link: its port's buffer holds old bytes."""
REFUSED_PAUSE_S = 2.0
"""Pause between two HELLOs to a device of another version, which may get new firmware."""
CREDIT = 8
"""Messages that a device may have in flight."""
_U32 = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class LinkOutput:
    """The bytes to write, and the events."""

    out: bytes
    events: tuple[Event, ...]


class _HostSession:
    """The state of a link that is up: the messages in flight in both directions."""

    def __init__(self, welcome: Welcome, now: float) -> None:
        self.boot = welcome.boot
        self.sender: Sender[Request] = Sender(welcome.credit, with_remaining_lease)
        self.receiver = Receiver()
        self.sent: dict[int, Request] = {}
        self.heard_at = now
        self.beat_at = now
        self.owes_ack = False


class Link:
    """One link after another over one port. Call `step` for each input, and at `next_due` at the latest."""

    def __init__(self, draw_id: Callable[[], int], now: float) -> None:
        """Take `draw_id`, which gives random numbers from 1 to 0xFFFFFFFF."""
        self._draw_id = draw_id
        self._started_at = self._stepped_at = now
        self._decoder = FrameDecoder()
        self._out = bytearray()
        self._events: list[Event] = []
        self._emitted: set[type[Event]] = set()
        self._noise = LineNoise()
        self._was_up = False
        self._begin(now)

    @property
    def is_up(self) -> bool:
        """Whether requests reach the device."""
        return self._session is not None

    def step(self, now: float, data: bytes = b"", requests: Iterable[Request] = ()) -> LinkOutput:
        """Take received bytes and new requests; return what to write. Without a link requests are dropped."""
        if self._session is not None and now - self._stepped_at > STOOD_STILL_S:
            self._down(DownReason.STOOD_STILL, now)
        self._stepped_at = now
        frames = self._decoder.feed(data)
        if self._session is None and data:
            self._listen(data, len(frames))
        if (is_noisy := self._noise.judge(self._decoder.dropped.total(), now)) is not None:
            self._events.append(Noisy(is_noisy))
        for one in frames:
            self._take(one, now)
        for request in requests:
            self._ask(request, now)
        self._pass_time(now)
        output = LinkOutput(bytes(self._out), tuple(self._events))
        self._out.clear()
        self._events.clear()
        return output

    def _listen(self, data: bytes, frames: int) -> None:
        """Detect another device on the port; noise after our device answered is only a noisy line."""
        other_device = self._detector.feed(data, frames)
        if other_device is not None and not (other_device is OtherDevice.NOISE and self._was_up):
            self._emit_once(WrongDevice(other_device))

    def next_due(self) -> float:
        """Return when `step` must be called even without bytes or requests."""
        if (session := self._session) is None:
            return self._hello_at
        return min(session.beat_at, session.sender.next_due(), session.heard_at + SILENCE_S)

    def port_lost(self, now: float) -> LinkOutput:
        """End the link because the port is gone. Call `port_found` before the next `step`."""
        self._down(DownReason.PORT_LOST, now)
        self._emitted.clear()  # when the port is back, silence is reported again
        output = LinkOutput(b"", tuple(self._events))
        self._events.clear()
        return output

    def port_found(self, now: float) -> LinkOutput:
        """Begin a new link because the port is back, perhaps with another device."""
        self._was_up = False
        self._decoder.feed(b"\0")  # half a frame of the old link must not join a new one
        self._begin(now)
        self._stepped_at = now
        return self.step(now)

    def _begin(self, now: float) -> None:
        self._session: _HostSession | None = None
        self._id = self._draw_id()
        self._detector = DeviceDetector()
        self._since = self._hello_at = now

    def _down(self, reason: DownReason, now: float) -> None:
        if self._session is not None:
            self._begin(now)
        self._emit_once(Down(reason))

    def _emit_once(self, event: Event) -> None:
        if type(event) not in self._emitted:
            self._emitted.add(type(event))
            self._events.append(event)

    def _ask(self, request: Request, now: float) -> None:
        if (session := self._session) is not None:
            enqueue(session.sender.waiting, Queued(request, now))
            session.sender.replace_in_flight(lambda in_flight: superseded(request, in_flight))

    def _take(self, one: Frame, now: float) -> None:
        message = decode(one.type, one.body)
        if self._session is None:
            self._take_answer(message, now)
        elif one.sequence:
            self._take_numbered(self._session, one.sequence, message, now)
        else:
            self._take_control(self._session, message, now)

    def _take_answer(self, message: Message | DecodeError, now: float) -> None:
        match message:
            case Hello(link=self._id):
                self._emit_once(WrongDevice(OtherDevice.ECHO))
            case Welcome(link=self._id) if message.version == VERSION:
                self._session = _HostSession(message, now)
                self._emitted.clear()
                self._was_up = True
                self._events.append(Up(message))
            case Welcome(link=self._id):
                self._emit_once(VersionRefused(VERSION, VERSION, message.highest))

    def _take_control(self, session: _HostSession, message: Message | DecodeError, now: float) -> None:
        match message:
            case Ack(number, credit):
                for request in session.sender.acknowledged(number, credit, now):
                    if isinstance(request, OpenLid) and request.lease_ms:
                        self._events.append(LeaseAcknowledged(request.lid))
                session.heard_at = now
            case Heartbeat(own) if own != session.boot:
                self._down(DownReason.RESTARTED, now)
            case Heartbeat(_, other) if other != self._id:
                self._down(DownReason.FORGOTTEN, now)
            case Heartbeat():
                session.heard_at = now

    def _take_numbered(
        self, session: _HostSession, number: int, message: Message | DecodeError, now: float
    ) -> None:
        if isinstance(message, Message) and not is_numbered(message):
            return
        outcome = session.receiver.receive(number)
        if outcome is ReceiveResult.OUT_OF_ORDER:
            return
        session.heard_at = now
        session.owes_ack = True
        if outcome is ReceiveResult.ACCEPTED and isinstance(message, Report):
            self._events.append(self._event_of(session, message))

    def _event_of(self, session: _HostSession, report: Report) -> Event:
        if isinstance(report, Refused) and (request := session.sent.get(report.number)) is not None:
            return Rejected(request, report.reason)
        return Received(report)

    def _pass_time(self, now: float) -> None:
        if (session := self._session) is None:
            self._seek(now)
            return
        if now >= session.heard_at + SILENCE_S:
            self._down(DownReason.SILENT, now)
            self._seek(now)
            return
        self._keep(session, now)
        if session.sender.is_exhausted:
            self._down(DownReason.UNANSWERED, now)

    def _seek(self, now: float) -> None:
        if now >= self._since + SILENCE_S and not self._emitted:
            self._emit_once(Down(DownReason.SILENT))
        if now >= self._hello_at:
            self._out.append(0)
            self._send(Hello(VERSION, VERSION, self._id, CREDIT))
            self._hello_at = now + (REFUSED_PAUSE_S if VersionRefused in self._emitted else BEAT_S)

    def _keep(self, session: _HostSession, now: float) -> None:
        beats = now >= session.beat_at
        if beats:
            uptime_ms = round((now - self._started_at) * 1000) & _U32
            self._send(Heartbeat(self._id, session.boot, uptime_ms))
            session.beat_at = now + BEAT_S
        if beats or session.owes_ack:
            self._send(Ack(session.receiver.taken, CREDIT))
            session.owes_ack = False
        for number, request in session.sender.due(now):
            session.sent[number] = request
            self._send(request, number)

    def _send(self, message: Message, number: int = 0) -> None:
        code, body = encode(message)
        self._out += frame.encode(Frame(code, number, body))
