from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import InputError
from models.pictures import MAX_BYTES, PictureError, decode, decode_rgba, read_picture
from models.pixels import GREY
from tests.models import files

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")  # Pillow's own


def close(found: object, expected: tuple[int, int, int], off: int = 12) -> bool:
    return bool(np.abs(np.asarray(found, int) - expected).max() <= off)


def test_a_jpeg_comes_out_in_rgb_order() -> None:
    picture = decode(files.jpeg(files.two_halves()))
    assert picture.shape == (60, 80, 3)
    assert picture.dtype == np.uint8
    assert close(picture[30, 10], files.RED_LEFT)
    assert close(picture[30, 70], files.BLUE_RIGHT)


def test_an_exif_orientation_turns_the_picture_upright() -> None:
    picture = decode(files.turned_jpeg(files.two_halves(), 6))
    assert picture.shape == (80, 60, 3)
    assert close(picture[10, 30], files.RED_LEFT)
    assert close(picture[70, 30], files.BLUE_RIGHT)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_png_is_turned_as_a_jpeg_is_with_alpha_or_without(orientation: int) -> None:
    picture = files.two_halves(60, 80)
    picture[:10] = 250  # a bar along the top tells mirrored from turned
    expected = decode(files.turned_jpeg(picture, orientation)).astype(int)
    opaque = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    for turned in (files.turned_png(picture, orientation), files.turned_png(opaque, orientation)):
        found = decode(turned)
        assert found.shape == expected.shape
        assert np.abs(found - expected).mean() < 6


@given(st.binary(max_size=60))
def test_no_exif_block_keeps_a_picture_from_being_decoded(block: bytes) -> None:
    for head in (b"", b"MM\0*", b"II*\0", b"MM\0*\0\0\0\x08"):
        for picture in (files.jpeg_with_exif(head + block), files.png_with_exif(head + block)):
            assert sorted(decode(picture).shape) == [3, 60, 80]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp", ".gif"])
def test_every_known_format_is_read(suffix: str) -> None:
    picture = decode(files.encoded(files.two_halves()[:, :, ::-1], suffix))
    assert close(picture[30, 10], files.RED_LEFT, 60)
    assert close(picture[30, 70], files.BLUE_RIGHT, 60)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_picture_of_one_pixel_is_a_picture(suffix: str) -> None:
    assert decode(files.encoded(np.full((1, 1, 3), 200, np.uint8), suffix)).shape == (1, 1, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_grey_picture_becomes_rgb(suffix: str) -> None:
    picture = decode(files.encoded(np.full((20, 30), 90, np.uint8), suffix))
    assert picture.shape == (20, 30, 3)
    assert close(picture[5, 5], (90, 90, 90))


def test_a_cmyk_jpeg_becomes_one_even_rgb_colour() -> None:
    picture = decode(files.cmyk_jpeg())
    assert picture.shape == (16, 24, 3)
    assert np.ptp(picture.reshape(-1, 3), axis=0).max() == 0


def test_sixteen_bits_become_eight() -> None:
    deep = np.zeros((10, 10, 3), np.uint16)
    deep[:, :, 2] = 0xC8FF
    assert close(decode(files.encoded(deep, ".png"))[0, 0], (0xC8, 0, 0), 0)


def test_sixteen_bit_grey_becomes_rgb() -> None:
    assert close(decode(files.encoded(np.full((4, 4), 0x80FF, np.uint16), ".png"))[0, 0], (128,) * 3, 0)


def test_transparent_parts_become_grey() -> None:
    bgra = np.zeros((4, 8, 4), np.uint8)
    bgra[:, 4:] = (0, 0, 250, 255)
    picture = decode(files.encoded(bgra, ".png"))
    assert close(picture[0, 0], (GREY,) * 3, 0)
    assert close(picture[0, 6], (250, 0, 0), 0)


def test_half_transparent_is_half_grey() -> None:
    bgra = np.full((300, 4, 4), 255, np.uint8)
    bgra[:, :, 3] = 128
    assert close(decode(files.encoded(bgra, ".png"))[299, 0], (191,) * 3, 1)


def test_alpha_is_kept_when_asked_for() -> None:
    bgra = np.zeros((4, 8, 4), np.uint8)
    bgra[:, 4:] = (10, 20, 250, 77)
    rgba = decode_rgba(files.encoded(bgra, ".png"))
    assert rgba[0, 6].tolist() == [250, 20, 10, 77]
    assert rgba[0, 0, 3] == 0


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_picture_without_alpha_is_opaque(suffix: str) -> None:
    rgba = decode_rgba(files.encoded(files.two_halves()[:, :, ::-1], suffix))
    assert rgba.shape == (60, 80, 4)
    assert rgba[:, :, 3].min() == 255


def test_the_first_frame_of_an_animation_counts() -> None:
    picture = decode(files.gif_of_two_frames())
    assert picture.shape == (2, 2, 3)
    assert close(picture[0, 0], files.RED_LEFT)


@pytest.mark.parametrize(
    "bomb",
    [
        files.png_claiming(100_000, 100_000),
        files.jpeg_claiming(65_000, 65_000),
        files.bmp_claiming(30_000, -30_000),
        files.webp_claiming(16_384, 16_384),
        files.extended_webp_claiming(100_000, 30_000),
        files.png_claiming(10_000, 10_000),
    ],
    ids=["png", "jpeg", "bmp from the top", "webp", "webp with chunks", "100 megapixels"],
)
def test_a_picture_of_too_many_pixels_is_refused_before_memory_is_taken_for_it(bomb: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(PictureError, match="megapixels"):
            decode(bomb)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("name", "bytes_a_pixel"), [("jpeg", 10), ("webp", 20)])
def test_decoding_at_the_limit_of_pixels_stays_within_its_memory_bound(name: str, bytes_a_pixel: int) -> None:
    picture = np.full((3000, 4000, 4), 90, np.uint8)
    data = files.turned_jpeg(picture[..., :3], 6) if name == "jpeg" else files.encoded(picture, ".webp")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = memory("VmHWM")
    assert decode(data).shape[2] == 3
    assert memory("VmHWM") - before < bytes_a_pixel * 12_000_000


def memory(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(field))


def test_a_file_of_too_many_bytes_is_refused() -> None:
    with pytest.raises(PictureError, match="MiB"):
        decode(files.jpeg(files.two_halves()) + bytes(MAX_BYTES))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp", ".gif"])
@pytest.mark.parametrize("kept", [0.2, 0.6, 0.95])
def test_a_picture_cut_short_is_refused_not_half_seen(suffix: str, kept: float) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    whole = files.encoded(noise, suffix)
    with pytest.raises(PictureError):
        decode(whole[: int(len(whole) * kept)])


@pytest.mark.parametrize(
    "lie",
    [
        b"",
        b"hello, I am text",
        b"\xff\xd8",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\nIEND\xaeB`\x82",
        b"BM",
        b"GIF89a;",
        b"RIFF\0\0\0\0WEBP",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"II*\0\x08\0\0\0",
        files.png_claiming(0, 10),
        files.png_claiming(100, 100),
        files.jpeg(files.two_halves())[:-2].replace(b"\xff\xda", b"\xff\xda\xff\xd9", 1),
    ],
)
def test_a_file_that_is_not_a_picture_is_refused_by_name(lie: bytes) -> None:
    with pytest.raises(PictureError):
        decode(lie)


@given(st.sampled_from([".jpg", ".png", ".webp", ".gif", ".bmp"]), st.data())
def test_a_damaged_file_is_decoded_or_refused_and_nothing_else(suffix: str, data: st.DataObject) -> None:
    whole = bytearray(files.encoded(files.two_halves(24, 32)[:, :, ::-1], suffix))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=8)):
        whole[place] = data.draw(st.integers(0, 255))
    try:
        picture = decode(bytes(whole))
    except PictureError:
        return
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_decoded(data: bytes) -> None:
    for magic in (b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM"):
        try:
            decode(magic + data)
        except PictureError:
            continue


def test_a_text_file_named_jpg_is_refused_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_text("not a photo")
    with pytest.raises(PictureError, match=r"photo\.jpg: file is not a JPEG"):
        read_picture(path)


def test_a_missing_file_is_refused_as_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.jpg: cannot be read"):
        read_picture(tmp_path / "gone.jpg")
