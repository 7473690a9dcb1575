"""The model card: what a person should know about a bundle, with figures from the run that made it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import numpy as np
from numpy.typing import NDArray

from models.bundle import Manifest, Thresholds
from models.pipeline import CATEGORIES
from models.training.bundling.candidates import Candidate
from models.training.dataset.photo import Photo
from models.training.dataset.taxonomy import Taxonomy
from models.training.domain_shift.curves import Curves, Drawn, Trial, rungs
from models.training.domain_shift.leave_one_out import LeftOut
from models.training.evaluation.measure import accuracy_at, confusion

CARD = "README.md"
FIGURES = "figures.png"
UNSEEN = "unseen.png"
TEMPLATE = Path(__file__).with_name("card.md")
COVERAGES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7)
KEPT_AS = {"float": "float32, weights kept as int8 by channel", "int8": "int8 throughout"}


@dataclass(frozen=True, slots=True)
class MeasuredAnswers:
    """One network's answers on the test split: (n, labels) logits, (n, 4) calibrated probabilities.

    `scenes` are those of pictures without waste.
    """

    truth: NDArray[np.int64]
    allowed: NDArray[np.bool_]
    logits: NDArray[np.float32]
    coarse: NDArray[np.float64]
    scenes: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card states in addition to the manifest; `counts` go into the template by their names."""

    counts: dict[str, str]
    photos: Sequence[Photo]
    candidates: Sequence[Candidate]
    chosen: Candidate
    found: MeasuredAnswers
    left_out: Sequence[LeftOut]
    curves: Curves


def model_card(manifest: Manifest, taxonomy: Taxonomy, facts: Facts) -> str:
    """Fill the card's template; every figure in it comes from this run."""
    found = facts.found
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        facts.counts,
        **_manifest_figures(manifest),
        figures=FIGURES,
        precision=KEPT_AS[facts.chosen.precision],
        megabytes=f"{len(facts.chosen.model) / 1e6:.1f}",
        confusion=_confusion(found),
        coverage_curve=_coverage_curve(found),
        label_recall=_label_recall(manifest, found),
        scene_states=_scene_states(found.scenes, manifest.thresholds),
        test_scenes=str(len(found.scenes)),
        precisions=_precisions(facts),
        left_out=_left_out(facts.left_out),
        unseen_picture=UNSEEN,
        unseen=unseen_table(facts.curves.trials),
        shares=shares_table(facts.curves.drawn),
        **unseen_figures(facts.curves.trials),
        sources=_sources(facts.photos, taxonomy),
    )


def unseen_table(trials: Sequence[Trial]) -> str:
    """Return a Markdown table of accuracy on unseen sources by the number of other sources seen."""
    steps = rungs(trials)
    rows = [
        ["right, mean", *(f"{one.right:.1%}" for one in steps)],
        ["least to most", *(f"{one.least:.0%} to {one.most:.0%}" for one in steps)],
        ["of a kind that was seen", *(f"{one.known:.0%}" for one in steps)],
        ["right of these, mean", *(f"{one.right_of_known:.1%}" for one in steps)],
        ["right of the others, mean", *(f"{one.right_of_others:.1%}" for one in steps)],
    ]
    return _table(["other sources learned from", *(str(one.seen) for one in steps)], rows)


def shares_table(drawn: Sequence[Drawn]) -> str:
    """Return a Markdown table of the calibration accuracy of heads fitted to shares of the photos."""
    shares = sorted({one.share for one in drawn})
    tried = [[one.right for one in drawn if one.share == share] for share in shares]
    rows = [
        ["right, mean", *(f"{np.mean(one):.1%}" for one in tried)],
        ["least to most", *(f"{min(one):.1%} to {max(one):.1%}" for one in tried)],
    ]
    head = [f"1/{1 / share:.0f}" if share < 1 else "all" for share in shares]
    return _table(["training photos learned from", *head], rows)


def unseen_figures(trials: Sequence[Trial]) -> dict[str, str]:
    """Return the figures for the last step, where all other sources were seen, and its gain."""
    names = ("unseen_right", "unseen_known", "unseen_right_of_known", "unseen_step")
    steps = rungs(trials)
    if len(steps) < 2:  # noqa: PLR2004 - a step leads from one to the next
        return dict.fromkeys(names, "(not measured)")
    before, last = steps[-2:]
    shares = (last.right, last.known, last.right_of_known)
    told = [*(f"{share:.1%}" for share in shares), f"{100 * (last.right - before.right):+.1f} points"]
    return dict(zip(names, told, strict=True))


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


def _confusion(found: MeasuredAnswers) -> str:
    rows = []
    for category, row in zip(CATEGORIES, confusion(found.coarse, found.truth), strict=True):
        share = row[CATEGORIES.index(category)] / max(1, row.sum())
        rows.append([category.value, *(str(count) for count in row), f"{share:.1%}"])
    return _table(["true \\ said", *(category.value for category in CATEGORIES), "recall"], rows)


def _coverage_curve(found: MeasuredAnswers) -> str:
    shown = [f"{accuracy_at(found.coarse, found.truth, coverage):.1%}" for coverage in COVERAGES]
    return _table(["surest share", *(f"{coverage:.0%}" for coverage in COVERAGES)], [["accuracy", *shown]])


def _label_recall(manifest: Manifest, found: MeasuredAnswers) -> str:
    """Return the recall of each label, over photos with exactly one allowed label."""
    single = found.allowed.sum(axis=1) == 1
    own = found.allowed[single].argmax(axis=1)
    right = found.logits[single].argmax(axis=1) == own
    told = [
        f"{label.key} {right[own == number].mean():.0%} of {(own == number).sum()}"
        for number, label in enumerate(manifest.labels)
        if (own == number).any()
    ]
    return ", ".join(told)


def _scene_states(coarse: NDArray[np.float64], thresholds: Thresholds) -> str:
    empty = 1 - coarse.sum(axis=1) >= thresholds.empty
    ok = ~empty & (coarse.max(axis=1) >= thresholds.sure)
    return f"{empty.sum()}, {(~empty & ~ok).sum()}, {ok.sum()}"


def _precisions(facts: Facts) -> str:
    rows = []
    for one in facts.candidates:
        times = [f"{one.speed_ms[threads]:.0f} ms" for threads in sorted(one.speed_ms)]
        shipped = " (shipped)" if one is facts.chosen else ""
        size = f"{len(one.model) / 1e6:.1f} MB"
        name = f"{KEPT_AS[one.precision]}{shipped}"
        rows.append([name, size, *times, f"{one.accuracy:.2%}"])
    head = ["precision", "file", "1 thread", "2 threads", "calibration accuracy"]
    return _table(head, rows)


def _left_out(rows: Sequence[LeftOut]) -> str:
    shown = [
        [
            one.source,
            str(one.photos),
            f"{one.accuracy:.1%}",
            ", ".join(f"{name} {share:.0%}" for name, share in one.recall.items()),
        ]
        for one in rows
    ]
    return _table(["source left out", "its photos", "right", "recall of the categories it has"], shown)


def _sources(photos: Sequence[Photo], taxonomy: Taxonomy) -> str:
    counts = Counter(photo.source for photo in photos)
    return "\n".join(
        f"| {source} | {count} | {taxonomy.licence.get(source, 'unknown')} |"
        for source, count in sorted(counts.items())
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
