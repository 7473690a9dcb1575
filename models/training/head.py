"""The linear classifier on frozen features: fitted to labels that may be sets, by weighted likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DECAY = 6e-4
"""Chosen on the calibration split from 3e-5 to 1e-3; features are scaled to a mean square of 1."""
STEPS = 120


@dataclass(frozen=True, slots=True)
class Head:
    """A linear layer: logits = features @ weight.T + bias; weight (labels, features), bias (labels,)."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the (photos, labels) logits."""
        return features @ self.weight.T + self.bias


def fit_head(
    features: NDArray[np.float32], allowed: NDArray[np.bool_], weights: NDArray[np.float64], threads: int
) -> Head:
    """Fit a head by L-BFGS, which needs no learning rate and no seed: the problem is nearly convex.

    `allowed` is (photos, labels): the labels that each photo may show; the likelihood is of their sum.
    `weights` (photos,) counter imbalance and lower what is distrusted.
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
        surprise = -(torch.logsumexp(likely + barred, dim=1) * share).sum()
        total: torch.Tensor = surprise + DECAY * (weight**2).sum()
        total.backward()
        return total

    optimiser.step(loss)
    return Head(weight.detach().numpy() / np.float32(scale), bias.detach().numpy())
