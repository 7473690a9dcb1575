"""`tongzhan model evaluate` over folders and an index, with pictures that any machine can make."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from config.sorting import Category
from models.training.evaluation.plots import save_picture
from scripts.cli import run
from scripts.commands.model import model
from tests.models import files

KEYS = [
    "photos",
    "accuracy",
    "macro_f1",
    "recall",
    "ece",
    "coverage_at_1pct_error",
    "accuracy_at_85pct_coverage",
    "confusion",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two small pictures of each category, in folders named by category."""
    for number, category in enumerate(Category):
        (tmp_path / "photos" / category).mkdir(parents=True)
        for shade in (40, 90):
            picture = np.full((40, 50, 3), shade + 30 * number, np.uint8)
            (tmp_path / "photos" / category / f"{shade}.jpg").write_bytes(files.jpeg(picture))
    return tmp_path / "photos"


def test_as_json_it_prints_the_keys_of_the_contract_and_draws_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(model, ["evaluate", str(folder), "--json"], catch_exceptions=False)
    assert not list(tmp_path.glob("*.png"))
    report = json.loads(done.stdout)
    assert list(report) == KEYS
    assert report["photos"] == 8
    assert sum(sum(row.values()) for row in report["confusion"].values()) == 8
    assert set(report["recall"]) == {category.value for category in Category}


def test_printed_as_a_table_it_also_draws_a_plot(folder: Path, tmp_path: Path) -> None:
    picture = tmp_path / "curve.png"
    done = CliRunner().invoke(model, ["evaluate", str(folder), "--picture", str(picture)])
    assert done.exit_code == 0, done.output
    assert "accuracy at 85 % coverage" in done.stdout
    assert f"picture: {picture}" in done.stdout
    drawn = cv2.imread(str(picture))
    assert drawn is not None
    assert min(drawn.shape[:2]) > 400


def test_an_index_with_path_and_category_is_read_too(folder: Path) -> None:
    rows = [f"{path.relative_to(folder)},{path.parent.name}" for path in sorted(folder.rglob("*.jpg"))]
    index = folder / "index.csv"
    index.write_text("\n".join(["path,category", *rows]) + "\n", encoding="utf-8")
    done = CliRunner().invoke(model, ["evaluate", str(index), "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["photos"] == 8


def test_a_plot_that_cannot_be_written_is_reported_after_the_table(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["model", "evaluate", str(folder), "--picture", str(folder / "no" / "where.png")]) == 2
    printed = capsys.readouterr()
    assert "macro-F1" in printed.out
    assert "where.png: cannot be written" in printed.err


def test_measured_values_appear_in_the_plot(tmp_path: Path) -> None:
    truth = np.arange(80) % 4
    right, wrong = np.full((80, 4), 0.02), np.full((80, 4), 0.02)
    right[np.arange(80), truth] = 0.94
    wrong[np.arange(80), (truth + 1) % 4] = 0.94
    for name, coarse in (("right", right), ("again", right), ("wrong", wrong)):
        save_picture(coarse, truth, "same title", tmp_path / name)
    assert (tmp_path / "right").read_bytes() == (tmp_path / "again").read_bytes()
    assert (tmp_path / "right").read_bytes() != (tmp_path / "wrong").read_bytes()
