"""The benchmark of classifying, run small."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from models.golden import golden_pictures
from models.pixels import encode_jpeg
from scripts.bench.classify.peers import agreeing
from scripts.bench.classify.run import classify
from scripts.cli import run


def test_it_measures_ours_the_bare_call_and_a_peer_on_the_same_photos(tmp_path: Path) -> None:
    for number, picture in enumerate(golden_pictures(2, 120)):
        (tmp_path / f"{number}.jpg").write_bytes(encode_jpeg(picture))
    command = ["--photos", str(tmp_path), "--count", "10", "--threads", "1", "--json"]
    done = CliRunner().invoke(classify, command, catch_exceptions=False)
    printed = json.loads(done.stdout)
    assert printed["name"] == "classify"
    assert printed["unit"] == "ms/photo"
    assert printed["ours"] > 0 < printed["limit"]
    assert printed["ratio"] == pytest.approx(printed["limit"] / printed["ours"], rel=1e-3)
    assert "opencv dnn" in printed["peers"]
    assert printed["details"]["photos"] == 10
    assert 40 < printed["details"]["peak_memory_mb"] < 600
    assert printed["details"]["tap_p99_ms_classifying"] > 0


def test_a_runtime_that_answers_otherwise_is_left_out() -> None:
    sample = np.linspace(-1, 1, 12, dtype=np.float32)[None]
    calls = {
        "session.run": lambda tensor: tensor,
        "rounded": lambda tensor: np.round(tensor, 1),
        "half understood": lambda tensor: tensor[:, :0],
        "wrong": lambda tensor: tensor[:, ::-1],
    }
    assert agreeing(calls, calls["session.run"], sample).keys() == {"session.run", "rounded"}


def test_a_folder_without_photos_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "classify", "--photos", str(tmp_path)]) == 2
    assert f"{tmp_path}: no photos" in capsys.readouterr().err
