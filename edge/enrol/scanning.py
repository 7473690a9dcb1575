"""Finds an enrolment code's QR in a picture. Only this file imports zxing-cpp."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import zxingcpp
from numpy.typing import NDArray

from cloud_sync.wire.enrolment_code import PREFIX, EnrolmentCode, parse_code
from config.errors import InputError

_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
LOOK_S = 60.0
"""How long a camera is looked through."""


def code_in(picture: NDArray[np.uint8]) -> EnrolmentCode | None:
    """Return the enrolment code in a picture; None if there is none in it. InputError for several."""
    seen = zxingcpp.read_barcodes(picture, formats=_QR)
    found = {one.text for one in seen}
    codes = {text for text in found if text.upper().startswith(PREFIX)}
    if len(codes) > 1:
        raise InputError("the picture shows several enrolment codes", "show one")
    return parse_code(codes.pop()) if codes else None


def watch(frame: Callable[[], NDArray[np.uint8] | None], look_s: float = LOOK_S) -> EnrolmentCode:
    """Look through a camera until it sees a code; `frame` gives the next picture, or None. InputError."""
    until = time.monotonic() + look_s
    while time.monotonic() < until:
        picture = frame()
        if picture is not None and (code := code_in(picture)) is not None:
            return code
    raise InputError(
        f"the camera saw no enrolment code within {look_s:.0f} s",
        "hold the code a hand's width before the lens, or type it: tongzhan station enrol CODE --config F",
    )
