"""A host whose messages the test sends one by one, over a device's pty."""

from __future__ import annotations

import os
import select
import time
import tty
from collections.abc import Callable
from functools import partial
from itertools import count
from types import TracebackType
from typing import Self, TypeVar

from firmware_bridge.link import codec, frame
from firmware_bridge.link.arq import following
from firmware_bridge.link.codec import DecodeError
from firmware_bridge.link.frame import Frame, FrameDecoder
from firmware_bridge.link.messages import Ack, Heartbeat, Hello, Message, Refused, Report, Request, Welcome

BEAT_S = 0.25
WITHIN_S = 60.0
"""A simulated board may run at a tenth of the real speed."""
CREDIT = 8

MessageT = TypeVar("MessageT", bound=Message)
FoundT = TypeVar("FoundT")


def coded(message: Message, number: int = 0) -> bytes:
    code, body = codec.encode(message)
    return frame.encode(Frame(code, number, body))


class Speaker:
    """Sends heartbeats and acknowledges by itself while it listens, unless told otherwise."""

    def __init__(self, path: str) -> None:
        self._port = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._port)
        self._decoder = FrameDecoder()
        self._beat_at = 0.0
        self._ids = count(time.monotonic_ns() % 1_000_000 * 1000 + 1)
        self.link = self.boot = self._offered = 0
        self.acks = self.beats = True
        self.sent = self.taken = 0
        self.heard: list[tuple[int, Message | DecodeError]] = []
        """All received messages with their numbers, in order, repeats too."""
        self.told: list[Report] = []
        """The device's messages, without repeats."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._port)

    def write(self, data: bytes) -> None:
        os.write(self._port, data)

    def say(self, message: Message, number: int = 0) -> None:
        self.write(coded(message, number))

    def greet(self, *, lowest: int = 1, highest: int = 1, credit: int = CREDIT, link: int = 0) -> Welcome:
        """Send HELLO until it is answered; use the new link from then on."""
        link = link or next(self._ids)
        hello = Hello(lowest, highest, link, credit)
        self._offered = link
        since = len(self.heard)
        return self._say_until(
            b"\0" + coded(hello), lambda: self._last(Welcome, lambda one: one.link == link, since)
        )

    def ask(self, request: Request) -> int:
        """Send a request until it is acknowledged; return its number."""
        return self.send(*codec.encode(request))

    def send(self, code: int, body: bytes = b"") -> int:
        """Send a numbered frame until it is acknowledged; return its number."""
        self.sent = following(self.sent)
        number, since = self.sent, len(self.heard)

        def acknowledged() -> Ack | None:
            return self._last(Ack, lambda ack: ack.number == number, since)

        self._say_until(frame.encode(Frame(code, number, body)), acknowledged)
        return number

    def refusal(self, code: int, body: bytes = b"") -> Refused:
        """Send a numbered frame that must be refused."""
        number = self.send(code, body)
        return self.expect(Refused, lambda one: one.number == number)

    def expect(self, kind: type[MessageT], fits: Callable[[MessageT], object] = lambda _: True) -> MessageT:
        """Listen until the device has sent this; an earlier message counts, but only once."""

        def told() -> MessageT | None:
            for place, report in enumerate(self.told):
                if isinstance(report, kind) and fits(report):
                    del self.told[: place + 1]
                    return report
            return None

        return self._until(told, kind.__name__)

    def listen(self, seconds: float) -> list[tuple[int, Message | DecodeError]]:
        """Return the messages that come within some time."""
        since, until = len(self.heard), time.monotonic() + seconds
        while time.monotonic() < until:
            self._pump()
        return self.heard[since:]

    def settle(self) -> None:
        """Listen until a device has told all that it tells when a link begins, so that its queue has room.

        Two heartbeats with nothing between them are a while by the device's own clock, however slow it runs.
        """
        since = -1
        while since < 0 or any(number for number, _ in self.heard[since:]):
            since = len(self.heard)
            self.until(partial(self._has_beaten, since), "heartbeats")

    def _has_beaten(self, since: int) -> bool:
        return sum(isinstance(one, Heartbeat) for _, one in self.heard[since:]) >= 2

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Listen until a condition holds."""
        self._until(lambda: True if condition() else None, what)

    def _until(self, found: Callable[[], FoundT | None], what: str) -> FoundT:
        deadline = time.monotonic() + WITHIN_S
        while (outcome := found()) is None:
            assert time.monotonic() < deadline, f"waited in vain for {what}; heard {self.heard[-20:]}"
            self._pump()
        return outcome

    def _say_until(self, data: bytes, found: Callable[[], MessageT | None]) -> MessageT:
        deadline, again_at = time.monotonic() + WITHIN_S, 0.0
        while (outcome := found()) is None:
            assert time.monotonic() < deadline, f"no answer; heard {self.heard[-20:]}"
            if time.monotonic() >= again_at:
                self.write(data)
                again_at = time.monotonic() + BEAT_S
            self._pump()
        return outcome

    def _last(
        self, kind: type[MessageT], fits: Callable[[MessageT], bool], since: int = 0
    ) -> MessageT | None:
        found = (one for _, one in reversed(self.heard[since:]) if isinstance(one, kind) and fits(one))
        return next(found, None)

    def _pump(self) -> None:
        if self.link and self.beats and time.monotonic() >= self._beat_at:
            self._beat_at = time.monotonic() + BEAT_S
            self.say(Heartbeat(self.link, self.boot, 0))
        readable, _, _ = select.select([self._port], [], [], 0.01)
        if readable:
            for one in self._decoder.feed(os.read(self._port, 4096)):
                self._take(one)

    def _take(self, one: Frame) -> None:
        message = codec.decode(one.type, one.body)
        self.heard.append((one.sequence, message))
        if isinstance(message, Welcome) and message.version and message.link == self._offered != self.link:
            self.link, self.boot = message.link, message.boot
            self.sent = self.taken = 0
            self.told.clear()
        if not one.sequence or not self.acks:
            return
        if one.sequence == following(self.taken):
            self.taken = one.sequence
            assert isinstance(message, Report), message
            self.told.append(message)
        self.say(Ack(self.taken, CREDIT))
