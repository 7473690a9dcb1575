"""What the model's tests share: the shipped bundle, and small ones made to be wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from config.reading.load_sorting import load_sorting
from config.sorting import Sorting
from models.bundle import SHIPPED_BUNDLE
from models.runtime import Classifier, load_classifier


@pytest.fixture(scope="session")
def beijing() -> Sorting:
    return load_sorting("beijing")


@pytest.fixture(scope="session")
def classifier(beijing: Sorting) -> Classifier:
    """Give the shipped model, self-tested."""
    return load_classifier(SHIPPED_BUNDLE, beijing)


@pytest.fixture
def bundle_copy(tmp_path: Path) -> Path:
    """Give a copy of the shipped bundle that a test may spoil."""
    return Path(shutil.copytree(SHIPPED_BUNDLE, tmp_path / "bundle"))
