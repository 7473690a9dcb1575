"""What station and eye say to each other survives the socket, and nothing else is taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.sorting import Category
from edge.eye.protocol import (
    MAX_PACKET,
    BinChanged,
    EyeFault,
    EyeReport,
    EyeRequest,
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
    eye_request_in,
    packed,
)
from edge.faults import FaultCode
from edge.local.protocol import Beat, Taken
from models.verdict import Verdict, VerdictState

LOST = EyeFault(FaultCode.CAMERA_FAILED, "over")
REQUESTS: list[EyeRequest] = [
    WatchBin("kitchen", is_open=True),
    TakePhotos(1, "kitchen", 5.0),
    JudgePhotos(2, 1, 5.0),
    ShowPhoto(3, 1, 5.0),
    KeepClip("boot", 3.0, 1, "kitchen", 5.0, consents=True, is_appealed=True, has_alarm=True, photos=1),
    KeepClip("boot", 3.0, 2, "kitchen", 6.0),
]
REPORTS: list[EyeReport] = [
    Sees((LOST,)),
    FaultTold(LOST, is_raised=True, at=5.0),
    BinChanged("kitchen", 5.0),
    Beat(),
    Taken(),
    PhotosReady(1, 80.5),
    VerdictReady(2, Verdict(VerdictState.OK, Category.KITCHEN, "banana_peel", 0.9, "waste-1")),
    PhotoShown(3),
    RequestFailed(4, "no picture" * 20, is_fault=True),
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_request_is_read_as_it_was_said(request_: EyeRequest) -> None:
    assert eye_request_in(packed(request_)) == request_


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_is_read_as_it_was_said_and_fits_into_a_packet(report: EyeReport) -> None:
    assert eye_report_in(packed(report)) == report
    assert len(packed(report)) < MAX_PACKET


@given(st.binary(max_size=200))
def test_noise_is_neither(noise: bytes) -> None:
    assert eye_request_in(noise) is None
    assert eye_report_in(noise) is None


@pytest.mark.parametrize(
    "packet",
    [
        packed(Sees((EyeFault(FaultCode.LID_STUCK_OPEN, "kitchen"),))),
        packed(FaultTold(EyeFault(FaultCode.PANIC, "station"), is_raised=True, at=1.0)),
        packed(BinChanged("k" * 65, 5.0)),
        packed(BinChanged("kitchen", -1.0)),
        packed(PhotosReady(1, 900.0)),
        packed(VerdictReady(2, Verdict(VerdictState.UNSURE, None, None, 7.0, "waste-1"))),
        b'{"say":"judged","request":2,"verdict":{"state":"ok","category":null,"label":null,"probability":1,"model":"m"}}',
        b'{"say":"beat","more":1}',
    ],
)
def test_an_eye_may_tell_of_its_own_faults_and_of_possible_values_only(packet: bytes) -> None:
    assert eye_report_in(packet) is None
