"""Plot the gain of more photos: of other places, and of the same places. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from models.training.domain_shift.curves import Curves, Drawn, Trial, rungs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 90
MARK = 0.88
"""The required share right on another place's photos."""


def save_curves(curves: Curves, title: str, path: Path) -> None:
    """Draw both curves side by side and write them as a PNG; equal figures give equal bytes.

    Raises OSError.
    """
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    left, right = figure.subplots(1, 2)
    draw_unseen(left, curves.trials)
    draw_shares(right, curves.drawn)
    figure.savefig(path, format="png", dpi=DPI, metadata={"Software": None})


def draw_unseen(axes: Axes, trials: Sequence[Trial]) -> None:
    """Draw accuracy on an unseen source against the number of others seen: each source, and the mean."""
    for source in sorted({one.source for one in trials}):
        own = rungs([one for one in trials if one.source == source])
        seen, right = [one.seen for one in own], [one.right for one in own]
        axes.plot(seen, right, marker=".", linewidth=1, label=source)
    steps = rungs(trials)
    seen = [one.seen for one in steps]
    axes.plot(seen, [one.right for one in steps], color="black", linewidth=2.5, label="mean")
    known = [one.right_of_known for one in steps]
    axes.plot(seen, known, color="black", linestyle=":", label="mean, of kinds that were seen")
    axes.axhline(MARK, color="grey", linestyle="--", linewidth=1, label=f"{MARK:.0%}, the mark")
    axes.set(ylim=(0, 1), xlabel="other sources learned from", ylabel="of these right")
    axes.set_title("On a source never seen")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")


def draw_shares(axes: Axes, drawn: Sequence[Drawn]) -> None:
    """Draw accuracy on the calibration photos against the share of photos learned from, with every draw."""
    shares = sorted({one.share for one in drawn})
    means = [float(np.mean([one.right for one in drawn if one.share == share])) for share in shares]
    axes.plot(shares, means, color="#0b5cab")
    axes.scatter([one.share for one in drawn], [one.right for one in drawn], color="#0b5cab", s=14)
    axes.set_xscale("log", base=2)
    axes.set_xticks(shares, [f"1/{1 / share:.0f}" if share < 1 else "all" for share in shares])
    axes.set(xlabel="training photos learned from", ylabel="of these right", title="On the calibration split")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(alpha=0.3)
