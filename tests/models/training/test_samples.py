from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.sorting import Category
from models.training.dataset.photo import Photo
from models.training.dataset.taxonomy import Taxonomy, load_taxonomy
from models.training.learning.feature_store import CHUNK, StoredOutputs
from models.training.learning.samples import (
    NO_WASTE,
    Samples,
    Together,
    photo_samples,
    scene_samples,
    through,
)


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return load_taxonomy()


def kept(folder: Path, values: list[float]) -> StoredOutputs:
    """Keep one number for each picture, two chunks' worth if there are more than fit into one."""
    paths = []
    for start in range(0, len(values), CHUNK):
        path = folder / f"{values[0]:g}-{start}.npy"
        np.save(path, np.array(values[start : start + CHUNK], np.float16)[:, None])
        paths.append(path)
    return StoredOutputs(paths, len(values))


def photos(*categories: Category, source: str = "", label: str = "") -> list[Photo]:
    return [Photo(Path(f"{n}.jpg"), category, source, label) for n, category in enumerate(categories)]


def test_small_categories_and_trusted_photos_weigh_more(tmp_path: Path, taxonomy: Taxonomy) -> None:
    common, rare = Category.RECYCLABLE, Category.OTHER
    chosen = photos(common, common, common, rare)
    weights = photo_samples(chosen, kept(tmp_path, [1.0] * 4), taxonomy).weights
    assert weights[0] == weights[1] < weights[3]
    noisy = photos(common, common, source="techsash", label="recyclable")
    trusted = photos(common, common, source="trashnet", label="glass")
    both = photo_samples(noisy + trusted, kept(tmp_path, [1.0] * 4), taxonomy).weights
    assert both[0] == pytest.approx(0.3 * both[2])


def test_a_scene_may_only_be_labelled_as_no_waste(tmp_path: Path, taxonomy: Taxonomy) -> None:
    found = scene_samples(kept(tmp_path, [1.0, 2.0]), taxonomy)
    assert set(found.truth) == {NO_WASTE}
    assert [taxonomy.keys[column] for column in np.flatnonzero(found.allowed[0])] == [taxonomy.empty]


def plain(folder: Path, values: list[float]) -> Samples:
    count = len(values)
    return Samples(kept(folder, values), np.eye(count, 9, dtype=bool), np.zeros(count, int), np.array(values))


def test_several_views_are_addressed_as_one(tmp_path: Path) -> None:
    long = [float(n) for n in range(1000, 1000 + CHUNK + 9)]
    together = Together([plain(tmp_path, [1.0, 2.0, 3.0]), plain(tmp_path, long)])
    asked = np.array([CHUNK + 4, 2, 0, 3, 2])
    assert together.rows(asked)[:, 0].tolist() == [1000.0 + CHUNK + 1, 3.0, 1.0, 1000.0, 3.0]
    assert together.weights[asked].tolist() == together.rows(asked)[:, 0].tolist()
    assert len(together.allowed) == 3 + len(long)


def test_a_view_can_have_another_weight(tmp_path: Path) -> None:
    look = plain(tmp_path, [1.0, 2.0, 3.0])
    assert look.weighing(2.0).weights.tolist() == [2.0, 4.0, 6.0]
    assert look.weights.tolist() == [1.0, 2.0, 3.0]


def test_stored_outputs_go_through_the_next_network_in_order(tmp_path: Path) -> None:
    values = [float(n) for n in range(1, 50)]
    found = through(lambda rows: rows * 2, kept(tmp_path, values))
    assert found[:, 0].tolist() == [2 * value for value in values]
