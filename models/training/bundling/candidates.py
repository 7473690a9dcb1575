"""One trained network in float32 and in int8: the faster one is shipped if it is about as accurate."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from models.bundle import Thresholds
from models.golden import golden_pictures
from models.pipeline import normalise, probabilities
from models.runtime import Session
from models.training.evaluation.measure import accuracy, choose_thresholds, confusion, fit_temperature
from models.training.learning.backbone import INPUT_SIZE, MEAN, STD
from models.training.learning.feature_store import FeatureStore

LOSS_ALLOWED = 0.005
"""Accuracy on the calibration split that may be given up for speed."""
RUNS = 15
THREADS = (1, 2)


@dataclass(frozen=True, slots=True)
class CalibrationLogits:
    """Logits of calibration photos, their true columns, and logits of pictures without waste."""

    logits: NDArray[np.float32]
    truth: NDArray[np.int64]
    scenes: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network ready to ship: its file, its temperature and thresholds, its result on the calibration split.

    `speed_ms` has the time of one picture by number of threads.
    """

    precision: str
    model: bytes
    temperature: float
    thresholds: Thresholds
    accuracy: float
    speed_ms: dict[int, float]

    def coarse(self, logits: NDArray[np.float32], groups: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give calibrated (n, 4) probabilities."""
        shares: NDArray[np.float64] = probabilities(logits, self.temperature) @ groups
        return shares


def candidate(
    precision: str,
    model: bytes,
    held: CalibrationLogits,
    groups: NDArray[np.float64],
    error: float,
    speed_ms: dict[int, float],
) -> Candidate:
    """Choose temperature and thresholds on the calibration split only."""
    temperature = round(fit_temperature(held.logits, groups, held.truth), 4)
    coarse = probabilities(held.logits, temperature) @ groups
    empty = probabilities(held.scenes, temperature) @ groups
    thresholds = choose_thresholds(coarse, held.truth, empty, error)
    right = accuracy(confusion(coarse, held.truth))
    return Candidate(precision, model, temperature, thresholds, right, speed_ms)


def choose(candidates: Sequence[Candidate]) -> Candidate:
    """Return the fastest candidate (on most threads) within `LOSS_ALLOWED` of the most accurate one."""
    best = max(one.accuracy for one in candidates)
    good = [one for one in candidates if one.accuracy >= best - LOSS_ALLOWED]
    return min(good, key=lambda one: one.speed_ms[max(one.speed_ms)])


def speeds(models: Sequence[bytes], clock: Callable[[], float] = perf_counter) -> list[dict[int, float]]:
    """Return each network's shortest time for one picture in ms, by threads; networks take turns."""
    picture = normalise(golden_pictures(1, INPUT_SIZE), MEAN, STD)
    found: list[dict[int, float]] = [{} for _ in models]
    for threads in THREADS:
        networks = [Session(model, threads) for model in models]
        taken = np.array([[_timed(network, picture, clock) for network in networks] for _ in range(RUNS)])
        for one, least in zip(found, taken.min(axis=0), strict=True):
            one[threads] = round(float(least) * 1e3, 1)
    return found


def answers(model: bytes, cache: Path, threads: int) -> FeatureStore:
    """Return a store of a whole network's logits, so that an interrupted measurement resumes."""
    return FeatureStore(Session(model, threads), hashlib.sha256(model).hexdigest(), cache)


def _timed(network: Session, picture: NDArray[np.float32], clock: Callable[[], float]) -> float:
    start = clock()
    network.run(picture)
    return clock() - start
