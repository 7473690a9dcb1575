"""Captures in the place of cv2's: live, repeating its last picture, hanging, or gone."""

from __future__ import annotations

import threading
from enum import Enum, auto
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.edge.eye.scene import Picture, Scene

FRAME_S = 0.01


class Mode(Enum):
    LIVE = auto()
    FROZEN = auto()
    HANGING = auto()
    GONE = auto()


class Feed:
    """A camera over a scene. What it does next is for the test to say."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.mode = Mode.LIVE
        self.opened = 0
        self.released = 0
        self.grabbed = 0
        self.retrieved = 0
        self.unusable: Picture | None = None
        """What it gives in place of the scene."""
        self.let_go = threading.Event()
        self._never = threading.Event()
        self._last: Picture = scene.picture()

    def open(self, _: object) -> Feed:
        self.opened += 1
        return self

    def grab(self) -> bool:
        if self.mode is Mode.HANGING:
            self.let_go.wait()
        self._never.wait(FRAME_S)
        self.grabbed += 1
        return self.mode is not Mode.GONE

    def retrieve(self) -> tuple[bool, NDArray[np.generic]]:
        self.retrieved += 1
        if self.mode is not Mode.FROZEN:
            self._last = self.scene.picture()
        return True, self._last if self.unusable is None else self.unusable

    def release(self) -> None:
        self.released += 1


class PacedFile:
    """A video file through the real cv2.VideoCapture, at a camera's pace."""

    def __init__(self, path: Path) -> None:
        self._capture = cv2.VideoCapture(str(path))
        self._never = threading.Event()

    def grab(self) -> bool:
        self._never.wait(FRAME_S)
        return self._capture.grab()

    def retrieve(self) -> tuple[bool, NDArray[np.generic]]:
        return self._capture.retrieve()

    def release(self) -> None:
        self._capture.release()


def write_video(path: Path, pictures: list[Picture]) -> None:
    """Write BGR pictures as Motion JPEG."""
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (width, height))
    for picture in pictures:
        writer.write(picture)
    writer.release()
