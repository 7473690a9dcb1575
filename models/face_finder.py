"""Finds faces in pictures, so that they can be made unrecognisable. It recognises nobody.

models/faces/README.md says where the network comes from.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.bundle import BundleError
from models.pixels import GREY, resize
from models.runtime import Session

NETWORK = Path(__file__).parent / "faces" / "blazeface-back.onnx"
SHA256 = "427cbbe0fc41448d09e1dc9cfabe2423d997cf2faaeab91fadd09a510b63b8e2"
SIDE = 256
"""The network's input is a square of so many pixels."""
_HALF = np.float32(127.5)

RawFaces = tuple[NDArray[np.float32], ...]
"""Scores of the fine and of the coarse grid, then the boxes of both."""


class FaceNetwork:
    """BlazeFace on one CPU thread."""

    def __init__(self, network: Path = NETWORK) -> None:
        """Load the network; BundleError if its file is missing, is another one, or cannot be loaded."""
        try:
            model = network.read_bytes()
        except OSError as error:
            raise BundleError(
                f"{network} cannot be read: {error.strerror}", "install Tongzhan again"
            ) from None
        if hashlib.sha256(model).hexdigest() != SHA256:
            raise BundleError(f"{network} is not the file it should be", "install Tongzhan again")
        self._session = Session(model)

    def look(self, rgb: NDArray[np.uint8]) -> tuple[RawFaces, float]:
        """Return the network's outputs for a picture, and the scale by which it was fitted into the input."""
        height, width = rgb.shape[:2]
        scale = SIDE / max(height, width)
        fitted = resize(rgb, max(1, round(width * scale)), max(1, round(height * scale)))
        square = np.full((1, SIDE, SIDE, 3), GREY, np.uint8)
        square[0, : fitted.shape[0], : fitted.shape[1]] = fitted
        return self._session.run_all(square.astype(np.float32) / _HALF - 1), scale
