"""Messages between the station and the eye; see also edge/local/protocol.py. Pure.

Pictures are never sent: the eye keeps the last few, and the station names one by the number of the request
that took it. A request carries its deadline; the eye does not begin work after it.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from edge.faults import FaultCode
from edge.local.protocol import Beat, Moment, Taken
from models.verdict import Verdict

SOCKET = "eye.sock"
"""In the station's runtime folder."""
MAX_PACKET = 4096
"""Bytes; every message is much shorter."""
KEPT_PHOTOS = 8
"""The eye keeps the pictures of this many deposits: as many as may wait for the model."""
FAULTS = frozenset(
    {
        FaultCode.CAMERA_COVERED,
        FaultCode.CAMERA_DARK,
        FaultCode.CAMERA_FAILED,
        FaultCode.CAMERA_TORN,
        FaultCode.CLIPS_FAILED,
        FaultCode.CLOCK_STEPPED,
        FaultCode.MODEL_FAILED,
        FaultCode.MODEL_REFUSED,
    }
)
"""The faults that an eye may report."""

Number = Annotated[int, Meta(ge=0)]
Text = Annotated[str, Meta(max_length=300)]
Id = Annotated[str, Meta(max_length=64)]


class WatchBin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="watch"):
    """Report each thing that falls into a bin while its lid is open; stop when it is shut."""

    bin: str
    is_open: bool


class TakePhotos(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="take"):
    """Photograph a bin's mouth now; answered by PhotosReady or RequestFailed."""

    request: Number
    bin: str
    by: Moment


class JudgePhotos(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="judge"):
    """Classify what the request `photos` took; answered by VerdictReady or RequestFailed."""

    request: Number
    photos: Number
    by: Moment


class ShowPhoto(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="show"):
    """Write the last picture of the request `photos` for the panel.

    Answered by PhotoShown or RequestFailed.
    """

    request: Number
    photos: Number
    by: Moment


class KeepClip(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="keep"):
    """A deposit was judged; keep a clip of it if it is worth one. There is no answer.

    `boot` and `visit_at` name the visit: see `edge.eye.clips.record.VisitName`. `photos` is the request that
    took its pictures, None if there are none. Sent again if an alarm begins soon after.
    """

    boot: Id
    visit_at: Moment
    deposit: Number
    bin: Id
    at: Moment
    consents: bool = False
    is_appealed: bool = False
    has_alarm: bool = False
    photos: Number | None = None


class EyeFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault of a camera or of the model."""

    code: FaultCode
    part: Id


class Sees(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="sees"):
    """The eye's first message after a connection: its active faults."""

    faults: Annotated[tuple[EyeFault, ...], Meta(max_length=32)] = ()


class FaultTold(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="fault"):
    """A fault began or ended at `at`."""

    fault: EyeFault
    is_raised: bool
    at: Moment


class BinChanged(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="changed"):
    """Something was thrown into a watched bin, and came to rest at `at`."""

    bin: Id
    at: Moment


class PhotosReady(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="photos"):
    """A bin was photographed. `brightness` is the last picture's mean, 0 to 255."""

    request: Number
    brightness: Annotated[float, Meta(ge=0, le=255)]


class VerdictReady(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="judged"):
    """The model's verdict."""

    request: Number
    verdict: Verdict


class PhotoShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="shown"):
    """The picture is in the runtime folder."""

    request: Number


class RequestFailed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="failed"):
    """A request failed. `is_fault`: because the camera or the model does not work."""

    request: Number
    why: Text
    is_fault: bool = True


EyeRequest = WatchBin | TakePhotos | JudgePhotos | ShowPhoto | KeepClip
Answer = PhotosReady | VerdictReady | PhotoShown | RequestFailed
EyeReport = Sees | FaultTold | BinChanged | Beat | Taken | Answer


def packed(said: EyeRequest | EyeReport) -> bytes:
    """Encode a request or a report as a packet."""
    return msgspec.json.encode(said)


def eye_request_in(packet: bytes) -> EyeRequest | None:
    """Decode a station's request; None for an invalid packet."""
    try:
        request: EyeRequest = msgspec.json.decode(packet, type=EyeRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return request


def eye_report_in(packet: bytes) -> EyeReport | None:
    """Decode an eye's report; None for an invalid packet or for a fault that an eye cannot have."""
    try:
        report: EyeReport = msgspec.json.decode(packet, type=EyeReport)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    match report:
        case Sees(faults) if any(fault.code not in FAULTS for fault in faults):
            return None
        case FaultTold(fault) if fault.code not in FAULTS:
            return None
        case VerdictReady(verdict=verdict) if not 0 <= verdict.probability <= 1:
            return None
    return report
