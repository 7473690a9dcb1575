from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import InputError
from config.reading.load_sorting import load_sorting, shipped_sortings
from config.sorting import Category
from models.bundle import load_bundle

BEIJING = Path(load_sorting.__code__.co_filename).parents[1] / "sorting.beijing.toml"


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = BEIJING.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "town.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


@pytest.mark.parametrize("city", ["beijing", "shanghai"])
def test_a_shipped_citys_rules_fit_the_shipped_model(city: str) -> None:
    labels = load_bundle().manifest.waste_labels
    assert len(load_sorting(city).categories_of(labels)) == len(labels)


def test_both_cities_are_shipped() -> None:
    assert shipped_sortings() == ["beijing", "shanghai"]


def test_only_dry_cells_are_sorted_differently_in_the_two_cities() -> None:
    here, there = load_sorting("beijing").labels, load_sorting("shanghai").labels
    assert {label for label in here if here[label] is not there[label]} == {"dry_cell"}
    assert here["dry_cell"] is Category.HAZARDOUS
    assert there["dry_cell"] is Category.OTHER


@pytest.mark.parametrize("city", ["beijing", "shanghai"])
def test_every_category_has_its_own_look(city: str) -> None:
    faces = load_sorting(city).category
    assert set(faces) == set(Category)
    for part in ("zh", "en", "hex", "icon"):
        assert len({getattr(face, part) for face in faces.values()}) == len(Category)


def test_a_citys_own_file_is_loaded_by_its_path(tmp_path: Path) -> None:
    rules = load_sorting(changed(tmp_path, 'en = "Beijing"', 'en = "Our town"'))
    assert rules.en == "Our town"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('shoes = "recyclable"', 'shoes = "recycling"', r"labels\.\S*.*recycling"),
        ('icon = "hazard"', 'icon = "Hazard!"', r"category\.\S*"),
        ('hex = "#C8102E"', 'hex = "red"', r"category\.\S*"),
        ("[category.other]", "[category.rest]", "rest"),
        ("format = 1", "format = 2", "format"),
        ("format = 1", "format = 1\ncolour = 1", "unknown key colour"),
        ('zh = "北京"', "", "missing key zh"),
        ("[labels]", "[labels", "not TOML"),
    ],
)
def test_the_error_for_a_wrong_file_names_it_and_the_key(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    with pytest.raises(InputError, match=told) as refused:
        load_sorting(changed(tmp_path, old, new))
    assert "town.toml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_shows_only_some_categories_is_refused(tmp_path: Path) -> None:
    text = BEIJING.read_text(encoding="utf-8")
    start, end = text.index("[category.other]"), text.index("[labels]")
    path = tmp_path / "town.toml"
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    with pytest.raises(InputError, match="no face for other"):
        load_sorting(path)


@pytest.mark.parametrize("name", ["atlantis", "../secret", "nowhere.toml"])
def test_an_unknown_city_is_refused_with_those_that_are_known(name: str) -> None:
    with pytest.raises(InputError, match=r"beijing, shanghai"):
        load_sorting(name)
