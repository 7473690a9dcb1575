from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import InputError
from config.reading.load_sorting import load_sorting
from config.sorting import Category
from models.training.dataset.photo import Photo
from models.training.dataset.photos import Split, read_photos, split
from models.training.dataset.taxonomy import Taxonomy, load_taxonomy
from tests.models import files

HEAD = "path,source,label,category,group\n"


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return load_taxonomy()


def index(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "index.csv"
    path.write_text(text, encoding="utf-8")
    return path


def many(count: int, source: str = "trashnet", label: str = "glass", each: int = 1) -> list[Photo]:
    return [
        Photo(Path(f"{source}-{label}-{i}.jpg"), Category.RECYCLABLE, source, label, f"{label}{i // each}")
        for i in range(count)
    ]


def test_an_index_is_read_from_its_folder_or_by_its_name(tmp_path: Path) -> None:
    path = index(tmp_path, HEAD + "b/2.jpg,trashnet,glass,recyclable,7\na/1.jpg,,,other,\n")
    assert read_photos(tmp_path) == read_photos(path)
    first, second = read_photos(path)
    assert first == Photo(tmp_path / "a/1.jpg", Category.OTHER)
    assert second == Photo(tmp_path / "b/2.jpg", Category.RECYCLABLE, "trashnet", "glass", "7")


def test_an_index_of_path_and_category_alone_is_enough(tmp_path: Path) -> None:
    assert read_photos(index(tmp_path, "path,category\na.jpg,kitchen\n"))[0].category is Category.KITCHEN


def test_folders_named_by_category_are_read(tmp_path: Path) -> None:
    for name in ("kitchen/a.JPG", "other/deep/b.png", "other/notes.txt", "pets/c.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(files.jpeg(files.two_halves()))
    found = {photo.path.name: photo.category for photo in read_photos(tmp_path)}
    assert found == {"a.JPG": Category.KITCHEN, "b.png": Category.OTHER}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("path,category\na.jpg,plastic\n", "line 2.*plastic"),
        ("path,label\na.jpg,kitchen\n", "line 2.*category"),
        ("path,category\na.jpg\n", "line 2"),
        ("path,category\n", "no photos"),
        ("", "no photos"),
    ],
)
def test_a_wrong_index_says_which_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_photos(index(tmp_path, text))


@pytest.mark.parametrize("name", ["nowhere", "nowhere/index.csv"])
def test_a_missing_index_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="nowhere"):
        read_photos(tmp_path / name)


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_bytes(b"path,category\n\xff\xfe,other\n")
    with pytest.raises(InputError, match="cannot be read"):
        read_photos(tmp_path)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=120), st.integers(0, 9))
def test_a_group_is_never_on_two_sides(groups: list[int], seed: int) -> None:
    photos = [
        Photo(Path(f"{i}.jpg"), Category.RECYCLABLE, "trashnet", "glass", str(group))
        for i, group in enumerate(groups)
    ]
    dealt = split(photos, load_taxonomy(), seed)
    sides = {photo.group: part for part in Split for photo in dealt[part]}
    assert all(sides[photo.group] is part for part in Split for photo in dealt[part])
    assert sum(map(len, dealt.values())) == len(photos)


def test_the_split_does_not_depend_on_the_order_of_the_index(taxonomy: Taxonomy) -> None:
    photos = many(50, each=2)
    assert split(photos, taxonomy) == split(photos[::-1], taxonomy)


def test_another_seed_is_another_split(taxonomy: Taxonomy) -> None:
    photos = many(50)
    assert split(photos, taxonomy, 1)[Split.TEST] != split(photos, taxonomy, 2)[Split.TEST]


def test_each_class_is_dealt_in_proportion(taxonomy: Taxonomy) -> None:
    photos = many(100) + many(40, label="paper")
    test = Counter(photo.label for photo in split(photos, taxonomy)[Split.TEST])
    assert test == {"glass": 15, "paper": 6}


def test_distrusted_labels_train_and_are_never_measured_on(taxonomy: Taxonomy) -> None:
    dealt = split(many(100, "techsash", "organic"), taxonomy)
    assert len(dealt[Split.TRAIN]) == 70
    assert dealt[Split.CALIBRATION] == dealt[Split.TEST] == []


def test_unused_labels_are_left_out(taxonomy: Taxonomy) -> None:
    assert not any(split(many(100, "zju26", "dirty_cloth"), taxonomy).values())


def test_crops_of_one_picture_count_once_where_something_is_measured(taxonomy: Taxonomy) -> None:
    dealt = split(many(200, "zju26", "can", each=10), taxonomy)
    assert len(dealt[Split.TRAIN]) == 140
    assert len(dealt[Split.TEST]) == len(dealt[Split.CALIBRATION]) == 3


def test_a_hint_goes_before_the_class(taxonomy: Taxonomy) -> None:
    def meaning(name: str) -> tuple[str, ...] | None:
        return taxonomy.meaning(
            Photo(Path(f"garbage_v2/trash/{name}.jpg"), Category.OTHER, "garbage_v2", "trash")
        )

    assert meaning("trash_4") == ("mask",)
    assert set(meaning("trash_9999") or ()) == {"toothbrush", "mask", "diaper", "litter"}


def test_a_photo_of_an_unknown_class_means_only_its_category(taxonomy: Taxonomy) -> None:
    assert taxonomy.meaning(Photo(Path("a.jpg"), Category.OTHER)) is None


def test_a_taxonomy_whose_class_means_no_label_is_refused(tmp_path: Path) -> None:
    text = Path(load_taxonomy.__code__.co_filename).with_name("taxonomy.toml").read_text(encoding="utf-8")
    path = tmp_path / "taxonomy.toml"
    path.write_text(text.replace('carton = ["carton"]', 'carton = ["cartoon"]'), encoding="utf-8")
    with pytest.raises(InputError, match="cartoon"):
        load_taxonomy(path)


def test_every_class_means_only_labels_of_its_own_category(photos_folder: Path) -> None:
    taxonomy, labels = load_taxonomy(), load_sorting("beijing").labels
    for photo in read_photos(photos_folder):
        if not taxonomy.is_unused(photo):
            meaning = taxonomy.meaning(photo)
            assert meaning is not None, photo
            assert {labels[key] for key in meaning} == {photo.category}, photo
