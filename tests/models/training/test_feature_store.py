from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle import load_bundle
from models.golden import golden_pictures
from models.runtime import Session
from models.training.learning.feature_store import CHUNK, FeatureStore, StoredOutputs

COUNT = CHUNK + 20


class PowerCutError(Exception):
    """What stops a run in the middle of a test."""


class Averages(Session):
    """A network as quick as a mean: what a store does with outputs does not depend on what they are."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.batches.append(len(batch))
        means: NDArray[np.float32] = batch.mean(axis=(2, 3))
        return means


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


def everything(kept: StoredOutputs) -> NDArray[np.float32]:
    return kept.rows(range(len(kept)))


def test_a_stopped_run_continues_where_it_was(tmp_path: Path) -> None:
    store = FeatureStore(Averages(), "weights", tmp_path)
    draw, _ = drawing(until=CHUNK + 10)
    with pytest.raises(PowerCutError):
        store.extract(names(), draw, lambda _: None)
    draw, drawn = drawing()
    advanced: list[int] = []
    found = everything(store.extract(names(), draw, advanced.append))
    assert drawn == list(range(CHUNK, COUNT))
    assert sum(advanced) == len(found) == COUNT
    assert np.array_equal(found[0], found[4])
    assert not np.allclose(found[0], found[1], atol=1e-3)


def test_rows_are_given_in_the_order_asked_for_across_chunks(tmp_path: Path) -> None:
    kept = FeatureStore(Averages(), "weights", tmp_path).extract(names(), drawing()[0], lambda _: None)
    asked = np.array([CHUNK + 3, 0, CHUNK - 1, 0])
    assert kept.shape == (3,)
    assert np.array_equal(kept.rows(asked), everything(kept)[asked])


def test_pictures_go_through_the_network_a_few_at_a_time(tmp_path: Path) -> None:
    network = Averages()
    FeatureStore(network, "weights", tmp_path).extract(names(), drawing()[0], lambda _: None)
    assert sum(network.batches) == COUNT
    assert max(network.batches) <= 16


def test_stored_outputs_are_reused_only_for_the_same_weights_and_pictures(tmp_path: Path) -> None:
    few = names()[:8]
    FeatureStore(Averages(), "weights", tmp_path).extract(few, drawing()[0], lambda _: None)
    for digest, asked in (("weights", few), ("others", few), ("weights", few[::-1])):
        draw, drawn = drawing()
        FeatureStore(Averages(), digest, tmp_path).extract(asked, draw, lambda _: None)
        assert bool(drawn) == ((digest, asked) != ("weights", few))


def test_a_half_written_chunk_is_not_mistaken_for_a_whole_one(tmp_path: Path) -> None:
    few = names()[:8]
    store = FeatureStore(Averages(), "weights", tmp_path)
    found = everything(store.extract(few, drawing()[0], lambda _: None))
    (kept,) = tmp_path.iterdir()
    kept.rename(kept.with_suffix(".part"))
    assert np.array_equal(everything(store.extract(few, drawing()[0], lambda _: None)), found)


def test_a_real_networks_outputs_survive_storage(tmp_path: Path) -> None:
    bundle = load_bundle()
    store = FeatureStore(Session(bundle.model), "shipped", tmp_path)
    kept = store.extract(names()[:4], drawing()[0], lambda _: None)
    assert kept.rows([0]).shape == (1, len(bundle.manifest.labels))
