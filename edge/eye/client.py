"""The station's client of the eye process: requests with a timeout, and one fault while it is lost."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.eye.protocol import (
    MAX_PACKET,
    SOCKET,
    Answer,
    BinChanged,
    EyeFault,
    FaultTold,
    JudgePhotos,
    KeepClip,
    PhotoShown,
    PhotosReady,
    RequestFailed,
    Sees,
    ShowPhoto,
    TakePhotos,
    VerdictReady,
    WatchBin,
    eye_report_in,
    packed,
)
from edge.faults import FaultCode
from edge.local.link import LocalLink, NonsenseError
from edge.local.protocol import Beat, Taken
from edge.loop.clocks import boot_id
from edge.messages import ChamberChanged, FaultCleared, FaultRaised, Photo
from edge.part_kinds import EYE
from edge.ports import CameraError, ClassifierError, Clock, Inbox
from edge.visit.offering import OfferClip
from models.verdict import Verdict

log = logging.getLogger(__name__)

STEADY_S = 2.0
"""The fault clears after this long without a loss: an eye that dies repeatedly is one fault, not many."""
SHOW_S = 0.5
"""Timeout of writing a picture for the screen."""
OF_THE_WAIT = 0.9
"""Timeout of a request as a share of the visit's own, so that it ends before the visit's does."""


@dataclass(frozen=True, slots=True)
class EyePhoto:
    """A picture that the eye keeps, named by the number of the request that took it."""

    request: int
    brightness: float
    """Its mean, 0 to 255."""


@dataclass(slots=True)
class _Waiting:
    """A thread that waits for an answer."""

    came: threading.Event
    answer: Answer | None = None


class _EyeSilentError(Exception):
    """No answer came. `is_late`: the eye is connected but did not answer in time."""

    def __init__(self, what: str, *, is_late: bool) -> None:
        self.is_late = is_late
        super().__init__(what)


class EyeLink:
    """Sends requests to the eye process. Implements `edge.ports.Camera` and `edge.ports.Classifier`.

    While the eye does not answer or sends invalid packets, the station has the fault EYE_LOST: deposits go
    unseen, in the resident's favour. `lid_moved` never blocks; `take`, `classify` and `show` block, so call
    them from workers.
    """

    def __init__(
        self, folder: Path, bins: Collection[str], waits: tuple[float, float], clock: Clock, inbox: Inbox
    ) -> None:
        """Use the socket in `folder`. `waits`: a visit's timeouts of photos and of a verdict, in seconds."""
        self._bins, self._clock, self._inbox = frozenset(bins), clock, inbox
        self._take_s, self._judge_s = (OF_THE_WAIT * wait_s for wait_s in waits)
        self._link = LocalLink("eye", [folder / SOCKET], MAX_PACKET)
        self._link.met, self._link.hear, self._link.lost = self._met, self._hear, self._lost
        self._numbers = itertools.count(1)
        self._boot = boot_id()
        self._lock = threading.Lock()
        self._waiting: dict[int, _Waiting] = {}
        self._open: set[str] = set()
        self._is_lost: bool | None = None
        self._met_at = 0.0
        self._has_said_hello = False
        self._says: frozenset[EyeFault] = frozenset()
        """The faults that the eye reports as active."""
        self._posted: frozenset[EyeFault] = frozenset()

    def start(self) -> None:
        """Begin to connect. Call it once."""
        self._link.start()

    def stop(self) -> None:
        """Disconnect; threads that wait for an answer return without one."""
        self._link.stop()
        self._answer_nobody()

    def end_process(self) -> bool:
        """Ask the eye process to end; return whether it is connected."""
        return self._link.end_server()

    # --- asking ---------------------------------------------------------------------------------

    def lid_moved(self, bin_id: str, *, is_open: bool) -> None:
        """Have a bin watched while its lid is open. Returns at once; call it from any thread."""
        if bin_id not in self._bins:
            return
        with self._lock:
            (self._open.add if is_open else self._open.discard)(bin_id)
        self._link.send(packed(WatchBin(bin_id, is_open)))

    def take(self, bin_id: str) -> tuple[Photo, ...]:
        """Have a bin photographed; CameraError if there is no picture, or no answer in time."""
        if bin_id not in self._bins:
            raise CameraError(f"no camera looks at bin {bin_id}")
        number, by = next(self._numbers), self._clock.now() + self._take_s
        try:
            answer = self._ask(number, packed(TakePhotos(number, bin_id, by)), self._take_s)
        except _EyeSilentError as error:
            raise CameraError(str(error), is_fault=error.is_late) from None
        match answer:
            case PhotosReady(request, brightness):
                return (EyePhoto(request, brightness),)
            case RequestFailed(_, why, is_fault):
                raise CameraError(why, is_fault=is_fault)
        raise CameraError("the eye answered something else", is_fault=False)

    def classify(self, pictures: Sequence[Photo]) -> Verdict:
        """Have the model classify what `take` returned; ClassifierError if it cannot, or does not answer."""
        photos = [one.request for one in pictures if isinstance(one, EyePhoto)]
        if not photos:
            raise ClassifierError("a verdict needs a picture")
        number, by = next(self._numbers), self._clock.now() + self._judge_s
        try:
            answer = self._ask(number, packed(JudgePhotos(number, photos[-1], by)), self._judge_s)
        except _EyeSilentError as error:
            raise ClassifierError(str(error), is_fault=error.is_late) from None
        match answer:
            case VerdictReady(_, verdict):
                return verdict
            case RequestFailed(_, why, is_fault):
                raise ClassifierError(why, is_fault=is_fault)
        raise ClassifierError("the eye answered something else", is_fault=False)

    def show(self, photo: Photo) -> bool:
        """Have the eye write a picture for the panel; return whether it is written."""
        if not isinstance(photo, EyePhoto):
            return False
        number = next(self._numbers)
        request = ShowPhoto(number, photo.request, self._clock.now() + SHOW_S)
        try:
            answer = self._ask(number, packed(request), SHOW_S)
        except _EyeSilentError:
            return False
        if isinstance(answer, RequestFailed):
            log.warning("the eye shows no picture: %s", answer.why)
        return isinstance(answer, PhotoShown)

    def offer(self, clip: OfferClip) -> None:
        """Offer a deposit for a clip. Returns at once; a clip is lost if no eye is connected."""
        photos = [one.request for one in clip.photos if isinstance(one, EyePhoto)]
        keep = KeepClip(
            self._boot,
            clip.visit_at,
            clip.deposit,
            clip.bin,
            clip.at,
            clip.filming.consents,
            clip.filming.is_appealed,
            clip.has_alarm,
            photos[-1] if photos else None,
        )
        if clip.bin in self._bins:
            self._link.send(packed(keep))

    def _ask(self, number: int, packet: bytes, within_s: float) -> Answer:
        waiting = _Waiting(threading.Event())
        with self._lock:
            self._waiting[number] = waiting
        try:
            if not self._has_said_hello or not self._link.send(
                packet
            ):  # before its hello an eye may hang: the kernel would still accept the packet
                raise _EyeSilentError("the eye does not answer", is_late=False)
            came = waiting.came.wait(within_s)
        finally:
            with self._lock:
                self._waiting.pop(number, None)
        if waiting.answer is None:
            raise _EyeSilentError("the eye gave no answer in time", is_late=not came)
        return waiting.answer

    # --- hearing --------------------------------------------------------------------------------

    def _met(self) -> None:
        self._met_at, self._has_said_hello = self._clock.now(), False
        with self._lock:
            are_open = tuple(self._open)
        for bin_id in are_open:
            self._link.send(packed(WatchBin(bin_id, is_open=True)))

    def _hear(self, packet: bytes) -> None:
        report = eye_report_in(packet)
        match report:
            case None:
                raise NonsenseError("it said what is no report")
            case Sees(faults):
                self._says, self._has_said_hello = frozenset(faults), True
                self._raise_new()
            case FaultTold(fault, is_raised, _):
                self._says = self._says | {fault} if is_raised else self._says - {fault}
                self._raise_new() if is_raised else self._clear({fault})
            case BinChanged(bin_id, at) if bin_id in self._bins:
                now = self._clock.now()
                self._inbox.post(ChamberChanged(now, bin_id, seen_at=min(at, now)))
            case Beat():
                self._note_steady()
            case Taken():
                raise OSError("another station has the eye")
            case PhotosReady() | VerdictReady() | PhotoShown() | RequestFailed():
                self._answer(report)

    def _answer(self, answer: Answer) -> None:
        """Wake the thread that waits for this answer; drop an answer that comes too late."""
        with self._lock:
            waiting = self._waiting.get(answer.request)
        if waiting is not None:
            waiting.answer = answer
            waiting.came.set()

    def _answer_nobody(self) -> None:
        with self._lock:
            waiting = tuple(self._waiting.values())
        for one in waiting:
            one.came.set()

    def _lost(self, why: str) -> None:
        self._has_said_hello = False
        self._answer_nobody()
        if self._link.is_stopping or self._is_lost:
            return
        log.error("the eye does not answer (%s); deposits go unseen until it does", why)
        self._is_lost = True
        self._inbox.post(FaultRaised(self._clock.now(), FaultCode.EYE_LOST, EYE))

    def _note_steady(self) -> None:
        """Clear EYE_LOST once the eye has answered for STEADY_S, and faults that only an earlier eye had."""
        if self._clock.now() < self._met_at + STEADY_S and self._is_lost:
            return
        if self._is_lost is not False:
            log.info("the eye answers")
            if self._is_lost:
                self._inbox.post(FaultCleared(self._clock.now(), FaultCode.EYE_LOST, EYE))
            self._is_lost = False
        if self._clock.now() >= self._met_at + STEADY_S:
            self._clear(self._posted - self._says)

    def _raise_new(self) -> None:
        for fault in self._says - self._posted:
            self._inbox.post(FaultRaised(self._clock.now(), fault.code, fault.part))
        self._posted |= self._says

    def _clear(self, faults: Collection[EyeFault]) -> None:
        for fault in faults:
            self._inbox.post(FaultCleared(self._clock.now(), fault.code, fault.part))
        self._posted -= frozenset(faults)
