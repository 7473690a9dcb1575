"""Pictures of a bin's mouth as a noisy camera would take them, in RGB or BGR alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


class Scene:
    """A textured tray; things lie on it, and light falls on it."""

    def __init__(self, seed: int = 0, height: int = 120, width: int = 160) -> None:
        self._random = np.random.default_rng(seed)
        coarse = self._random.uniform(60, 150, (height // 20, width // 20, 3))
        self._tray = coarse.repeat(20, axis=0).repeat(20, axis=1)
        self.light = 1.0
        self.noise = 4.0
        self._things: list[tuple[slice, slice, NDArray[np.float64]]] = []

    def put(self, place: tuple[float, float, float, float], colour: tuple[int, int, int]) -> None:
        """Lay a thing down; left, top, right, bottom as shares of the picture."""
        height, width = self._tray.shape[:2]
        left, top, right, bottom = place
        rows = slice(round(top * height), round(bottom * height))
        columns = slice(round(left * width), round(right * width))
        self._things.append((rows, columns, np.array(colour, float)))

    def take_away(self) -> None:
        self._things.pop()

    def picture(self) -> Picture:
        scene = self._tray.copy()
        for rows, columns, colour in self._things:
            scene[rows, columns] = colour
        noise = self._random.normal(0, self.noise, scene.shape)
        return np.clip(scene * self.light + noise, 0, 255).astype(np.uint8)
