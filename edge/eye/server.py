"""The eye's loop: serves one station at a time; cameras and model work in their own threads."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from cloud_sync.service.systemd import Notifier
from edge.eye.outbound import EyeOutbound
from edge.eye.protocol import (
    KEPT_PHOTOS,
    MAX_PACKET,
    SOCKET,
    Answer,
    JudgePhotos,
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
from edge.ports import Camera, CameraError, Classifier, ClassifierError, Clock
from models.pixels import Rgb

log = logging.getLogger(__name__)

NAME = SocketName(SOCKET, "eye.lock", "eye", "the eye's", "one process has the cameras")
HANGING_S = 45.0
"""A request that runs this long hangs; the eye then stops its watchdog pings and systemd restarts it.
The model's own timeout of one classification is 30 s."""
_WHY = 300

Questions = TakePhotos | JudgePhotos | ShowPhoto


class WatchfulCamera(Camera, Protocol):
    """A camera that reports what falls into a bin while its lid is open."""

    def lid_moved(self, bin_id: str, *, is_open: bool) -> None:
        """Watch a bin while its lid is open."""
        ...


@dataclass(frozen=True, slots=True)
class Organs:
    """The parts of an eye."""

    camera: WatchfulCamera
    model: Classifier
    show: Callable[[Photo], None]
    """Writes a picture for the panel; OSError if the folder cannot be written."""


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
        self._photos: OrderedDict[int, tuple[Photo, ...]] = OrderedDict()
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
            case TakePhotos(bin=bin_id):
                self._begin("camera", request, partial(self._photograph, request.request, bin_id))
            case JudgePhotos(photos=photos):
                self._begin("model", request, partial(self._judge, request.request, photos))
            case ShowPhoto(photos=photos):
                self._begin("screen", request, partial(self._show, request.request, photos))

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
            self._photos[number] = photos
            while len(self._photos) > KEPT_PHOTOS:
                self._photos.popitem(last=False)
        return PhotosReady(number, float(np.asarray(photos[-1]).mean()))

    def _judge(self, number: int, photos: int) -> Answer:
        """Classify kept photos. Only here are frames given to the neural network."""
        frames = self._kept(photos)
        if frames is None:
            return _forgotten(number)
        try:
            return VerdictReady(number, self._organs.model.classify(frames))
        except ClassifierError as error:
            return RequestFailed(number, str(error)[:_WHY])

    def _show(self, number: int, photos: int) -> Answer:
        frames = self._kept(photos)
        if frames is None:
            return _forgotten(number)
        try:
            self._organs.show(cast("Rgb", frames[-1]))
        except OSError as error:
            return RequestFailed(number, f"the screen's folder cannot be written: {error}"[:_WHY])
        return PhotoShown(number)

    def _kept(self, photos: int) -> tuple[Photo, ...] | None:
        with self._lock:
            return self._photos.get(photos)


def _forgotten(number: int) -> RequestFailed:
    return RequestFailed(number, "its pictures are not here any more", is_fault=False)
