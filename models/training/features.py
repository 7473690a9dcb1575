"""Photos to frozen features, in chunks that are kept on disk, so that a stopped run goes on where it was."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from models.pipeline import normalise
from models.pixels import letterbox
from models.training.backbone import INPUT_SIZE, MEAN, STD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.runtime import Network

    Rgb = NDArray[np.uint8]

CHUNK = 256
BATCH = 16


class FeatureStore:
    """Extracts features chunk by chunk and remembers them under a key of all that they depend on."""

    def __init__(self, network: Network, digest: str, cache: Path) -> None:
        """`digest` names the network's weights; `cache` is a folder, made if missing."""
        self._network = network
        self._digest = digest
        self._cache = cache
        cache.mkdir(parents=True, exist_ok=True)

    def extract(
        self, names: Sequence[str], draw: Callable[[int], Rgb], advance: Callable[[int], None]
    ) -> NDArray[np.float32]:
        """Give (n, features) for `n` pictures: `names[i]` says all that picture `draw(i)` depends on."""
        parts = []
        for start in range(0, len(names), CHUNK):
            numbers = range(start, min(start + CHUNK, len(names)))
            parts.append(self._chunk([names[i] for i in numbers], numbers, draw))
            advance(len(numbers))
        return np.concatenate(parts)

    def _chunk(self, names: Sequence[str], numbers: range, draw: Callable[[int], Rgb]) -> NDArray[np.float32]:
        key = hashlib.sha256("\n".join([self._digest, *names]).encode()).hexdigest()[:32]
        path = self._cache / f"{key}.npy"
        if path.is_file():
            kept: NDArray[np.float32] = np.load(path)
            return kept
        found = np.concatenate(
            [self._batch(numbers[i : i + BATCH], draw) for i in range(0, len(numbers), BATCH)]
        )
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.save(file, found)
        unfinished.rename(path)
        return found

    def _batch(self, numbers: range, draw: Callable[[int], Rgb]) -> NDArray[np.float32]:
        squares = np.stack([letterbox(draw(number), INPUT_SIZE) for number in numbers])
        return self._network.run(normalise(squares, MEAN, STD))
