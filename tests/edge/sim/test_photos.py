from __future__ import annotations

import logging
from pathlib import Path
from random import Random

import cv2
import numpy as np
import pytest

from config.errors import InputError
from config.sorting import Category
from edge.sim.photos import folders
from edge.sim.photos.folders import open_photos
from edge.sim.photos.scenes import HEIGHT, WIDTH, lay, tray
from edge.sim.photos.stamps import STAMPS
from edge.sim.photos.thrown import LONGEST, PhotoSource, hand_shadow
from models.pixels import encode_jpeg


def picture(path: Path, width: int = 20, height: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_jpeg(np.full((height, width, 3), 90, np.uint8)))
    return path


def stamp(path: Path) -> Path:
    """A green square with a transparent frame, as PNG."""
    rgba = np.zeros((40, 40, 4), np.uint8)
    rgba[10:30, 10:30] = (0, 255, 0, 255)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", rgba)[1].tobytes())
    return path


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as error:
        open_photos(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


# --- folders ----------------------------------------------------------------------------------------


def test_folders_named_by_category_are_read_with_their_subfolders(tmp_path: Path) -> None:
    picture(tmp_path / "kitchen" / "peel.JPG")
    picture(tmp_path / "kitchen" / "more" / "leaf.png")
    picture(tmp_path / "other" / "mask.jpeg")
    (tmp_path / "kitchen" / "notes.txt").write_text("no picture")
    picture(tmp_path / "kitchen" / ".trash" / "old.jpg")
    picture(tmp_path / ".git" / "some.png")
    (tmp_path / "empty").mkdir()
    photos = open_photos(tmp_path)
    assert photos.categories == (Category.KITCHEN, Category.OTHER)
    assert len(photos) == 3
    names = {photos.draw(Random(seed), Category.KITCHEN).name for seed in range(20)}
    assert names == {"peel", "leaf"}


def test_an_index_is_read_by_its_columns_and_other_columns_are_ignored(tmp_path: Path) -> None:
    picture(tmp_path / "set" / "a.jpg")
    picture(tmp_path / "set" / "b.jpg")
    (tmp_path / "index.csv").write_text(
        "path,source,category\nset/a.jpg,x,recyclable\nset/b.jpg,y,hazardous\n", encoding="utf-8-sig"
    )
    photos = open_photos(tmp_path)
    assert photos.categories == (Category.RECYCLABLE, Category.HAZARDOUS)
    assert photos.draw(Random(1), Category.HAZARDOUS).name == "b"


@pytest.mark.parametrize(
    ("index", "told"),
    [
        ("path,category\nno.jpg,other\n", "line 2: no file 'no.jpg'; mend the path or remove the line"),
        ("path,category\n,other\n", "line 2: no file ''"),
        ("path,category\na.jpg,glass\n", "line 2: no category 'glass'; use one of recyclable, hazardous"),
        ("path,category\na.jpg\n", "line 2: no category ''"),
        ("file,label\na.jpg,other\n", "no column category and path; add it to the first line"),
        ("", "no column category and path"),
        ("path,category\n", "holds no photo of waste; put photos into folders"),
        ("path,category\n" + "x" * 200_000 + ",other\n", "no CSV file in UTF-8 (field larger than"),
        ("path,category\n" + "x" * 5_000 + ",other\n", "cannot be read (File name too long)"),
    ],
)
def test_a_broken_index_is_refused_with_its_line_and_the_fix(tmp_path: Path, index: str, told: str) -> None:
    picture(tmp_path / "a.jpg")
    (tmp_path / "index.csv").write_text(index, encoding="utf-8")
    assert told in refusal(tmp_path)


def test_an_index_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_bytes(b"path,category\n\xff\xfe,other\n")
    assert "is no CSV file in UTF-8" in refusal(tmp_path)


def test_an_index_of_unreasonable_size_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MAX_INDEX_BYTES", 100)
    (tmp_path / "index.csv").write_text("path,category\n" + "a.jpg,other\n" * 20)
    assert "index.csv is larger than" in refusal(tmp_path)


def test_a_folder_with_too_many_photos_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_FILES", 3)
    for number in range(4):
        picture(tmp_path / ("other" if number % 2 else "kitchen") / f"{number}.jpg")
    assert "holds more than 3 photos; name a smaller folder" in refusal(tmp_path)


def test_a_missing_folder_and_one_without_a_photo_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == f"no folder {tmp_path / 'none'}; name a folder of photos"
    picture(tmp_path / "loose.jpg")
    assert "holds no photo of waste; put photos into folders named recyclable" in refusal(tmp_path)
    assert "no folder" in refusal(tmp_path / "loose.jpg")


def test_a_folder_not_named_after_a_category_is_refused_by_name(tmp_path: Path) -> None:
    picture(tmp_path / "kitchen" / "a.jpg")
    picture(tmp_path / "kitchne" / "b.jpg")
    told = refusal(tmp_path)
    assert told.startswith(f"{tmp_path / 'kitchne'} is named after no category; rename it to one of")


# --- stamps -----------------------------------------------------------------------------------------


def test_stamps_are_laid_on_a_tray_and_missing_ones_left_out(tmp_path: Path) -> None:
    stamp(tmp_path / "food" / "fruit" / "banana.png")
    stamp(tmp_path / "household" / "kettle.png")
    photos = open_photos(tmp_path)
    assert photos.categories == (Category.RECYCLABLE, Category.KITCHEN)
    shown = photos.draw(Random(3), Category.KITCHEN)
    assert shown.name == "banana"
    assert shown.picture.shape == (HEIGHT, WIDTH, 3)
    green = (shown.picture[:, :, 1] > 200) & (shown.picture[:, :, 0] < 60)
    assert 0.01 < green.mean() < 0.2


def test_stamps_are_listed_for_every_category_that_the_model_handles_and_each_once() -> None:
    listed = [name for names in STAMPS.values() for name in names]
    assert set(STAMPS) == set(Category) - {Category.HAZARDOUS}
    assert len(listed) == len(set(listed)) >= 15
    assert all(name.endswith(".png") and not name.startswith("/") for name in listed)


# --- drawing ----------------------------------------------------------------------------------------


def test_the_same_seed_draws_the_same_things(photos: PhotoSource) -> None:
    def drawn(seed: int) -> list[object]:
        rng = Random(seed)
        return [photos.draw(rng, rng.choice(photos.categories)) for _ in range(10)]

    assert drawn(4) == drawn(4)
    assert drawn(4) != drawn(5)


def test_a_large_photo_is_shrunk_to_what_a_camera_gives(tmp_path: Path) -> None:
    path = picture(tmp_path / "big.jpg", width=1200, height=300)
    shown = PhotoSource({Category.OTHER: [path]}).draw(Random(1), Category.OTHER).picture
    assert shown.shape == (LONGEST // 4, LONGEST, 3)


def test_a_file_that_is_not_a_picture_is_logged_and_not_drawn_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = picture(tmp_path / "good.jpg"), tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture at all")
    photos = PhotoSource({Category.OTHER: [bad, good, tmp_path / "gone.jpg"]})
    with caplog.at_level(logging.WARNING):
        names = {photos.draw(Random(seed), Category.OTHER).name for seed in range(30)}
    assert names == {"good"}
    assert sorted(record.getMessage().split(":")[0] for record in caplog.records) == [
        str(bad),
        str(tmp_path / "gone.jpg"),
    ]
    assert len(photos) == 1


def test_a_stamp_that_cannot_be_read_is_left_out_too(tmp_path: Path) -> None:
    photos = PhotoSource({Category.OTHER: [tmp_path / "gone.png"]}, on_tray=True)
    with pytest.raises(InputError, match="no photo of other can be decoded; put other photos there"):
        photos.draw(Random(1), Category.OTHER)


def test_the_shadow_of_a_hand_is_a_tray_with_a_darker_place_and_no_waste() -> None:
    shadow = hand_shadow(Random(2))
    assert (shadow.category, shadow.weight_g) == (None, 0)
    rows = shadow.picture.mean(axis=(1, 2))
    assert rows[: HEIGHT // 4].mean() < rows[HEIGHT // 2 : HEIGHT * 3 // 4].mean()


def test_trays_differ_by_seed_and_are_darker_at_their_edges() -> None:
    first, second = tray(np.random.default_rng(1)), tray(np.random.default_rng(2))
    assert not np.array_equal(first, second)
    for scene in (first, second):
        assert scene[-6:, :6].mean() < scene[HEIGHT // 2 - 3 : HEIGHT // 2 + 3, WIDTH // 2 - 3 :].mean()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 300), (400, 1), (3000, 20)])
def test_things_of_any_shape_fit_on_the_tray(width: int, height: int) -> None:
    cut_out = np.full((height, width, 4), 255, np.uint8)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        assert lay(tray(rng), cut_out, rng).shape == (HEIGHT, WIDTH, 3)


def test_the_colour_hidden_in_transparent_pixels_is_never_seen() -> None:
    cut_out = np.zeros((60, 60, 4), np.uint8)
    cut_out[:, :, 0] = 255  # red everywhere, but transparent
    rng = np.random.default_rng(3)
    scene = lay(tray(rng), cut_out, rng).astype(int)
    assert (scene[:, :, 0] - scene[:, :, 2]).max() < 40
