"""An installer sees what clips show of a camera's picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.errors import InputError
from edge.eye.clips.mask import FILL
from edge.eye.health.shown_mask import show_masks
from edge.station_file import load_station
from models.pixels import decode_jpeg
from scripts.cli import run
from tests.edge.eye.clips.filming_eye import HEIGHT, WIDTH, Device, scene
from tests.edge.eye.clips.test_kills import TOML, is_magenta


class Gone(Device):
    def grab(self) -> bool:
        return False


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "station.toml"
    path.write_text(TOML, encoding="utf-8")
    return path


def test_the_drawing_shows_the_tray_alone_with_its_outline_and_no_face(config: Path) -> None:
    (shown,) = show_masks(load_station(config), config.parent, lambda _: Device())
    assert shown.file == config.parent / "mask-over.jpg"
    assert shown.shares["kitchen"] == pytest.approx(0.7 * 0.8, abs=0.01)
    drawing = decode_jpeg(shown.file.read_bytes())
    assert drawing is not None
    assert drawing.shape == (HEIGHT, WIDTH, 3)
    assert not is_magenta(drawing)
    assert np.abs(drawing[:, : WIDTH // 4 - 8].astype(int) - FILL).max() < 10
    edge = drawing[HEIGHT // 2, WIDTH // 4 - 2 : WIDTH // 4 + 3].astype(int)
    assert (edge[:, 0] - edge[:, 2]).max() > 60, "something of the outline's yellow"
    face = (slice(100, 145), slice(160, 215))
    assert detail(drawing[face]) < 0.6 * detail(scene()[face])


def detail(picture: np.ndarray) -> float:
    return float(np.abs(np.diff(picture.astype(float), axis=0)).mean())


def test_a_camera_that_gives_nothing_is_named_with_the_mend(config: Path) -> None:
    with pytest.raises(InputError, match="camera over on 0 gives no picture") as told:
        show_masks(load_station(config), config.parent, lambda _: Gone())
    assert "stop tongzhan-eye" in told.value.mend


def test_the_command_names_a_camera_that_is_not_there(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = config.read_text(encoding="utf-8").replace(
        'id = "over"', 'id = "over"\nsource = "/dev/video-none"'
    )
    config.write_text(text, encoding="utf-8")
    arguments = ["station", "eye", "--config", str(config), "--show-mask", str(config.parent)]
    assert run(arguments) == 2
    assert "camera over on /dev/video-none gives no picture" in capsys.readouterr().err
