"""Fine-tune the crown (the network's last blocks) on stored activations, seeded, with checkpoints.

The trunk below never changes, so its activations are computed once and each pass over them is cheap. Batch
norms are folded: a layer is a convolution and a bias, and exactly the tuned weights are exported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.training.learning.backbone import Conv
from models.training.learning.head import Head

if TYPE_CHECKING:
    from torch import Tensor

KEEP_EVERY = 50
"""Steps between checkpoints: a power cut loses at most this many."""
MIXING = 0.2
"""Both parameters of the beta distribution for mixing two activations of a batch (mixup)."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to tune. `rate` is a tensor's largest step, as a share of its own size."""

    steps: int
    batch: int = 48
    rate: float = 0.006
    decay: float = 0.02
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Rows:
    """Training rows: `maps(numbers)` returns (n, c, h, w) activations.

    `targets` (rows, labels) are the labels that each row may show, True or False, or shares that sum to 1.
    `chances` (rows,) are the probabilities of drawing each row; they sum to 1.
    """

    maps: Callable[[NDArray[np.int64]], NDArray[np.float32]]
    targets: NDArray[np.bool_]
    chances: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Crown:
    """The network's last layers and its head."""

    layers: tuple[Conv, ...]
    head: Head


def tune(
    start: Crown,
    rows: Rows,
    schedule: Schedule,
    kept: Path,
    threads: int,
    advance: Callable[[int, float], None],
) -> Crown:
    """Tune all of `start`; `advance(steps, loss)` is called after each step.

    A stopped run resumes from `kept`, which must belong to the same rows and schedule. A step's batch and
    mixing depend only on the seed and its number, so a resumed run gives the same result.
    """
    import torch  # noqa: PLC0415 - only training needs it

    torch.set_num_threads(threads)
    tensors = _tensors(start)
    groups = [{"params": [one], "lr": schedule.rate * _size(one)} for one in tensors]
    optimiser = torch.optim.AdamW(groups, weight_decay=schedule.decay, betas=(0.9, 0.99))
    pace = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _pace(step / schedule.steps))
    done = _resume(kept, tensors, optimiser, pace)
    advance(done, 0.0)
    for step in range(done, schedule.steps):
        optimiser.zero_grad(set_to_none=True)
        loss = _loss(start.layers, tensors, rows, schedule, step)
        loss.backward()
        optimiser.step()
        pace.step()
        if (step + 1) % KEEP_EVERY == 0 or step + 1 == schedule.steps:
            _keep(kept, step + 1, tensors, optimiser, pace)
        advance(1, float(loss.detach()))
    return _crown(start, tensors)


def _pace(done: float) -> float:
    """Return the learning rate's factor: warm-up over a twentieth of the run, then a cosine to zero."""
    warm = 0.05
    return (
        done / warm + 0.02 if done < warm else 0.5 + 0.5 * float(np.cos(np.pi * (done - warm) / (1 - warm)))
    )


def _loss(layers: Sequence[Conv], tensors: list[Tensor], rows: Rows, schedule: Schedule, step: int) -> Tensor:
    import torch  # noqa: PLC0415

    rng = np.random.default_rng((schedule.seed, step))
    drawn = rng.choice(len(rows.chances), schedule.batch, p=rows.chances)
    maps = torch.from_numpy(rows.maps(drawn)).contiguous(memory_format=torch.channels_last)
    barred = torch.from_numpy(np.where(rows.targets[drawn], 0.0, -np.inf).astype(np.float32))
    share = float(rng.beta(MIXING, MIXING))
    share = max(share, 1 - share)
    likely = torch.log_softmax(_forward(layers, tensors, share * maps + (1 - share) * maps.flip(0)), dim=1)
    own, others = (torch.logsumexp(likely + side, dim=1).mean() for side in (barred, barred.flip(0)))
    return -(share * own + (1 - share) * others)


def _forward(layers: Sequence[Conv], tensors: Sequence[Tensor], maps: Tensor) -> Tensor:
    from torch.nn import functional  # noqa: PLC0415

    last = skip = maps
    for number, layer in enumerate(layers):
        if layer.opens_skip:
            skip = last
        top, left, bottom, right = layer.pads
        even = top == bottom and left == right
        last = functional.conv2d(
            last if even else functional.pad(last, (left, right, top, bottom)),
            tensors[2 * number],
            tensors[2 * number + 1],
            stride=layer.stride,
            padding=(top, left) if even else 0,
            groups=layer.groups,
        )
        if layer.relu6:
            last = functional.hardtanh(last, 0.0, 6.0)
        last = last + skip if layer.closes_skip else last
    return functional.linear(last.mean((2, 3)), tensors[-2], tensors[-1])


def _tensors(crown: Crown) -> list[Tensor]:
    """Return weight and bias of each layer, then of the head, as leaf tensors with gradients."""
    import torch  # noqa: PLC0415

    convolutions = [part for layer in crown.layers for part in (layer.weight, layer.bias)]
    tensors = [torch.from_numpy(part.copy()) for part in (*convolutions, crown.head.weight, crown.head.bias)]
    maps = 4  # axes of a convolution's weight
    return [
        (one.contiguous(memory_format=torch.channels_last) if one.ndim == maps else one).requires_grad_()
        for one in tensors
    ]


def _size(tensor: Tensor) -> float:
    return float(tensor.detach().square().mean().sqrt()) + 1e-6


def _crown(start: Crown, tensors: Sequence[Tensor]) -> Crown:
    parts = [np.ascontiguousarray(one.detach().numpy()) for one in tensors]
    layers = tuple(
        replace(layer, weight=parts[2 * number], bias=parts[2 * number + 1])
        for number, layer in enumerate(start.layers)
    )
    return Crown(layers, Head(parts[-2], parts[-1]))


def _keep(kept: Path, step: int, tensors: Sequence[Tensor], *movers: Any) -> None:  # noqa: ANN401 - torch's own
    import torch  # noqa: PLC0415

    unfinished = kept.with_suffix(".part")
    states = [mover.state_dict() for mover in movers]
    torch.save({"step": step, "tensors": [one.detach() for one in tensors], "movers": states}, unfinished)
    unfinished.rename(kept)


def _resume(kept: Path, tensors: Sequence[Tensor], *movers: Any) -> int:  # noqa: ANN401
    """Restore what `_keep` stored; return the number of steps done, 0 if there is no checkpoint."""
    import torch  # noqa: PLC0415

    if not kept.is_file():
        return 0
    found = torch.load(kept, weights_only=True)
    with torch.no_grad():
        for one, value in zip(tensors, found["tensors"], strict=True):
            one.copy_(value)
    for mover, state in zip(movers, found["movers"], strict=True):
        mover.load_state_dict(state)
    return int(found["step"])
