"""Pictures that are no waste at all, carried by installed packages: none may be called recyclable, or ok."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from models.pictures import read_picture
from models.runtime import Classifier
from models.verdict import VerdictState

PICTURES = {
    "matplotlib": ("mpl-data/sample_data/grace_hopper.jpg",),
    "skimage": (
        "data/astronaut.png",
        "data/brick.png",
        "data/camera.png",
        "data/chelsea.png",
        "data/grass.png",
        "data/gravel.png",
        "data/hubble_deep_field.jpg",
        "data/moon.png",
        "data/rocket.jpg",
    ),
    "sklearn": ("datasets/images/china.jpg",),
}
"""Faces, people, a cat, walls, a lawn, gravel, stars, a rocket, a palace."""
FROM = {"matplotlib": "matplotlib", "skimage": "scikit-image", "sklearn": "scikit-learn"}


def carried(package: str, name: str) -> Path:
    """Find a package's picture without importing the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"no pictures of {FROM[package]}; install it: pip install {FROM[package]}")
    path = Path(spec.origin).parent / name
    if not path.is_file():
        pytest.skip(f"this {FROM[package]} carries no {name}")
    return path


@pytest.mark.parametrize(
    ("package", "name"), [(package, name) for package, names in PICTURES.items() for name in names]
)
def test_a_picture_without_waste_is_never_surely_waste(
    classifier: Classifier, package: str, name: str
) -> None:
    verdict = classifier.classify([read_picture(carried(package, name))])
    assert verdict.state is not VerdictState.OK, f"{verdict.label} {verdict.probability:.2f}"
