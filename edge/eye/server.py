"""The eye's loop: serves one station at a time; cameras and model work in their own threads."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from cloud_sync.service.systemd import Notifier
from edge.eye.clips.recorder import JudgedCrop
from edge.eye.clips.ring import RingFrame
from edge.eye.crop import Crop
from edge.eye.outbound import EyeOutbound
from edge.eye.protocol import (
    KEPT_PHOTOS,
    MAX_PACKET,
    SOCKET,
    Answer,
    JudgePhotos,
    KeepClip,
    PhotoShown,
    PhotosReady,
    RequestFailed,
    ShowPhoto,
    TakePhotos,
    VerdictReady,
    WatchBin,
    eye_request_in,
    packed,
)
from edge.local.protocol import BEAT_S, Beat, Taken
from edge.local.server import LocalServer, SocketName
from edge.loop.workers import ThreadWorkers
from edge.messages import Photo
from edge.ports import CameraError, ClassifierError, Clock
from models.verdict import Ballot

log = logging.getLogger(__name__)

NAME = SocketName(SOCKET, "eye.lock", "eye", "the eye's", "one process has the cameras")
HANGING_S = 45.0
"""A request that runs this long hangs; the eye then stops its watchdog pings and systemd restarts it.
The model's own timeout of one classification is 30 s."""
_WHY = 300

Questions = TakePhotos | JudgePhotos | ShowPhoto


class WatchfulCamera(Protocol):
    """A camera that reports what falls into a bin while its lid is open."""

    def take(self, bin_id: str) -> tuple[Crop, ...]:
        """Return a few fresh frames of a bin, cut for the network; blocks. CameraError if there is none."""
        ...

    def past(self, bin_id: str, begin: float, end: float) -> tuple[RingFrame, ...]:
        """Return the masked frames of a bin's camera that were taken from `begin` to `end`."""
        ...

    def lid_moved(self, bin_id: str, *, is_open: bool) -> None:
        """Watch a bin while its lid is open."""
        ...


class Judging(Protocol):
    """A model that says what its verdict was made of."""

    def ballot(self, pictures: Sequence[Photo]) -> Ballot:
        """Return the verdict over several frames of one deposit; blocks. ClassifierError if it cannot."""
        ...


class Clips(Protocol):
    """Keeps clips of chosen deposits; neither method waits."""

    def want(self, keep: KeepClip, judged: JudgedCrop | None) -> None:
        """Keep a clip of a deposit if it is worth one."""
        ...

    def turn(self) -> None:
        """Do what is due; called every half second."""
        ...


@dataclass(frozen=True, slots=True)
class Organs:
    """The parts of an eye."""

    camera: WatchfulCamera
    model: Judging
    show: Callable[[str, Crop], None]
    """Writes a bin's picture for the panel; OSError if the folder cannot be written."""
    clips: Clips | None = None
    """None if no bin has clips."""


@dataclass(slots=True)
class _Taken:
    """What one request took, and what the model said of it."""

    bin: str
    crops: tuple[Crop, ...]
    ballot: Ballot | None = None


class EyeServer:
    """Serves a station's requests from a socket until `stop`."""

    def __init__(
        self, folders: Sequence[Path], organs: Organs, outbound: EyeOutbound, clock: Clock, notifier: Notifier
    ) -> None:
        """Listen in the first of `folders` that can be written; InputError if another eye runs."""
        self._organs, self._outbound, self._clock, self._notifier = organs, outbound, clock, notifier
        self._server = LocalServer(folders, NAME, outbound, MAX_PACKET, packed(Taken()))
        self._server.greet, self._server.hear, self._server.gone = outbound.greet, self._hear, self._gone
        self._workers = ThreadWorkers(outbound)
        self._lock = threading.Lock()
        self._photos: OrderedDict[int, _Taken] = OrderedDict()
        self._since: dict[int, float] = {}
        """When each running request began."""
        self._watched: set[str] = set()
        self._beat_at = 0.0

    def run(self) -> None:
        """Serve until `stop` is called."""
        self._notifier.ready()
        self._server.run(self.turn)

    def stop(self) -> None:
        """Make `run` return. Call it from any thread or a signal handler."""
        self._server.stop()

    def turn(self) -> None:
        """Ping systemd and send a beat to the station, unless a request hangs."""
        now = self._clock.now()
        with self._lock:
            oldest = min(self._since.values(), default=now)
        if now - oldest >= HANGING_S:
            return
        self._notifier.pet()
        if self._organs.clips is not None:
            self._organs.clips.turn()
        if now >= self._beat_at:
            self._beat_at = now + BEAT_S
            self._outbound.send(Beat())

    def close(self) -> None:
        """Disconnect the station, release the folder and end the workers."""
        self._server.close()
        self._workers.stop()

    def _hear(self, packet: bytes) -> None:
        request = eye_request_in(packet)
        match request:
            case None:
                log.error("a request that is none was ignored")
            case WatchBin(bin_id, is_open):
                (self._watched.add if is_open else self._watched.discard)(bin_id)
                self._organs.camera.lid_moved(bin_id, is_open=is_open)
            case KeepClip():
                self._keep_clip(request)
            case TakePhotos(bin=bin_id):
                self._begin("camera", request, partial(self._photograph, request.request, bin_id))
            case JudgePhotos(photos=photos):
                self._begin("model", request, partial(self._judge, request.request, photos))
            case ShowPhoto(photos=photos):
                self._begin("screen", request, partial(self._show, request.request, photos))

    def _keep_clip(self, keep: KeepClip) -> None:
        taken = None if keep.photos is None else self._kept(keep.photos)
        judged = None
        if taken is not None and taken.ballot is not None:
            judged = JudgedCrop(taken.ballot, taken.crops[-1].box, taken.crops[-1].at)
        if self._organs.clips is not None:
            self._organs.clips.want(keep, judged)

    def _gone(self) -> None:
        """Forget a disconnected station's photos and watched bins; the next one says which lids are open."""
        with self._lock:
            self._photos.clear()
        for bin_id in self._watched:
            self._organs.camera.lid_moved(bin_id, is_open=False)
        self._watched.clear()

    def _begin(self, device: str, request: Questions, work: Callable[[], Answer]) -> None:
        def job() -> None:
            number = request.request
            if self._clock.now() > request.by:
                self._outbound.send(RequestFailed(number, "there was no time for it", is_fault=False))
                return
            with self._lock:
                self._since[number] = self._clock.now()
            try:
                self._outbound.send(work())
            finally:
                with self._lock:
                    del self._since[number]

        self._workers.submit(device, job, None)

    def _photograph(self, number: int, bin_id: str) -> Answer:
        try:
            photos = self._organs.camera.take(bin_id)
        except CameraError as error:
            return RequestFailed(number, str(error)[:_WHY])
        with self._lock:
            self._photos[number] = _Taken(bin_id, photos)
            while len(self._photos) > KEPT_PHOTOS:
                self._photos.popitem(last=False)
        return PhotosReady(number, float(photos[-1].picture.mean()))

    def _judge(self, number: int, photos: int) -> Answer:
        """Classify kept photos. Only here are frames given to the neural network."""
        taken = self._kept(photos)
        if taken is None:
            return _forgotten(number)
        try:
            taken.ballot = self._organs.model.ballot([crop.picture for crop in taken.crops])
        except ClassifierError as error:
            return RequestFailed(number, str(error)[:_WHY])
        return VerdictReady(number, taken.ballot.verdict)

    def _show(self, number: int, photos: int) -> Answer:
        taken = self._kept(photos)
        if taken is None:
            return _forgotten(number)
        try:
            self._organs.show(taken.bin, taken.crops[-1])
        except OSError as error:
            return RequestFailed(number, f"the screen's folder cannot be written: {error}"[:_WHY])
        return PhotoShown(number)

    def _kept(self, photos: int) -> _Taken | None:
        with self._lock:
            return self._photos.get(photos)


def _forgotten(number: int) -> RequestFailed:
    return RequestFailed(number, "its pictures are not here any more", is_fault=False)
