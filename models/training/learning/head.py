"""The linear classifier on frozen features, fitted by weighted likelihood to labels that may be sets."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.training.learning.feature_store import save_whole

DECAY = 6e-4
"""Chosen from 3e-5 to 1e-3 on the calibration split; features are scaled to a mean square of 1."""
STEPS = 80


@dataclass(frozen=True, slots=True)
class Head:
    """A linear layer: logits = features @ weight.T + bias; weight (labels, features), bias (labels,)."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def scaled(self, share: float) -> Head:
        """Return a head whose logits are `share` times these."""
        return Head((self.weight * share).astype(np.float32), (self.bias * share).astype(np.float32))

    def shifted(self, by: NDArray[np.float64]) -> Head:
        """Return a head with `by` (labels,) added to its logits."""
        return Head(self.weight, (self.bias + by).astype(np.float32))

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the (photos, labels) logits."""
        return features @ self.weight.T + self.bias


class HeadShop:
    """Fits heads, and caches each in a folder under a digest of its training data."""

    def __init__(self, cache: Path, threads: int) -> None:
        """`cache` must exist; `threads` is the number of cores that a fit may use."""
        self._cache = cache
        self._threads = threads

    def fit(
        self, features: NDArray[np.float32], allowed: NDArray[np.bool_], weights: NDArray[np.float64]
    ) -> Head:
        """Return the head of `fit_head`, from the cache if it was fitted before."""
        digest = hashlib.sha256(f"{DECAY} {STEPS} {features.shape}".encode())
        for part in (features, allowed, weights):
            digest.update(np.ascontiguousarray(part).tobytes())
        path = self._cache / f"head-{digest.hexdigest()[:32]}.npy"
        if not path.is_file():
            head = fit_head(features, allowed, weights, self._threads)
            save_whole(path, np.column_stack([head.weight, head.bias]))
        kept: NDArray[np.float32] = np.load(path)
        return Head(np.ascontiguousarray(kept[:, :-1]), kept[:, -1].copy())


def fit_head(
    features: NDArray[np.float32], allowed: NDArray[np.bool_], weights: NDArray[np.float64], threads: int
) -> Head:
    """Fit a head by L-BFGS, which needs no learning rate and no seed: the problem is nearly convex.

    `allowed` (photos, labels) marks the labels that each photo may show; the likelihood is that of their
    sum. `weights` (photos,) balance the categories and lower distrusted photos.
    """
    import torch  # noqa: PLC0415 - only training needs it

    torch.set_num_threads(threads)
    scale = float(np.sqrt(np.mean(features**2)))
    inputs = torch.from_numpy(features / np.float32(scale))
    barred = torch.from_numpy(np.where(allowed, 0.0, -np.inf).astype(np.float32))
    share = torch.from_numpy((weights / weights.sum()).astype(np.float32))
    weight = torch.zeros(allowed.shape[1], features.shape[1], requires_grad=True)
    bias = torch.zeros(allowed.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        likely = torch.log_softmax(inputs @ weight.T + bias, dim=1)
        nll = -(torch.logsumexp(likely + barred, dim=1) * share).sum()
        total: torch.Tensor = nll + DECAY * (weight**2).sum()
        total.backward()
        return total

    optimiser.step(loss)
    return Head(weight.detach().numpy() / np.float32(scale), bias.detach().numpy())
