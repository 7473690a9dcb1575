from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.errors import InputError
from config.sorting import Sorting
from models.bundle import MANIFEST, MAX_MODEL_BYTES, SHIPPED_BUNDLE, BundleError, load_bundle
from models.runtime import load_classifier
from tests.models.graphs import borrowing, put

MAX_SHIPPED_BYTES = 15_000_000


def rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_the_shipped_bundle_matches_its_manifest() -> None:
    bundle = load_bundle()
    assert hashlib.sha256(bundle.model).hexdigest() == bundle.manifest.model.sha256
    assert len(bundle.model) <= MAX_SHIPPED_BYTES


def test_every_label_has_a_name_in_chinese_and_english() -> None:
    for label in load_bundle().manifest.labels:
        assert any("\u4e00" <= sign <= "\u9fff" for sign in label.zh)
        assert label.en.isascii()
        assert label.en.strip()


def test_the_model_card_states_the_manifests_accuracy() -> None:
    metrics = load_bundle().manifest.metrics
    card = (SHIPPED_BUNDLE / "README.md").read_text(encoding="utf-8")
    assert f"| accuracy over the four categories | {metrics.accuracy:.1%} |" in card


def test_the_model_cards_pictures_exist_and_are_small() -> None:
    card = (SHIPPED_BUNDLE / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^]]*\]\(([^)]+)\)", card)
    assert shown == ["figures.png", "unseen.png"]
    assert all((SHIPPED_BUNDLE / name).read_bytes().startswith(b"\x89PNG") for name in shown)
    assert all((SHIPPED_BUNDLE / name).stat().st_size < 100_000 for name in shown)


def test_one_flipped_bit_in_the_model_is_refused(bundle_copy: Path) -> None:
    flip_a_bit(bundle_copy / "waste.onnx")
    with pytest.raises(BundleError, match="is not the file of its manifest"):
        load_bundle(bundle_copy)


def test_a_wrong_digest_is_refused_before_onnxruntime_is_even_imported(bundle_copy: Path) -> None:
    flip_a_bit(bundle_copy / "waste.onnx")
    program = (
        "import sys, pathlib\n"
        "from models.bundle import BundleError, load_bundle\n"
        "try:\n    load_bundle(pathlib.Path(sys.argv[1]))\n"
        "except BundleError:\n    print('refused', 'onnxruntime' in sys.modules)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(bundle_copy)], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["refused", "False"]


@pytest.mark.parametrize("name", ["waste.onnx", MANIFEST])
def test_a_missing_file_is_named(bundle_copy: Path, name: str) -> None:
    (bundle_copy / name).unlink()
    with pytest.raises(BundleError, match=name):
        load_bundle(bundle_copy)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="nowhere"):
        load_bundle(tmp_path / "nowhere")


def test_a_bundle_error_is_an_input_error_with_a_mend() -> None:
    assert issubclass(BundleError, InputError)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda m: m.pop("temperature"), "temperature"),
        (lambda m: m.update(temperature=0), "temperature"),
        (lambda m: m.update(extra=1), "extra"),
        (lambda m: m.update(format=2), "format"),
        (lambda m: m.update(empty="nothing"), "empty names no label"),
        (lambda m: m["labels"].append(m["labels"][0]), "two labels share a key"),
        (lambda m: m.update(name="a" * 60, version="1.0.0"), "more than 64 letters"),
        (lambda m: m["labels"].pop(), "golden.logits|empty names no label"),
        (lambda m: m["thresholds"].update(sure=1.5), "thresholds.sure"),
        (lambda m: m["model"].update(name="../waste.onnx"), "model.name"),
        (lambda m: m["model"].update(name="/etc/passwd"), "model.name"),
        (lambda m: m["model"].update(sha256="00"), "model.sha256"),
        (lambda m: m["golden"].update(logits=[]), "golden.logits"),
        (lambda m: m["model"].update(name=m["model"]["name"] + "\n"), "model.name"),
        (lambda m: m["model"].update(sha256=m["model"]["sha256"] + "\n"), "model.sha256"),
        (lambda m: m["labels"][0].update(key="shoes\n"), "labels"),
        (lambda m: m.update(version="1.0\n"), "version"),
    ],
)
def test_the_error_for_an_invalid_manifest_says_where(
    bundle_copy: Path, change: Callable[[dict[str, Any]], None], told: str
) -> None:
    rewrite(bundle_copy, change)
    with pytest.raises(BundleError, match=told):
        load_bundle(bundle_copy)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00\xff", "[" * 100_000])
def test_a_manifest_that_is_not_a_json_object_is_refused(bundle_copy: Path, text: str) -> None:
    (bundle_copy / MANIFEST).write_text(text, encoding="latin-1")
    with pytest.raises(BundleError, match="not a manifest"):
        load_bundle(bundle_copy)


@pytest.mark.parametrize(("name", "size"), [("waste.onnx", MAX_MODEL_BYTES + 1), (MANIFEST, (1 << 20) + 1)])
def test_a_file_over_its_bound_is_refused(bundle_copy: Path, name: str, size: int) -> None:
    os.truncate(bundle_copy / name, size)
    with pytest.raises(BundleError, match="larger than"):
        load_bundle(bundle_copy)


def test_a_right_digest_of_a_wrong_file_is_refused_by_the_runtime(
    bundle_copy: Path, beijing: Sorting
) -> None:
    rubbish = b"this is no network"
    (bundle_copy / "waste.onnx").write_bytes(rubbish)
    rewrite(bundle_copy, lambda m: m["model"].update(sha256=hashlib.sha256(rubbish).hexdigest()))
    with pytest.raises(BundleError, match="does not load"):
        load_classifier(bundle_copy, beijing)


def test_weights_in_another_file_are_refused_before_anything_is_loaded(bundle_copy: Path) -> None:
    put(bundle_copy, borrowing("weights.bin"))
    with pytest.raises(BundleError, match="weights in another file"):
        load_bundle(bundle_copy)
