"""Plot the measurements: confusion, accuracy against coverage, reliability. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from models.pipeline import CATEGORIES
from models.training.evaluation import measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    Probabilities = NDArray[np.float64]
    Truth = NDArray[np.int64]

DPI = 110
LOWEST_SHOWN = 0.8
"""Where the coverage curve's axis begins, unless the curve falls lower."""


def save_picture(coarse: Probabilities, truth: Truth, title: str, path: Path) -> None:
    """Draw all three side by side and write them as a PNG; equal figures give equal bytes.

    `coarse` are (photos, 4) calibrated probabilities, `truth` the true columns. Raises OSError.
    """
    figure = Figure(figsize=(13.5, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    left, middle, right = figure.subplots(1, 3)
    draw_confusion(left, measure.confusion(coarse, truth))
    draw_coverage(middle, coarse, truth)
    draw_reliability(right, coarse, truth)
    figure.savefig(path, format="png", dpi=DPI, metadata={"Software": None})


def draw_confusion(axes: Axes, counts: NDArray[np.int64]) -> None:
    """Draw (4, 4) counts: each row shaded by its shares, each field with its number."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [name.value for name in CATEGORIES]
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="said by the model", ylabel="true category", title="Confusion (photos)")
    for row, column in np.ndindex(counts.shape):
        ink = "white" if shares[row, column] > 0.5 else "black"  # noqa: PLR2004 - half way to the darkest
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=ink)


def draw_coverage(axes: Axes, coarse: Probabilities, truth: Truth) -> None:
    """Draw the accuracy over the surest photos against their share of all photos."""
    accuracy = 1 - measure.risk(coarse, truth)[1]
    coverage = np.arange(1, len(truth) + 1) / len(truth)
    axes.plot(coverage, accuracy, color="#0b5cab")
    axes.axhline(0.99, color="grey", linestyle="--", linewidth=1)
    axes.axvline(0.85, color="grey", linestyle="--", linewidth=1)
    axes.set(
        xlim=(0, 1),
        ylim=(min(LOWEST_SHOWN, float(accuracy.min())), 1.003),
        xlabel="share of photos answered, the surest first",
        ylabel="of these right",
        title="Accuracy against coverage",
    )
    _percent(axes)


def draw_reliability(axes: Axes, coarse: Probabilities, truth: Truth) -> None:
    """Draw how often photos were right against the model's probability; dots are sized by photos."""
    sure, right = coarse.max(axis=1), coarse.argmax(axis=1) == truth
    bins = np.minimum((sure * measure.BINS).astype(int), measure.BINS - 1)
    filled = np.unique(bins)
    said = [sure[bins == one].mean() for one in filled]
    found = [right[bins == one].mean() for one in filled]
    sizes = [30 + 400 * (bins == one).mean() for one in filled]
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
    axes.scatter(said, found, s=sizes, color="#0b5cab", alpha=0.8)
    error = measure.calibration_error(coarse, truth)
    axes.set(
        xlim=(0, 1),
        ylim=(0, 1.02),
        xlabel="probability the model gave",
        ylabel="of these right",
        title=f"Reliability (calibration error {error:.3f})",
    )
    _percent(axes)


def _percent(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(alpha=0.3)
