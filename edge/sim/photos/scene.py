"""What lies in a simulated bin, in a file: the world puts it there, and the eye's process looks at it.

A file, as a tray would be: it is there whoever dies or starts again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from config.process.atomic import write_atomic
from config.reading.private import make_private_folder
from models.pixels import Rgb

FOLDER = "scenes"


class SceneHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line of a scene's file; RGB bytes follow. `number` counts what was thrown in."""

    number: int
    at: float
    """When it came to rest, in monotonic seconds."""
    seed: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class TrayScene:
    """What lies on top in a bin."""

    number: int
    at: float
    seed: int
    picture: Rgb


def put_scene(runtime: Path, bin_id: str, scene: TrayScene) -> None:
    """Let this lie in a bin from now on; OSError if the folder refuses."""
    folder = runtime / FOLDER
    make_private_folder(folder)
    height, width = scene.picture.shape[:2]
    head = msgspec.json.encode(SceneHead(scene.number, scene.at, scene.seed, height, width))
    write_atomic(folder / bin_id, head + b"\n" + scene.picture.tobytes())


def head_in(runtime: Path, bin_id: str) -> SceneHead | None:
    """What is known of a bin's scene but for its pixels; None where nothing was thrown in."""
    try:
        with (runtime / FOLDER / bin_id).open("rb") as file:
            return msgspec.json.decode(file.readline(), type=SceneHead)
    except FileNotFoundError:
        return None


def scene_in(runtime: Path, bin_id: str) -> TrayScene | None:
    """What lies in a bin; None for one into which nothing was thrown."""
    try:
        head, _, pixels = (runtime / FOLDER / bin_id).read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    told = msgspec.json.decode(head, type=SceneHead)
    picture = np.frombuffer(pixels, np.uint8).reshape(told.height, told.width, 3)
    return TrayScene(told.number, told.at, told.seed, picture)
