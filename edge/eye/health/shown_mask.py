"""Draws what clips show of each camera's picture, for whoever sets the trays' outlines in station.toml."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.errors import InputError
from config.process.atomic import write_atomic
from config.station import BinSection, CameraSection, StationSettings
from edge.eye.camera import VideoDevice, open_capture
from edge.eye.clips.faces import boxes_in, joined, pixelated, tiles_of
from edge.eye.clips.mask import Inside, inside_of, masked, union_of
from models.face_finder import FaceNetwork
from models.pixels import encode_jpeg

OUTLINE = (255, 220, 0)
TRIES = 30
"""Frames read until one can be decoded; the first ones of many cameras are dark, and none counts."""
WARM_UP = 10


@dataclass(frozen=True, slots=True)
class ShownMask:
    """One drawing, and each bin's share of the camera's picture that is kept, 0 to 1."""

    file: Path
    shares: dict[str, float]


def show_masks(
    settings: StationSettings,
    folder: Path,
    opener: Callable[[CameraSection], VideoDevice] = open_capture,
) -> list[ShownMask]:
    """Write mask-CAMERA.jpg for each camera into `folder`: masked as a clip is, the trays outlined.

    InputError if a camera gives no picture or the folder cannot be written.
    """
    network = FaceNetwork()
    found = []
    for section in settings.camera:
        bins = [bin_ for bin_ in settings.bin if bin_.camera == section.id]
        drawing, shares = _drawing(_picture(section, opener), bins, network)
        file = folder / f"mask-{section.id}.jpg"
        try:
            write_atomic(file, encode_jpeg(drawing), private=True)
        except OSError as error:
            raise InputError(f"{file} cannot be written ({error})", "name a folder of your own") from None
        found.append(ShownMask(file, shares))
    return found


def _picture(section: CameraSection, opener: Callable[[CameraSection], VideoDevice]) -> NDArray[np.uint8]:
    """Return a fresh RGB picture of a camera."""
    device = opener(section)
    try:
        for number in range(TRIES):
            if not device.grab():
                break
            is_whole, picture = device.retrieve()
            if is_whole and picture.size and number >= WARM_UP:
                return np.ascontiguousarray(picture[:, :, ::-1]).astype(np.uint8, copy=False)
    finally:
        device.release()
    raise InputError(
        f"camera {section.id} on {section.source} gives no picture",
        "check its cable; if the eye runs it has the camera: sudo systemctl stop tongzhan-eye",
    )


def _drawing(
    picture: NDArray[np.uint8], bins: Sequence[BinSection], network: FaceNetwork
) -> tuple[NDArray[np.uint8], dict[str, float]]:
    height, width = picture.shape[:2]
    trays = {bin_.id: inside_of(bin_.tray, width, height) for bin_ in bins if bin_.tray}
    inside = union_of([bin_.tray for bin_ in bins if bin_.tray], width, height)
    kept = masked(picture, inside)
    faces = []
    for left, top, right, bottom in tiles_of(inside):
        raw, scale = network.look(np.ascontiguousarray(kept[top:bottom, left:right]))
        faces += [box.moved(left, top) for box in boxes_in(raw, scale)]
    drawing = pixelated(kept, joined([faces])[0])
    for tray in trays.values():
        drawing[_edge(tray)] = OUTLINE
    return drawing, {bin_.id: float(trays[bin_.id].mean()) if bin_.tray else 0.0 for bin_ in bins}


def _edge(inside: Inside) -> Inside:
    """Return the pixels of a region that have a neighbour outside it."""
    padded = np.pad(inside, 1)
    return inside & ~(padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:])
