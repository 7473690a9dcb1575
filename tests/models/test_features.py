from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle import load_bundle
from models.golden import golden_pictures
from models.runtime import Network
from models.training.features import CHUNK, FeatureStore

COUNT = CHUNK + 20


class PowerCutError(Exception):
    """What stops a run in the middle of a test."""


@pytest.fixture(scope="module")
def network() -> Network:
    """Give a real network; which one does not matter here."""
    return Network(load_bundle().model, threads=2)


def drawing(until: int = COUNT) -> tuple[Callable[[int], NDArray[np.uint8]], list[int]]:
    """Give a drawer of small pictures that stops at one of them, and the list of those it drew."""
    pictures = golden_pictures(4, 48)
    drawn: list[int] = []

    def draw(number: int) -> NDArray[np.uint8]:
        if number == until:
            raise PowerCutError
        drawn.append(number)
        picture: NDArray[np.uint8] = pictures[number % 4]
        return picture

    return draw, drawn


def names() -> list[str]:
    return [f"picture {number}" for number in range(COUNT)]


def test_a_stopped_run_goes_on_where_it_was(network: Network, tmp_path: Path) -> None:
    store = FeatureStore(network, "weights", tmp_path)
    draw, _ = drawing(until=CHUNK + 10)
    with pytest.raises(PowerCutError):
        store.extract(names(), draw, lambda _: None)
    draw, drawn = drawing()
    advanced: list[int] = []
    found = store.extract(names(), draw, advanced.append)
    assert drawn == list(range(CHUNK, COUNT))
    assert sum(advanced) == len(found) == COUNT
    assert np.allclose(found[0], found[4], atol=1e-3)
    assert not np.allclose(found[0], found[1], atol=1e-3)


def test_what_was_kept_is_taken_only_for_the_same_weights_and_pictures(
    network: Network, tmp_path: Path
) -> None:
    few = names()[:8]
    FeatureStore(network, "weights", tmp_path).extract(few, drawing()[0], lambda _: None)
    for digest, asked in (("weights", few), ("others", few), ("weights", few[::-1])):
        draw, drawn = drawing()
        FeatureStore(network, digest, tmp_path).extract(asked, draw, lambda _: None)
        assert bool(drawn) == ((digest, asked) != ("weights", few))


def test_a_half_written_chunk_is_not_mistaken_for_a_whole_one(network: Network, tmp_path: Path) -> None:
    few = names()[:8]
    store = FeatureStore(network, "weights", tmp_path)
    found = store.extract(few, drawing()[0], lambda _: None)
    (kept,) = tmp_path.iterdir()
    kept.rename(kept.with_suffix(".part"))
    assert np.array_equal(store.extract(few, drawing()[0], lambda _: None), found)
