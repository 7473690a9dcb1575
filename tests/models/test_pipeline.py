from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from config.sorting import Category
from models.pipeline import CATEGORIES, Judge, judge, normalise, probabilities, vote
from models.verdict import VerdictState

LABELS = ("glass", "can", "peel", "cell", "mask", "empty")
HOMES = (
    Category.RECYCLABLE,
    Category.RECYCLABLE,
    Category.KITCHEN,
    Category.HAZARDOUS,
    Category.OTHER,
    None,
)


def rules(temperature: float = 1.0, sure: float = 0.8, empty: float = 0.5) -> Judge:
    return Judge("waste-test", LABELS, HOMES, temperature, sure, empty)


def logits_of(*shares: float) -> NDArray[np.float64]:
    """Give one frame's logits that soften to exactly these probabilities."""
    logits: NDArray[np.float64] = np.log(np.array([shares]))
    return logits


some_logits = st.integers(1, 5).flatmap(
    lambda frames: arrays(np.float32, (frames, len(LABELS)), elements=st.floats(-60, 60, width=32))
)


@given(some_logits, st.floats(0.1, 10), st.floats(0, 1), st.floats(0, 1))
def test_every_verdict_is_consistent(
    logits: NDArray[np.float32], temperature: float, sure: float, empty: float
) -> None:
    verdict = judge(logits, rules(temperature, sure, empty))
    assert 0 <= verdict.probability <= 1
    assert (verdict.category is None) == (verdict.state is not VerdictState.OK)
    assert (verdict.label is None) == (verdict.state is VerdictState.EMPTY)
    assert verdict.label != "empty"
    if verdict.category is not None and verdict.label is not None:
        assert HOMES[LABELS.index(verdict.label)] is verdict.category
        assert verdict.probability >= sure


@given(some_logits, st.floats(0.1, 10))
def test_probabilities_sum_to_one_and_keep_the_order(logits: NDArray[np.float32], temperature: float) -> None:
    found = probabilities(logits, temperature)
    assert np.allclose(found.sum(axis=1), 1)
    best = logits.argmax(axis=1)
    assert (found[np.arange(len(logits)), best] >= found.max(axis=1)).all()


@given(some_logits)
def test_a_higher_temperature_never_makes_a_model_surer(logits: NDArray[np.float32]) -> None:
    assert (probabilities(logits, 2.0).max(axis=1) <= probabilities(logits, 1.0).max(axis=1) + 1e-12).all()


@given(some_logits)
def test_frames_vote_the_same_in_any_order(logits: NDArray[np.float32]) -> None:
    assert np.allclose(vote(logits, 1.0), vote(logits[::-1], 1.0))


@given(some_logits, st.floats(-100, 100))
def test_a_constant_added_to_all_logits_changes_nothing(logits: NDArray[np.float32], shift: float) -> None:
    assert np.allclose(vote(logits, 1.0), vote(logits.astype(np.float64) + shift, 1.0), atol=1e-6)


def test_labels_of_one_category_add_up() -> None:
    verdict = judge(logits_of(0.42, 0.43, 0.05, 0.04, 0.03, 0.03), rules())
    assert verdict.state is VerdictState.OK
    assert verdict.category is Category.RECYCLABLE
    assert verdict.label == "can"
    assert verdict.probability == pytest.approx(0.85)


def test_the_likeliest_category_wins_over_the_likeliest_label() -> None:
    verdict = judge(logits_of(0.3, 0.3, 0.38, 0.01, 0.005, 0.005), rules(sure=0.5))
    assert verdict.category is Category.RECYCLABLE
    assert verdict.label in {"glass", "can"}


def test_below_the_threshold_it_is_unsure_and_names_no_category() -> None:
    verdict = judge(logits_of(0.3, 0.3, 0.38, 0.01, 0.005, 0.005), rules(sure=0.61))
    assert verdict.state is VerdictState.UNSURE
    assert verdict.category is None
    assert verdict.label in {"glass", "can"}
    assert verdict.probability == pytest.approx(0.6)


def test_a_likely_empty_picture_is_empty() -> None:
    verdict = judge(logits_of(0.2, 0.1, 0.1, 0.05, 0.05, 0.5), rules(empty=0.5 - 1e-9))
    assert verdict.state is VerdictState.EMPTY
    assert verdict.label is None


def test_one_mistaken_frame_does_not_outvote_two() -> None:
    certain_and_wrong = logits_of(1e-9, 1e-9, 1e-9, 1.0, 1e-9, 1e-9)
    right = logits_of(0.9, 0.02, 0.02, 0.02, 0.02, 0.02)
    verdict = judge(np.concatenate([certain_and_wrong, right, right]), rules(sure=0.5))
    assert verdict.category is Category.RECYCLABLE


def test_another_citys_rules_change_the_category_and_not_the_label() -> None:
    cell = logits_of(0.01, 0.01, 0.01, 0.95, 0.01, 0.01)
    elsewhere = Judge("m", LABELS, (*HOMES[:3], Category.OTHER, *HOMES[4:]), 1.0, 0.8, 0.5)
    here, there = judge(cell, rules()), judge(cell, elsewhere)
    assert (here.label, there.label) == ("cell", "cell")
    assert (here.category, there.category) == (Category.HAZARDOUS, Category.OTHER)


def test_membership_puts_each_label_in_one_category_and_empty_in_none() -> None:
    table = rules().membership()
    assert table.shape == (len(LABELS), len(CATEGORIES))
    assert table.sum(axis=1).tolist() == [1, 1, 1, 1, 1, 0]


@given(arrays(np.uint8, (2, 5, 5, 3)))
def test_normalising_keeps_every_pixel_in_its_place(pictures: NDArray[np.uint8]) -> None:
    planes = normalise(pictures, 127, 128)
    assert planes.shape == (2, 3, 5, 5)
    assert planes.dtype == np.float32
    assert planes.flags["C_CONTIGUOUS"]
    assert np.allclose(planes.transpose(0, 2, 3, 1) * 128 + 127, pictures, atol=1e-3)
