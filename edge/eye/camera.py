"""A USB camera over the mouths of bins. With models/pixels.py the only file that imports cv2.

A thread of its own takes every frame from the driver, so that none is old by the time it is wanted, and
decodes only those that somebody looks at. A read that never returns (opencv#22677) or a driver that
repeats itself (opencv#5221) leaves no fresh frame: `take` says so, and so does a fault.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from config.process.threads import Complaints, thread
from config.station import CameraSection
from edge.eye.change_gate import Gate, GateRules, arm, grid_of, look
from edge.eye.newest_frame import Frame, NewestFrame
from edge.faults import FaultCode
from edge.hardware.polled_thread import PolledThread
from edge.messages import ChamberChanged, FaultCleared, FaultRaised, Photo
from edge.ports import CameraError, Clock, Inbox

Region = tuple[float, float, float, float]
Picture = NDArray[np.uint8]

log = logging.getLogger(__name__)

PHOTOS = 3
SPACING_S = 0.1
"""Between the photos of one deposit, so that a blur or a glare of one moment is outvoted."""
FRESH_S = 0.8
"""How long a photo may take to come: three of them fit into the visit's wait for a capture."""
LOST_S = 3.0
"""Without a new frame for so long, the camera has a fault."""
IDLE_LOOK_S = 0.5
"""How often a frame is decoded while nobody looks, to know that the camera still sees."""
GATE_LOOK_S = 0.06
"""How often a region is compared while its lid is open: sixteen times a second is enough."""
RETRY_S = 2.0
_WATCH_S = 0.5
_JOIN_S = 1.0


class VideoDevice(Protocol):
    """What is needed of cv2.VideoCapture."""

    def grab(self) -> bool:
        """Take the next frame from the driver; blocks. False when there is none."""
        ...

    def retrieve(self) -> tuple[bool, NDArray[np.generic]]:
        """Decode the frame taken last, BGR."""
        ...

    def release(self) -> None:
        """Give the device back."""
        ...


def open_capture(section: CameraSection) -> VideoDevice:
    """The real camera: a V4L2 number or device, or else any address or file that cv2 can play."""
    source = section.source
    is_device = isinstance(source, int) or source.startswith("/dev/")
    capture = cv2.VideoCapture(source, cv2.CAP_V4L2) if is_device else cv2.VideoCapture(source)
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, section.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, section.height)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


class UsbCamera:
    """One camera. Implements `edge.ports.Camera` for the bins in its picture.

    Photos are RGB (height, width, 3) uint8, cut to the bin's region. While a bin's lid is open, as
    `lid_moved` is told, each thing that falls into its region is posted as ChamberChanged.
    """

    def __init__(
        self,
        section: CameraSection,
        regions: Mapping[str, Region],
        clock: Clock,
        inbox: Inbox,
        opener: Callable[[CameraSection], VideoDevice] = open_capture,
    ) -> None:
        """Look at `regions` by bin: left, top, right, bottom as shares of the picture. `start` begins."""
        self._section = section
        self._regions = regions
        self._clock = clock
        self._inbox = inbox
        self._opener = opener
        self._rules = GateRules()
        self._newest = NewestFrame(clock)
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
        """Open the camera and look; once."""
        self._newest.begin()
        self._thread.start()
        self._watch.start()

    def stop(self) -> None:
        """Give the camera back, within a second or so; a read that hangs is left behind to die with us."""
        self._watch.stop()
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def take(self, bin_id: str) -> tuple[Photo, ...]:
        """Give three photos of a bin's region, none older than this call. CameraError without fresh ones."""
        if bin_id not in self._regions:
            raise CameraError(f"camera {self._section.id} does not look at bin {bin_id}")
        photos: list[Photo] = []
        not_before = self._clock.now()
        with self._taking():
            while len(photos) < PHOTOS:
                frame = self._newest.wait_for(not_before, FRESH_S)
                if frame is None:
                    raise CameraError(f"camera {self._section.id} gave no new picture for {FRESH_S} s")
                part = _cut(frame.picture, self._regions[bin_id])
                photos.append(cv2.cvtColor(part, cv2.COLOR_BGR2RGB))
                not_before = frame.at + SPACING_S
        return tuple(photos)

    def lid_moved(self, bin_id: str, *, is_open: bool) -> None:
        """Watch a bin's region from when its lid stands open until it is shut; from any thread."""
        if bin_id not in self._regions:
            return
        with self._lock:
            if not is_open:
                self._gates.pop(bin_id, None)
            elif bin_id not in self._gates:  # a lid that was reversed must not make us forget what fell in
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
            self._stopping.wait(RETRY_S)

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
                frame = self._newest.put(picture.astype(np.uint8, copy=False), now)
                if frame is not None:
                    self._look(frame)
        finally:
            capture.release()

    def _is_wanted(self, now: float) -> bool:
        """Whether the frame at hand is worth decoding, which costs a Pi most of what a camera does."""
        with self._lock:
            if self._takers == 0 and now < self._look_at:
                return False
            self._look_at = now + (GATE_LOOK_S if self._gates else IDLE_LOOK_S)
            return True

    def _look(self, frame: Frame) -> None:
        with self._lock:
            gates = dict(self._gates)
        for bin_id, gate in gates.items():
            grid = grid_of(_cut(frame.picture, self._regions[bin_id]))
            after, has_changed = look(gate, grid, frame.at, self._rules)
            with self._lock:
                if self._gates.get(bin_id) is not gate:
                    continue  # its lid moved meanwhile
                self._gates[bin_id] = after
            if has_changed:
                self._inbox.post(ChamberChanged(frame.at, bin_id))

    def _check(self) -> float:
        """Raise the camera's fault when it has stopped seeing, and clear it when it sees again."""
        is_lost = self._newest.age_s() > LOST_S
        if is_lost is not self._is_lost:
            self._is_lost = is_lost
            words = "no new picture; check its cable and its source" if is_lost else "sees again"
            log.warning("camera %s on %s: %s", self._section.id, self._section.source, words)
            kind = FaultRaised if is_lost else FaultCleared
            self._inbox.post(kind(self._clock.now(), FaultCode.CAMERA_FAILED, self._section.id))
        return _WATCH_S


def _cut(picture: Picture, region: Region) -> Picture:
    """A region of a picture, at least one pixel each way."""
    height, width = picture.shape[:2]
    left, top = int(region[0] * width), int(region[1] * height)
    right, bottom = max(left + 1, round(region[2] * width)), max(top + 1, round(region[3] * height))
    return picture[top:bottom, left:right]
