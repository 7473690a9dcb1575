"""The firmware's core as a shared library, called from Python; its time is passed in."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from firmware_bridge.link import codec, frame
from firmware_bridge.link.arq import following
from firmware_bridge.link.codec import DecodeError
from firmware_bridge.link.frame import Frame, FrameDecoder
from firmware_bridge.link.messages import Ack, Heartbeat, Hello, LidState, Message, Report, Request, Welcome
from tests.firmware_bridge.firmware.rigs import build

WIRE_MAX = 71
BOOT, LINK = 0xB007, 0x11
DRIVES = ("off", "open", "shut")
ReportT = TypeVar("ReportT", bound=Report)


class CFrame(ctypes.Structure):
    """struct frame."""

    _fields_ = (
        ("type", ctypes.c_uint8),
        ("number", ctypes.c_uint8),
        ("length", ctypes.c_uint8),
        ("body", ctypes.c_uint8 * 64),
    )


class FrameReader(ctypes.Structure):
    """struct frame_reader."""

    _fields_ = (
        ("bytes", ctypes.c_uint8 * WIRE_MAX),
        ("count", ctypes.c_uint8),
        ("too_long", ctypes.c_bool),
        ("dropped", ctypes.c_uint16),
    )


class CBridge(ctypes.Structure):
    """struct h_bridge."""

    _fields_ = (
        ("off_since_ms", ctypes.c_uint32),
        ("drive", ctypes.c_uint8),
        ("last", ctypes.c_uint8),
        ("is_resting", ctypes.c_bool),
    )


class CMotion(ctypes.Structure):
    """struct lid_motion."""

    _fields_ = (
        ("since_ms", ctypes.c_uint32),
        ("lease_until_ms", ctypes.c_uint32),
        ("closing_since_ms", ctypes.c_uint32),
        ("owed_ms", ctypes.c_uint32),
        ("owed_at_ms", ctypes.c_uint32),
        ("phase", ctypes.c_uint8),
        ("tries", ctypes.c_uint8),
        ("blocks", ctypes.c_uint8),
        ("has_left", ctypes.c_bool),
    )


class CSeen(ctypes.Structure):
    """struct lid_seen."""

    _fields_ = (("opened", ctypes.c_bool), ("closed", ctypes.c_bool), ("obstructed", ctypes.c_bool))


class CTimes(ctypes.Structure):
    """struct lid_times."""

    _fields_ = (
        ("drive_ms", ctypes.c_uint32),
        ("retry_ms", ctypes.c_uint32),
        ("patience_ms", ctypes.c_uint32),
        ("tries", ctypes.c_uint8),
    )


def load() -> ctypes.CDLL:
    """Load the library, built if needed; skip the test if it cannot be built."""
    library = ctypes.CDLL(str(build("library", "core.so")))
    library.frame_write.restype = ctypes.c_size_t
    library.frame_read.restype = ctypes.c_bool
    library.frame_read.argtypes = [ctypes.c_void_p, ctypes.c_uint8, ctypes.c_void_p]
    library.library_core_size.restype = ctypes.c_size_t
    library.core_emit.restype = ctypes.c_size_t
    library.core_is_sane.restype = ctypes.c_bool
    for name in ("measure_echo", "measure_ntc"):
        getattr(library, name).restype = ctypes.c_bool
    library.measure_hx711.restype = library.measure_supply.restype = ctypes.c_int32
    library.measure_echo.argtypes = [ctypes.c_uint32, ctypes.c_void_p]
    library.measure_ntc.argtypes = [ctypes.c_uint16, ctypes.c_void_p]
    library.lid_step.argtypes = [ctypes.c_void_p, CSeen, ctypes.c_uint32, ctypes.c_void_p]
    library.lid_ask_shut.argtypes = [ctypes.c_void_p, CSeen, ctypes.c_uint32, ctypes.c_void_p]
    library.lid_found.argtypes = [ctypes.c_void_p, CSeen, ctypes.c_uint32]
    library.lid_ask_open.argtypes = [
        ctypes.c_void_p,
        CSeen,
        ctypes.c_uint32,
        ctypes.c_uint32,
        ctypes.c_void_p,
    ]
    return library


@dataclass
class Contacts:
    """The levels of lid 0's contacts and of the alarms; every other lid is shut with its way free."""

    opened: bool = False
    closed: bool = True
    free: bool = True
    smoke: bool = False
    door_open: bool = False
    panic: bool = False


@dataclass
class CoreDevice:
    """A device in virtual time, and its host; times are in milliseconds."""

    library: ctypes.CDLL
    now_ms: int = 0
    contacts: Contacts = field(default_factory=Contacts)
    beats: bool = True
    told: list[Report] = field(default_factory=list)
    """The device's messages, without repeats."""
    heard: list[tuple[int, Message | DecodeError]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._core = ctypes.create_string_buffer(self.library.library_core_size())
        self._decoder = FrameDecoder()
        self._sent = self._taken = 0
        self._linked = False
        self._beat_ms = self.now_ms
        self.library.library_start(self._core, 2, BOOT, self._wrapped)

    @property
    def _wrapped(self) -> ctypes.c_uint32:
        return ctypes.c_uint32(self.now_ms & 0xFFFF_FFFF)

    @property
    def drive(self) -> str:
        """Return what lid 0's motor does."""
        return DRIVES[self.library.core_drive(self._core, 0)]

    @property
    def is_sane(self) -> bool:
        return bool(self.library.core_is_sane(self._core))

    def link(self) -> Welcome:
        """Send HELLO, and read the device's first messages."""
        self._linked, self._sent, self._taken = True, 0, 0
        self.say(Hello(1, 1, LINK, 16))
        self.run(150)
        return next(one for _, one in self.heard if isinstance(one, Welcome))

    def say(self, message: Message, number: int = 0) -> None:
        code, body = codec.encode(message)
        data = frame.encode(Frame(code, number, body))
        self.library.library_receive(self._core, data, ctypes.c_size_t(len(data)), self._wrapped)

    def ask(self, request: Request) -> None:
        self._sent = following(self._sent)
        self.say(request, self._sent)
        self.run(1)

    def pulse(self, reader: int, bits: str) -> None:
        """Send a Wiegand reader's bits, one each millisecond."""
        for bit in bits:
            self.library.core_wiegand(self._core, reader, ctypes.c_bool(bit == "1"), self._wrapped)
            self.run(1)

    def serial(self, reader: int, data: bytes) -> None:
        for byte in data:
            self.library.core_serial(self._core, reader, byte, self._wrapped)
            self.run(1)

    def measured(self, kind: int, index: int, value: int) -> None:
        self.library.core_measured(self._core, kind, index, ctypes.c_int32(value))

    def run(self, ms: int) -> None:
        """Let time pass, a millisecond at a time."""
        for _ in range(ms):
            self.now_ms += 1
            if self._linked and self.beats and self.now_ms >= self._beat_ms:
                self._beat_ms = self.now_ms + 250
                self.say(Heartbeat(LINK, BOOT, 0))
            self._step()

    def run_until(self, condition: Callable[[], object], within_ms: int = 70_000) -> int:
        """Let time pass until a condition holds; return how long it took."""
        since = self.now_ms
        while not condition():
            assert self.now_ms < since + within_ms, f"not within {within_ms} ms; told {self.told[-5:]}"
            self.run(1)
        return self.now_ms - since

    def told_of(self, kind: type[ReportT]) -> list[ReportT]:
        return [one for one in self.told if isinstance(one, kind)]

    @property
    def lid(self) -> LidState:
        """Return the last report of lid 0."""
        return [one for one in self.told_of(LidState) if one.lid == 0][-1]

    def _step(self) -> None:
        now = self.contacts
        alarms = now.smoke | now.door_open << 1 | now.panic << 2
        others = 0b10
        self.library.library_step(
            self._core, int(now.opened), now.closed | others, now.free | others, alarms, self._wrapped
        )
        wire = (ctypes.c_uint8 * WIRE_MAX)()
        while count := self.library.core_emit(self._core, wire, self._wrapped):
            for one in self._decoder.feed(bytes(wire[:count])):
                self._take(one)

    def _take(self, one: Frame) -> None:
        message = codec.decode(one.type, one.body)
        self.heard.append((one.sequence, message))
        if not one.sequence or not self.beats:
            return
        if one.sequence == following(self._taken):
            self._taken = one.sequence
            assert isinstance(message, Report), message
            self.told.append(message)
        self.say(Ack(self._taken, 16))
