"""An enrolment code is read from a picture of it, as a camera or a phone takes one."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import segno
from click.testing import CliRunner
from numpy.typing import NDArray

from cloud_sync.wire.enrolment_code import EnrolmentCode
from config.errors import InputError
from edge.enrol.scanning import code_in, watch
from models.pictures import decode
from scripts.commands.station.enrol import enrol
from scripts.demonstration.town import station_toml

CODE = EnrolmentCode("points.example.org", 443, True, b"12345", bytes(range(20)), b"0123456789")  # noqa: FBT003 (tls)


def drawn(text: str) -> bytes:
    out = io.BytesIO()
    segno.make_qr(text, error="m").save(out, kind="png", scale=4, border=4)
    return out.getvalue()


def scene(*texts: str) -> NDArray[np.uint8]:
    """A grey picture, somewhat noisy, in which these codes stand side by side."""
    rng = np.random.default_rng(1)
    picture = rng.integers(110, 140, (480, 860, 3), dtype=np.uint8)
    for number, text in enumerate(texts):
        code = decode(drawn(text))
        height, width = code.shape[:2]
        picture[40 : 40 + height, 20 + 420 * number : 20 + 420 * number + width] = code
    return picture


def test_a_code_is_read_from_a_picture() -> None:
    assert code_in(scene(CODE.text())) == CODE


def test_other_qr_codes_are_no_enrolment_codes() -> None:
    assert code_in(scene("https://example.org")) is None
    assert code_in(scene("https://example.org", CODE.text())) == CODE


def test_two_codes_are_one_too_many() -> None:
    other = EnrolmentCode("points.example.org", 443, True, b"54321", bytes(20), b"0123456789")  # noqa: FBT003 (tls)
    with pytest.raises(InputError, match="several enrolment codes"):
        code_in(scene(CODE.text(), other.text()))


def test_a_camera_is_looked_through_until_it_sees_a_code() -> None:
    frames = iter([None, scene(), scene(CODE.text())])
    assert watch(lambda: next(frames)) == CODE


def test_a_camera_that_sees_none_is_given_up() -> None:
    with pytest.raises(InputError, match="the camera saw no enrolment code"):
        watch(scene, look_s=0)


def test_a_photo_without_a_code_is_refused_in_one_line(tmp_path: Path) -> None:
    toml = tmp_path / "station.toml"
    head, _, rest = station_toml("east", "state", "run", 1).partition("[cloud]")
    toml.write_text(head + rest[rest.index("[[camera]]") :])
    (tmp_path / "photo.png").write_bytes(drawn("nothing of ours"))
    words = ["--config", str(toml), "--image", str(tmp_path / "photo.png")]
    done = CliRunner().invoke(enrol, words)
    assert "no enrolment code is seen in" in str(done.exception)
    done = CliRunner().invoke(enrol, [*words, "--camera", "0"])
    assert "one of them" in done.output


def test_a_station_that_has_a_cloud_table_is_told_to_remove_it(tmp_path: Path) -> None:
    toml = tmp_path / "station.toml"
    toml.write_text(station_toml("east", "state", "run", 1))
    done = CliRunner().invoke(enrol, [CODE.text(), "--config", str(toml)])
    assert "[cloud] stands here, and enrolment writes its own; remove that table" in str(done.exception)
