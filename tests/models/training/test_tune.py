"""Tuning the crown: run where the extra `training` is installed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.runtime import Session
from models.training.learning.backbone import Conv
from models.training.learning.export import crown_onnx
from models.training.learning.head import Head
from models.training.learning.tune import KEEP_EVERY, Crown, Rows, Schedule, tune

pytest.importorskip("torch", reason="the extra 'training' is not installed")
pytest.importorskip("onnx", reason="the extra 'training' is not installed")

LABELS, PLANES, SIDE, ROWS = 3, 6, 5, 90
SCHEDULE = Schedule(steps=2 * KEEP_EVERY, batch=16, rate=0.02)


class PowerCutError(Exception):
    """What stops a run in the middle of a test."""


def conv(rng: np.random.Generator, out: int, each: int, side: int, **options: object) -> Conv:
    layer = Conv(
        weight=rng.normal(0, 0.4, (out, each, side, side)).astype(np.float32),
        bias=rng.normal(0, 0.1, out).astype(np.float32),
        stride=1,
        groups=1,
        pads=(side // 2,) * 4,
        relu6=True,
    )
    return replace(layer, **options)  # type: ignore[arg-type]


def small_crown() -> Crown:
    """Give an inverted residual block and one layer after it, as real crowns have them."""
    rng = np.random.default_rng(1)
    layers = (
        conv(rng, 12, PLANES, 1, opens_skip=True),
        conv(rng, 12, 1, 3, groups=12),
        conv(rng, PLANES, 12, 1, relu6=False, closes_skip=True),
        conv(rng, 8, PLANES, 1),
    )
    return Crown(
        layers, Head(rng.normal(0, 0.1, (LABELS, 8)).astype(np.float32), np.zeros(LABELS, np.float32))
    )


def toy_rows() -> tuple[Rows, NDArray[np.float32], NDArray[np.int64]]:
    """Give maps that differ by label in one plane only, their rows, and the labels."""
    rng = np.random.default_rng(2)
    own = rng.integers(0, LABELS, ROWS)
    maps = rng.normal(0, 1, (ROWS, PLANES, SIDE, SIDE)).astype(np.float32)
    maps[np.arange(ROWS), own] += 1.5
    rows = Rows(lambda numbers: maps[numbers], np.eye(LABELS, dtype=bool)[own], np.full(ROWS, 1 / ROWS))
    return rows, maps, own


def answers(crown: Crown, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    return Session(crown_onnx(crown.layers, crown.head, (PLANES, SIDE, SIDE))).run(maps)


def same(one: Crown, other: Crown) -> bool:
    pairs = zip(one.layers, other.layers, strict=True)
    return bool(np.array_equal(one.head.weight, other.head.weight)) and all(
        np.array_equal(a.weight, b.weight) and np.array_equal(a.bias, b.bias) for a, b in pairs
    )


def test_tuning_learns_to_tell_labels_apart_and_the_tuned_weights_are_exported(
    tmp_path: Path,
) -> None:
    rows, maps, own = toy_rows()
    losses: list[float] = []
    tuned = tune(small_crown(), rows, SCHEDULE, tmp_path / "kept.pt", 1, lambda _, loss: losses.append(loss))
    assert np.mean(losses[-20:]) < np.mean(losses[1:21])
    before, after = (answers(crown, maps).argmax(axis=1) == own for crown in (small_crown(), tuned))
    assert after.mean() > max(0.85, before.mean())


def test_a_stopped_run_ends_where_a_whole_one_does(tmp_path: Path) -> None:
    rows, _, _ = toy_rows()
    whole = tune(small_crown(), rows, SCHEDULE, tmp_path / "whole.pt", 1, lambda *_: None)
    done = 0

    def until_a_power_cut(steps: int, _: float) -> None:
        nonlocal done
        done += steps
        if done == KEEP_EVERY + 7:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        tune(small_crown(), rows, SCHEDULE, tmp_path / "cut.pt", 1, until_a_power_cut)
    told: list[int] = []
    resumed = tune(small_crown(), rows, SCHEDULE, tmp_path / "cut.pt", 1, lambda steps, _: told.append(steps))
    assert told[0] == KEEP_EVERY
    assert sum(told) == SCHEDULE.steps
    assert same(resumed, whole)


def test_rows_with_zero_probability_are_never_drawn(tmp_path: Path) -> None:
    rows, maps, _ = toy_rows()
    drawn: set[int] = set()

    def watched(numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        drawn.update(numbers.tolist())
        return maps[numbers]

    chances = np.where(np.arange(ROWS) < 20, 1 / 20, 0.0)
    short = replace(SCHEDULE, steps=12)
    tune(small_crown(), Rows(watched, rows.targets, chances), short, tmp_path / "kept.pt", 1, lambda *_: None)
    assert drawn
    assert max(drawn) < 20
