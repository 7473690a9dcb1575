"""The model card: what a person should know of a bundle, with figures taken from the run that made it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import numpy as np

from models.pipeline import CATEGORIES
from models.training.measure import accuracy, accuracy_at, confusion, macro_f1
from models.training.samples import NO_WASTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.bundle import Manifest, Thresholds
    from models.training.photo import Photo
    from models.training.samples import Samples
    from models.training.taxonomy import Taxonomy

CARD = "README.md"
TEMPLATE = Path(__file__).with_name("card.md")
COVERAGES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card tells beside the manifest: counts of the run, and the test split's probabilities.

    `fine` are those of labels, `coarse` of categories; `chamber` of categories too, for augmented copies.
    """

    counts: dict[str, str]
    photos: Sequence[Photo]
    test: Samples
    fine: NDArray[np.float64]
    coarse: NDArray[np.float64]
    chamber: NDArray[np.float64]


def model_card(manifest: Manifest, taxonomy: Taxonomy, facts: Facts) -> str:
    """Fill the card's template; every figure in it comes from this run."""
    waste = facts.test.truth != NO_WASTE
    truth, coarse = facts.test.truth[waste], facts.coarse[waste]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        facts.counts,
        **_manifest_figures(manifest),
        confusion=_confusion(coarse, truth),
        coverage_curve=_coverage_curve(coarse, truth),
        label_recall=_label_recall(manifest, facts),
        scene_states=_scene_states(facts.coarse[~waste], manifest.thresholds),
        chamber=_chamber(facts.chamber, truth),
        test_scenes=str(int((~waste).sum())),
        sources=_sources(facts.photos, taxonomy),
    )


def _manifest_figures(manifest: Manifest) -> dict[str, str]:
    figures = manifest.metrics
    shares = (
        "accuracy",
        "ece",
        "coverage",
        "error_when_ok",
        "coverage_at_1pct_error",
        "accuracy_at_85pct_coverage",
    )
    return {
        "title": manifest.title,
        "model_file": manifest.model.name,
        "opset": str(manifest.model.opset),
        "size": str(manifest.input.size),
        "mean": f"{manifest.input.mean:g}",
        "std": f"{manifest.input.std:g}",
        "labels": str(len(manifest.labels)),
        "temperature": f"{manifest.temperature:g}",
        "sure": f"{manifest.thresholds.sure:.3f}",
        "empty": f"{manifest.thresholds.empty:g}",
        "photos": str(figures.photos),
        "macro_f1": f"{figures.macro_f1:.3f}",
        **{name: f"{getattr(figures, name):.1%}" for name in shares},
    }


def _confusion(coarse: NDArray[np.float64], truth: NDArray[np.int64]) -> str:
    rows = []
    for category, row in zip(CATEGORIES, confusion(coarse, truth), strict=True):
        found = row[CATEGORIES.index(category)] / max(1, row.sum())
        rows.append([category.value, *(str(count) for count in row), f"{found:.1%}"])
    return _table(["true \\ said", *(category.value for category in CATEGORIES), "recall"], rows)


def _coverage_curve(coarse: NDArray[np.float64], truth: NDArray[np.int64]) -> str:
    shown = [f"{accuracy_at(coarse, truth, coverage):.1%}" for coverage in COVERAGES]
    return _table(["surest share", *(f"{coverage:.0%}" for coverage in COVERAGES)], [["accuracy", *shown]])


def _label_recall(manifest: Manifest, facts: Facts) -> str:
    """Count only photos that one label alone is allowed for; the winner is the likeliest label of all."""
    single = (facts.test.allowed.sum(axis=1) == 1) & (facts.test.truth != NO_WASTE)
    own = facts.test.allowed[single].argmax(axis=1)
    right = facts.fine[single].argmax(axis=1) == own
    told = [
        f"{label.key} {right[own == number].mean():.0%} of {(own == number).sum()}"
        for number, label in enumerate(manifest.labels)
        if (own == number).any()
    ]
    return ", ".join(told)


def _chamber(coarse: NDArray[np.float64], truth: NDArray[np.int64]) -> str:
    counts = confusion(coarse, truth)
    return f"{accuracy(counts):.1%}, {macro_f1(counts):.3f}"


def _scene_states(coarse: NDArray[np.float64], thresholds: Thresholds) -> str:
    empty = 1 - coarse.sum(axis=1) >= thresholds.empty
    ok = ~empty & (coarse.max(axis=1) >= thresholds.sure)
    return f"{empty.sum()}, {(~empty & ~ok).sum()}, {ok.sum()}"


def _sources(photos: Sequence[Photo], taxonomy: Taxonomy) -> str:
    counts = Counter(photo.source for photo in photos)
    return "\n".join(
        f"| {source} | {count} | {taxonomy.licence.get(source, 'unknown')} |"
        for source, count in sorted(counts.items())
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
