"""What more sources and more photos bring: measured on points in the plane of four labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.domain_shift import curves as curves_module
from models.training.domain_shift.curves import (
    Curves,
    Drawn,
    Trial,
    choices,
    drawn,
    every_choice,
    every_share,
    rungs,
)
from models.training.domain_shift.leave_one_out import LabelledFeatures
from models.training.domain_shift.plot import save_curves
from models.training.learning.head import HeadShop

EACH = 60
TRIALS = (
    Trial(("a",), "c", 0.2, 0.5, 0.4, 0.0),
    Trial(("b",), "c", 0.4, 0.0, None, 0.4),
    Trial(("a", "b"), "c", 0.9, 1.0, 0.9, None),
)


def table(kinds: dict[str, tuple[int, ...]]) -> LabelledFeatures:
    """Give EACH photos of each source, around the corners of the labels that it has."""
    own = np.concatenate([np.resize(labels, EACH) for labels in kinds.values()])
    features = np.eye(4, 8)[own] * 4 + np.random.default_rng(1).normal(0, 0.4, (len(own), 8))
    sources = np.repeat(list(kinds), EACH)
    said = np.eye(4, dtype=bool)[own]
    return LabelledFeatures(features.astype(np.float32), said, own, np.ones(len(own)), sources)


@pytest.fixture
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves_module, "ENOUGH", EACH)


@pytest.mark.usefixtures("few_are_enough")
def test_every_choice_of_sources_leaves_one_out_and_small_sources_do_not_count() -> None:
    places = table({"a": (0,), "b": (1,), "c": (2,)})
    some = LabelledFeatures(*(getattr(places, name)[:-1] for name in LabelledFeatures.__dataclass_fields__))
    assert choices(places) == [("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c")]
    assert choices(some) == [("a",), ("b",)]


@pytest.mark.usefixtures("few_are_enough")
def test_a_source_is_scored_on_the_kinds_that_were_seen_in_training(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra 'training' is not installed")
    places = table({"halves": (0, 1), "others": (2, 3), "all": (0, 1, 2, 3)})
    told: list[int] = []
    trusted = np.ones(len(places.truth), bool)
    found = {
        (one.seen, one.source): one
        for one in every_choice(places, trusted, np.eye(4), HeadShop(tmp_path, 1), told.append)
    }
    assert len(found) == 3 * 2 + 3
    assert sum(told) == len(choices(places))
    half = found[("halves",), "all"]
    assert (half.known, half.right_of_known, half.right_of_others) == (0.5, 1.0, 0.0)
    assert half.right == 0.5
    assert found[("halves",), "others"].right_of_known is None
    both = found[("halves", "others"), "all"]
    assert (both.known, both.right, both.right_of_others) == (1.0, 1.0, None)


def test_a_point_of_the_curve_is_the_mean_of_its_trials_without_unseen_kinds() -> None:
    first, second = rungs(TRIALS)
    assert (first.seen, first.least, first.most, first.right_of_known) == (1, 0.2, 0.4, 0.4)
    assert first.right == pytest.approx(0.3)
    assert first.right_of_others == pytest.approx(0.2)
    assert first.known == pytest.approx(0.25)
    assert (second.seen, second.right) == (2, 0.9)


groups = st.lists(st.text("abcdef", min_size=1, max_size=3), min_size=1, max_size=60)


@given(groups, st.floats(0, 1), st.floats(0, 1), st.integers(0, 3))
def test_a_smaller_share_is_part_of_a_larger_and_groups_stay_whole(
    lots: list[str], one: float, other: float, number: int
) -> None:
    small, large = (drawn(lots, share, number) for share in sorted((one, other)))
    assert not (small & ~large).any()
    assert drawn(lots, 1.0, number).all()
    for group in set(lots):
        own = np.array(lots) == group
        assert small[own].all() or not small[own].any()


def test_a_share_has_its_size_and_each_draw_differs() -> None:
    lots = [str(number) for number in range(4000)]
    assert drawn(lots, 0.25, 0).mean() == pytest.approx(0.25, abs=0.03)
    assert (drawn(lots, 0.25, 0) != drawn(lots, 0.25, 1)).any()


def test_all_photos_teach_more_than_a_sixteenth(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra 'training' is not installed")
    places = table({"a": (0, 1, 2, 3), "b": (0, 1, 2, 3)})
    places.features[:] += np.random.default_rng(2).normal(0, 1.5, places.features.shape)
    lots = [str(number) for number in range(len(places.truth))]
    held = table({"held": (0, 1, 2, 3)})
    found = list(every_share(places, lots, (held.features, held.truth), np.eye(4), HeadShop(tmp_path, 1)))
    assert [one.share for one in found] == [1 / 16] * 3 + [1 / 8] * 3 + [1 / 4] * 3 + [1 / 2] * 3 + [1.0]
    assert found[-1].right > np.mean([one.right for one in found[:3]])
    assert found[-1].right > 0.9


def test_the_plot_is_small_and_equal_figures_give_equal_bytes(tmp_path: Path) -> None:
    curves = Curves(TRIALS, (Drawn(0.5, 0.8), Drawn(0.5, 0.82), Drawn(1.0, 0.9)))
    save_curves(curves, "some head", tmp_path / "one.png")
    save_curves(curves, "some head", tmp_path / "two.png")
    data = (tmp_path / "one.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert data == (tmp_path / "two.png").read_bytes()
    assert len(data) < 80_000
    other = Curves(TRIALS[:2], curves.drawn)
    save_curves(other, "some head", tmp_path / "two.png")
    assert data != (tmp_path / "two.png").read_bytes()
