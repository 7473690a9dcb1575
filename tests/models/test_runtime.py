from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest

from config.errors import InputError
from config.sorting import Category, Sorting
from models.bundle import SHIPPED_BUNDLE, Bundle, BundleError, load_bundle
from models.golden import golden_pictures
from models.pipeline import normalise
from models.runtime import Breaker, Classifier, Session, load_classifier
from models.verdict import VerdictState
from tests.models.graphs import borrowing, endless, put


def test_golden_pictures_are_the_same_bytes_everywhere() -> None:
    pictures = golden_pictures(2, 224)
    assert pictures.shape == (2, 224, 224, 3)
    assert pictures[0, 100, 50].tolist() == [175, 41, 248]
    assert pictures[1, 223, 7].tolist() == [237, 122, 166]
    assert int(pictures.astype(np.int64).sum()) == 36217748


def test_the_shipped_model_passes_its_self_test_with_any_number_of_threads(beijing: Sorting) -> None:
    for threads in (1, 2, 3):
        assert load_classifier(SHIPPED_BUNDLE, beijing, threads).manifest.title.startswith("waste-")


def test_the_self_tests_tolerance_is_far_above_this_machines_error() -> None:
    bundle = load_bundle()
    golden = bundle.manifest.golden
    pictures = golden_pictures(len(golden.logits), bundle.manifest.input.size)
    spec = bundle.manifest.input
    found = Session(bundle.model).run(normalise(pictures, spec.mean, spec.std))
    assert np.abs(found - np.array(golden.logits)).max() < golden.tolerance / 20


def test_the_golden_outputs_differ() -> None:
    rows = np.array(load_bundle().manifest.golden.logits)
    assert np.abs(rows[0] - rows[1]).max() > 1


@pytest.mark.parametrize("spoil", [1.1, float("nan"), float("inf")])
def test_a_model_whose_outputs_differ_from_its_manifest_is_refused(beijing: Sorting, spoil: float) -> None:
    bundle = load_bundle()
    golden = bundle.manifest.golden
    first = (golden.logits[0][0] + spoil * golden.tolerance, *golden.logits[0][1:])
    wrong = msgspec.structs.replace(golden, logits=(first, *golden.logits[1:]))
    manifest = msgspec.structs.replace(bundle.manifest, golden=wrong)
    with pytest.raises(BundleError, match="fails its self-test"):
        Classifier(Bundle(manifest, bundle.model), beijing)


def test_a_manifest_with_other_labels_than_the_network_is_refused(beijing: Sorting) -> None:
    bundle = load_bundle()
    golden = bundle.manifest.golden
    fewer = msgspec.structs.replace(
        bundle.manifest,
        labels=bundle.manifest.labels[1:],
        golden=msgspec.structs.replace(golden, logits=tuple(row[1:] for row in golden.logits)),
    )
    kept = {key: value for key, value in beijing.labels.items() if key in fewer.waste_labels}
    with pytest.raises(BundleError, match="fails its self-test"):
        Classifier(Bundle(fewer, bundle.model), msgspec.structs.replace(beijing, labels=kept))


def test_a_manifest_with_another_input_size_is_refused(beijing: Sorting) -> None:
    bundle = load_bundle()
    spec = msgspec.structs.replace(bundle.manifest.input, size=128)
    with pytest.raises(BundleError, match="does not run"):
        Classifier(Bundle(msgspec.structs.replace(bundle.manifest, input=spec), bundle.model), beijing)


def test_rules_without_a_label_are_refused_by_its_name(beijing: Sorting) -> None:
    fewer = {key: value for key, value in beijing.labels.items() if key != "shoes"}
    with pytest.raises(InputError, match="no category for shoes"):
        load_classifier(SHIPPED_BUNDLE, msgspec.structs.replace(beijing, labels=fewer))


def test_rules_with_a_label_unknown_to_the_model_are_refused_by_its_name(beijing: Sorting) -> None:
    more = {**beijing.labels, "shoez": Category.OTHER}
    with pytest.raises(InputError, match="has no label shoez"):
        load_classifier(SHIPPED_BUNDLE, msgspec.structs.replace(beijing, labels=more))


def test_frames_of_any_size_make_one_verdict(classifier: Classifier) -> None:
    rng = np.random.default_rng(3)
    frames = [rng.integers(0, 255, (*size, 3)).astype(np.uint8) for size in ((1, 1), (480, 640), (90, 20))]
    verdict = classifier.classify(frames)
    assert verdict.model == classifier.manifest.title
    assert verdict.state in set(VerdictState)


def test_a_frame_classifies_the_same_alone_and_among_others(classifier: Classifier) -> None:
    frames = list(golden_pictures(3, 100))
    together = classifier.logits(frames)
    alone = np.concatenate([classifier.logits([frame]) for frame in frames])
    assert np.abs(together - alone).max() < 1e-3


def test_a_verdict_without_frames_is_the_callers_error(classifier: Classifier) -> None:
    with pytest.raises(ValueError, match="at least one picture"):
        classifier.classify([])


def test_a_bundle_is_loaded_by_its_folder(bundle_copy: Path, beijing: Sorting) -> None:
    assert load_classifier(bundle_copy, beijing).rules.labels[0] == "cardboard"


def test_a_model_that_never_answers_is_cancelled(bundle_copy: Path, beijing: Sorting) -> None:
    put(bundle_copy, endless(load_bundle().manifest.input.size))
    with pytest.raises(BundleError, match=r"did not run within 0\.2 s"):
        Classifier(load_bundle(bundle_copy), beijing, patience_s=0.2)


@pytest.mark.parametrize("place", ["beside", "absolute", "above"])
def test_weights_beside_the_working_directory_are_never_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for folder in (tmp_path, tmp_path / "here"):
        (folder / "weights.bin").write_bytes(bytes(4000))
    where = {"beside": "weights.bin", "absolute": str(tmp_path / "weights.bin"), "above": "../weights.bin"}
    with pytest.raises(BundleError, match="does not load"):
        Session(borrowing(where[place]))


def test_an_endless_run_is_cancelled_when_its_process_is_to_end(bundle_copy: Path, beijing: Sorting) -> None:
    put(bundle_copy, endless(load_bundle().manifest.input.size))
    breaker = Breaker()
    threading.Timer(0.2, breaker.open).start()
    with pytest.raises(BundleError, match="does not run"):
        Classifier(load_bundle(bundle_copy), beijing, breaker=breaker)


def test_nothing_is_loaded_in_a_process_that_is_to_end(beijing: Sorting) -> None:
    breaker = Breaker()
    breaker.open()
    with pytest.raises(BundleError, match="does not load"):
        Classifier(load_bundle(), beijing, breaker=breaker)


def test_the_runtime_leaves_nothing_in_a_home_folder(tmp_path: Path) -> None:
    code = "from models.runtime import load_classifier as load\n"
    code += "from models.bundle import SHIPPED_BUNDLE\nfrom config.reading.load_sorting import load_sorting\n"
    code += "load(SHIPPED_BUNDLE, load_sorting())\n"
    homes = {name: str(tmp_path) for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    env = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"} | homes
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert list(tmp_path.rglob("*")) == []
