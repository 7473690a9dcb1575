"""The station's end of its eye: bounded requests, and one fault while the eye does not answer."""

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
from edge.messages import ChamberChanged, FaultCleared, FaultRaised, Photo
from edge.part_kinds import EYE
from edge.ports import CameraError, ClassifierError, Clock, Inbox
from models.verdict import Verdict

log = logging.getLogger(__name__)

STEADY_S = 2.0
"""An eye that has answered for so long is back: one that dies again and again is one fault, not many."""
SHOW_S = 0.5
"""How long the screen waits for a picture."""
OF_THE_WAIT = 0.9
"""The share of a visit's own wait after which a request is given up: it is answered before it is overdue."""


@dataclass(frozen=True, slots=True)
class EyePhoto:
    """A picture that the eye keeps: the number of the request that took it."""

    request: int
    brightness: float
    """Its mean, 0 to 255."""


@dataclass(slots=True)
class _Waiting:
    """A thread that waits for an answer."""

    came: threading.Event
    answer: Answer | None = None


class _EyeSilentError(Exception):
    """No answer came. `is_late`: the eye is there and did not answer in time."""

    def __init__(self, what: str, *, is_late: bool) -> None:
        self.is_late = is_late
        super().__init__(what)


class EyeLink:
    """Asks the eye of this station. Implements `edge.ports.Camera` and `edge.ports.Classifier`.

    Until it answers, and whenever it hangs or talks nonsense, the station has the fault EYE_LOST: deposits go
    unseen in the resident's favour. `lid_moved` never blocks; `take`, `classify` and `show` are for workers.
    """

    def __init__(
        self, folder: Path, bins: Collection[str], waits: tuple[float, float], clock: Clock, inbox: Inbox
    ) -> None:
        """Ask the eye whose socket is in `folder`. `waits`: for photos and for a verdict, in seconds."""
        self._bins, self._clock, self._inbox = frozenset(bins), clock, inbox
        self._take_s, self._judge_s = (OF_THE_WAIT * wait_s for wait_s in waits)
        self._link = LocalLink("eye", [folder / SOCKET], MAX_PACKET)
        self._link.met, self._link.hear, self._link.lost = self._met, self._hear, self._lost
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting: dict[int, _Waiting] = {}
        self._open: set[str] = set()
        self._is_lost: bool | None = None
        self._met_at = 0.0
        self._has_said_hello = False
        self._says: frozenset[EyeFault] = frozenset()
        """The faults that the eye says are up."""
        self._posted: frozenset[EyeFault] = frozenset()

    def start(self) -> None:
        """Begin to connect; once."""
        self._link.start()

    def stop(self) -> None:
        """Hang up; whoever waits for an answer has none."""
        self._link.stop()
        self._answer_nobody()

    # --- asking ---------------------------------------------------------------------------------

    def lid_moved(self, bin_id: str, *, is_open: bool) -> None:
        """Have a bin watched from when its lid stands open until it is shut; from any thread, at once."""
        if bin_id not in self._bins:
            return
        with self._lock:
            (self._open.add if is_open else self._open.discard)(bin_id)
        self._link.send(packed(WatchBin(bin_id, is_open)))

    def take(self, bin_id: str) -> tuple[Photo, ...]:
        """Have a bin photographed. CameraError when there is no picture, or no answer in time."""
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
        """Have the model look at what `take` gave. ClassifierError when it cannot, or without answer."""
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
        """Have the eye write a picture for the panel; whether it stands there."""
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

    def _ask(self, number: int, packet: bytes, within_s: float) -> Answer:
        waiting = _Waiting(threading.Event())
        with self._lock:
            self._waiting[number] = waiting
        try:
            if not self._has_said_hello or not self._link.send(
                packet
            ):  # one that hangs takes in what is sent
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
        """Wake who waits for this; what comes too late is dropped."""
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
        """Let the fault end once the eye has answered for a while, and what an earlier eye told with it."""
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
