"""A network's outputs for many pictures, cached on disk in chunks: an interrupted run resumes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.pipeline import normalise
from models.pixels import letterbox
from models.runtime import Session
from models.training.learning.backbone import INPUT_SIZE, MEAN, STD

Rgb = NDArray[np.uint8]

CHUNK = 256
BATCH = 8


class FeatureStore:
    """Extracts a network's outputs in chunks and caches them under a key of everything they depend on.

    They are stored as float16 and read only when needed, so that there may be more than fit in memory.
    """

    def __init__(self, network: Session, digest: str, cache: Path, size: int = INPUT_SIZE) -> None:
        """`digest` names the weights, `cache` a folder (created if missing), `size` the input's side."""
        self._size = size
        self._network = network
        self._digest = digest
        self._cache = cache
        cache.mkdir(parents=True, exist_ok=True)

    def extract(
        self, names: Sequence[str], draw: Callable[[int], Rgb], advance: Callable[[int], None]
    ) -> StoredOutputs:
        """Return the outputs for all pictures; `names[i]` names all that picture `draw(i)` depends on."""
        paths = []
        for start in range(0, len(names), CHUNK):
            numbers = range(start, min(start + CHUNK, len(names)))
            paths.append(self._chunk([names[i] for i in numbers], numbers, draw))
            advance(len(numbers))
        return StoredOutputs(paths, len(names))

    def _chunk(self, names: Sequence[str], numbers: range, draw: Callable[[int], Rgb]) -> Path:
        key = hashlib.sha256("\n".join([self._digest, *names]).encode()).hexdigest()[:32]
        path = self._cache / f"{key}.npy"
        if path.is_file():
            return path
        found = np.concatenate(
            [self._batch(numbers[i : i + BATCH], draw) for i in range(0, len(numbers), BATCH)]
        )
        save_whole(path, found)
        return path

    def _batch(self, numbers: range, draw: Callable[[int], Rgb]) -> NDArray[np.float16]:
        squares = np.stack([letterbox(draw(number), self._size) for number in numbers])
        return self._network.run(normalise(squares, MEAN, STD)).astype(np.float16)


class StoredOutputs:
    """Outputs on disk, addressed by number. `len` counts them; `key` names everything they depend on."""

    def __init__(self, paths: Sequence[Path], count: int) -> None:
        """`paths` hold `CHUNK` outputs each, the last one the rest of `count`."""
        self._chunks = [np.load(path, mmap_mode="r") for path in paths]
        self._count = count
        self.key = hashlib.sha256("\n".join(path.name for path in paths).encode()).hexdigest()

    def __len__(self) -> int:
        return self._count

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one output."""
        return tuple(self._chunks[0].shape[1:])

    def rows(self, numbers: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (numbers, ...) outputs as float32."""
        return np.stack([self._chunks[one // CHUNK][one % CHUNK] for one in numbers]).astype(np.float32)


def save_whole(path: Path, values: NDArray[np.floating]) -> None:
    """Write an array so that its file is either complete or missing."""
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.save(file, values)
    unfinished.rename(path)
