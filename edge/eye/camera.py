"""A USB camera over the mouths of bins. Only this file and models/pixels.py import cv2.

A separate thread takes every frame from the driver, so that none is old when it is wanted; it decodes only
the frames that are used. If a read never returns (opencv#22677) or the driver repeats a frame (opencv#5221),
there is no fresh frame: `take` raises CameraError, and the camera has a fault.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from config.errors import InputError
from config.process.threads import Complaints, thread
from config.station import CameraSection
from edge.eye.change_gate import Gate, GateRules, arm, grid_of, look
from edge.eye.clips.mask import Point
from edge.eye.clips.memory import ClipMemory
from edge.eye.clips.ring import RingFrame
from edge.eye.crop import Crop, Picture, Region, crop, cut
from edge.eye.health.frames import UNUSABLE, FrameHealth, flaw_of
from edge.eye.newest_frame import Frame, NewestFrame
from edge.faults import FaultCode
from edge.hardware.polled_thread import PolledThread
from edge.messages import ChamberChanged, FaultCleared, FaultRaised
from edge.ports import CameraError, Clock, Inbox

log = logging.getLogger(__name__)

PHOTOS = 3
SPACING_S = 0.1
"""Time between the photos of one deposit, so that one blurred photo is outvoted."""
GATE_LOOK_S = 0.06
"""A region is compared this often while its lid is open: sixteen times a second is enough."""
_WATCH_S = 0.5
_JOIN_S = 1.0


@dataclass(frozen=True, slots=True)
class CameraTimings:
    """How long a camera is waited for."""

    fresh_s: float = 0.8
    """Timeout of one photo; three photos fit into the visit's timeout of a capture."""
    lost_s: float = 3.0
    """A camera without a new frame for this long has a fault."""
    idle_look_s: float = 0.5
    """A frame is decoded this often while none is wanted, to check that the camera works."""
    clip_idle_s: float = 0.2
    """The same for a camera with clips: the seconds before a lid opens belong to a clip, too."""
    retry_s: float = 2.0
    """A camera that failed is opened again after this long."""


class VideoDevice(Protocol):
    """The methods of cv2.VideoCapture that are used."""

    def grab(self) -> bool:
        """Take the next frame from the driver; blocks. Return False when there is none."""
        ...

    def retrieve(self) -> tuple[bool, NDArray[np.generic]]:
        """Decode the last frame taken, as BGR; False when it cannot be decoded."""
        ...

    def release(self) -> None:
        """Release the device."""
        ...


def open_capture(section: CameraSection) -> VideoDevice:
    """Open the real camera: a V4L2 number or device, or any address or file that cv2 can play."""
    source = section.source
    is_device = isinstance(source, int) or source.startswith("/dev/")
    capture = cv2.VideoCapture(source, cv2.CAP_V4L2) if is_device else cv2.VideoCapture(source)
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, section.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, section.height)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


@contextmanager
def frames_of(source: str | int) -> Iterator[Callable[[], Picture | None]]:
    """Open a camera and give a function that takes its next frame as RGB, None if none came.

    InputError if it cannot be opened.
    """
    capture = open_capture(CameraSection(id="camera", source=source))
    try:
        if not capture.grab():
            raise InputError(f"camera {source} gives no picture", "see that no other program has it")

        def next_frame() -> Picture | None:
            found, picture = capture.retrieve() if capture.grab() else (False, None)
            if not found or picture is None:
                return None
            return np.ascontiguousarray(picture[:, :, ::-1], np.uint8)

        yield next_frame
    finally:
        capture.release()


class UsbCamera:
    """One camera. Implements `edge.ports.Camera` for the bins in its picture.

    Photos are cut as `edge.eye.crop` says. While a bin's lid is open (see
    `lid_moved`), each thing that falls into its region is posted as ChamberChanged.
    """

    def __init__(  # noqa: PLR0913 (all that a camera depends on)
        self,
        section: CameraSection,
        regions: Mapping[str, Region],
        clock: Clock,
        inbox: Inbox,
        opener: Callable[[CameraSection], VideoDevice] = open_capture,
        timings: CameraTimings = CameraTimings(),
        *,
        trays: Sequence[Sequence[Point]] = (),
    ) -> None:
        """Set the camera up; `regions` by bin: left, top, right, bottom as shares of the picture.

        `trays` are the outlines of the trays in the picture: what is inside them is remembered for clips.
        """
        self._section = section
        self._regions = regions
        self._clock = clock
        self._inbox = inbox
        self._opener = opener
        self._timings = timings
        self._rules = GateRules()
        self._newest = NewestFrame(clock)
        self._memory = ClipMemory(trays)
        self._health = FrameHealth()
        self._lock = threading.Lock()
        self._takers = 0
        self._gates: dict[str, Gate] = {}
        self._look_at = clock.now()
        self._is_lost = False
        self._stopping = threading.Event()
        self._complaints = Complaints(log)
        self._thread = thread(self._run, f"camera {section.id}")
        self._watch = PolledThread(f"watch of camera {section.id}", self._check, lambda: None)

    def start(self) -> None:
        """Open the camera and begin to read frames. Call it once."""
        self._newest.begin()
        self._thread.start()
        self._watch.start()

    def stop(self) -> None:
        """Release the camera; waits about a second. A read that hangs ends with the process."""
        self._watch.stop()
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def take(self, bin_id: str) -> tuple[Crop, ...]:
        """Return three photos of a bin's region, none older than this call; CameraError if there are none."""
        if bin_id not in self._regions:
            raise CameraError(f"camera {self._section.id} does not look at bin {bin_id}")
        photos: list[Crop] = []
        fresh_s = self._timings.fresh_s
        not_before = self._clock.now()
        with self._taking():
            while len(photos) < PHOTOS:
                frame = self._newest.wait_for(not_before, fresh_s)
                if frame is None:
                    raise CameraError(f"camera {self._section.id} gave no new picture for {fresh_s} s")
                rgb = frame.picture[:, :, ::-1]
                photos.append(crop(rgb, self._regions[bin_id], frame.at))
                not_before = frame.at + SPACING_S
        return tuple(photos)

    def past(self, bin_id: str, begin: float, end: float) -> tuple[RingFrame, ...]:
        """Return the masked frames taken from `begin` to `end`; none without trays, or of another bin."""
        return self._memory.between(begin, end) if bin_id in self._regions else ()

    def lid_moved(self, bin_id: str, *, is_open: bool) -> None:
        """Watch a bin's region while its lid is open. Call it from any thread."""
        if bin_id not in self._regions:
            return
        with self._lock:
            if not is_open:
                self._gates.pop(bin_id, None)
            elif bin_id not in self._gates:  # a lid that reverses keeps its gate: what fell in is not lost
                self._gates[bin_id] = arm(self._clock.now())
                self._look_at = self._clock.now()

    @contextmanager
    def _taking(self) -> Iterator[None]:
        with self._lock:
            self._takers += 1
        try:
            yield
        finally:
            with self._lock:
                self._takers -= 1

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._read(self._opener(self._section))
            except Exception as error:  # noqa: BLE001 (the outermost loop: the camera is opened again)
                self._complaints.raised(f"camera {self._section.id} failed", error)
            self._stopping.wait(self._timings.retry_s)

    def _read(self, capture: VideoDevice) -> None:
        """Take frames until the camera has none or `stop` is called."""
        try:
            while not self._stopping.is_set() and capture.grab():
                now = self._clock.now()
                if not self._is_wanted(now):
                    continue
                is_whole, picture = capture.retrieve()
                if not is_whole:
                    return
                self._complaints.over()
                if self._note_flaw(picture, now) in UNUSABLE:
                    continue
                frame = self._newest.put(picture.astype(np.uint8, copy=False), now)
                if frame is not None:
                    self._look(frame)
                    self._memory.put(frame.picture[:, :, ::-1], frame.at)
        finally:
            capture.release()

    def _note_flaw(self, picture: NDArray[np.generic], now: float) -> FaultCode | None:
        """Return what is wrong with a frame; raise and clear the faults of flaws that last."""
        with self._lock:
            is_open = bool(self._gates)
        flaw = flaw_of(picture, is_open=is_open)
        before, self._health = self._health, self._health.look(flaw, now, is_open=is_open)
        for code in self._health.faults ^ before.faults:
            is_new = code in self._health.faults
            log.warning("camera %s: %s %s", self._section.id, code, "began" if is_new else "is over")
            kind = FaultRaised if is_new else FaultCleared
            self._inbox.post(kind(now, code, self._section.id))
        return flaw

    def _is_wanted(self, now: float) -> bool:
        """Return whether to decode this frame: decoding is most of a camera's load on a Pi."""
        with self._lock:
            if self._takers == 0 and now < self._look_at:
                return False
            idle_s = self._timings.clip_idle_s if self._memory.is_on else self._timings.idle_look_s
            self._look_at = now + (GATE_LOOK_S if self._gates else idle_s)
            return True

    def _look(self, frame: Frame) -> None:
        with self._lock:
            gates = dict(self._gates)
        for bin_id, gate in gates.items():
            grid = grid_of(cut(frame.picture, self._regions[bin_id]))
            after, has_changed = look(gate, grid, frame.at, self._rules)
            with self._lock:
                if self._gates.get(bin_id) is not gate:
                    continue  # its lid moved meanwhile
                self._gates[bin_id] = after
            if has_changed:
                self._inbox.post(ChamberChanged(frame.at, bin_id))

    def _check(self) -> float:
        """Raise the camera's fault when new frames stop, and clear it when they return."""
        is_lost = self._newest.age_s() > self._timings.lost_s
        if is_lost is not self._is_lost:
            self._is_lost = is_lost
            words = "no new picture; check its cable and its source" if is_lost else "sees again"
            log.warning("camera %s on %s: %s", self._section.id, self._section.source, words)
            kind = FaultRaised if is_lost else FaultCleared
            self._inbox.post(kind(self._clock.now(), FaultCode.CAMERA_FAILED, self._section.id))
        return _WATCH_S
