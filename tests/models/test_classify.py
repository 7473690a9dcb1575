from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from scripts.cli import run
from scripts.commands.classify import classify
from tests.models import files
from tests.models.training.test_scenes import tray_by_hand

KEYS = ["path", "state", "category", "label", "probability", "ms"]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "two halves.jpg"
    path.write_bytes(files.jpeg(files.two_halves()))
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "lie.jpg"
    path.write_text("no picture")
    return path


def called(*arguments: str | Path) -> Result:
    return CliRunner().invoke(classify, [str(argument) for argument in arguments])


def answers(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_the_answer_for_a_photo_has_the_promised_keys(good: Path) -> None:
    result = called(good, "--json")
    assert result.exit_code == 0
    (answer,) = answers(result)
    assert list(answer) == KEYS
    assert answer["path"] == str(good)
    assert answer["state"] in {"ok", "unsure", "empty"}
    assert 0 <= answer["probability"] <= 1
    assert answer["ms"] > 0


def test_answers_come_in_the_order_given_and_bad_files_do_not_stop_the_others(
    good: Path, bad: Path, tmp_path: Path
) -> None:
    gone = tmp_path / "gone.jpg"
    result = called(bad, good, gone, good, "--json")
    assert result.exit_code == 2
    found = answers(result)
    assert [answer["path"] for answer in found] == [str(path) for path in (bad, good, gone, good)]
    assert [list(answer) for answer in found] == [["path", "error"], KEYS, ["path", "error"], KEYS]


def test_the_answer_for_an_empty_tray_has_no_category_and_no_label(tmp_path: Path) -> None:
    path = tmp_path / "tray.jpg"
    path.write_bytes(files.jpeg(tray_by_hand()))
    (answer,) = answers(called(path, "--json"))
    assert answer["state"] == "empty"
    assert (answer["category"], answer["label"]) == (None, None)


def test_without_json_each_photo_has_one_line(good: Path, bad: Path) -> None:
    result = called(good, bad)
    assert result.exit_code == 2
    first, second = result.stdout.splitlines()
    assert first.startswith(f"{good}: ")
    assert first.endswith(" ms")
    assert second.startswith("error: ")
    assert str(bad) in second


def test_a_broken_bundle_is_one_line_and_status_2(
    bundle_copy: Path, good: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with (bundle_copy / "waste.onnx").open("ab") as file:
        file.write(b"\0")
    assert run(["classify", str(good), "--bundle", str(bundle_copy), "--json"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "is not the file of its manifest" in err


def test_an_unknown_city_is_one_line_and_status_2(good: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["classify", str(good), "--sorting", "atlantis"]) == 2
    assert "known" not in capfd.readouterr().out


def test_no_photo_at_all_is_a_usage_error() -> None:
    assert called().exit_code == 2


def test_as_a_process_the_command_prints_only_its_json(good: Path, bad: Path) -> None:
    noise = good.with_name("noise.png")
    noise.write_bytes(files.png(np.random.default_rng(1).integers(0, 255, (40, 40, 3)).astype(np.uint8)))
    truncated = good.with_name("truncated.png")
    truncated.write_bytes(noise.read_bytes()[:-40] + b"IEND\xaeB`\x82")
    photos = [str(path) for path in (good, bad, noise, truncated)]
    program = "from scripts.cli import main; main()"
    command = [sys.executable, "-c", program, "classify", "--json", *photos]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == ""
    assert ["error" in answer for answer in json.loads(done.stdout)] == [False, True, False, True]


def test_the_models_timeout_can_be_set_by_an_environment_variable(good: Path) -> None:
    command = [sys.executable, "-c", "from scripts.cli import main; main()", "classify", str(good)]
    environment = {**os.environ, "TONGZHAN_MODEL_PATIENCE_S": "0.0001"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "within 0.0001 s" in done.stderr
