"""The shipped network in floats, as a peer that knows no whole numbers is given it."""

from __future__ import annotations

import numpy as np
import pytest

from models.bundle import SHIPPED_BUNDLE, load_bundle
from models.golden import golden_pictures
from models.pipeline import normalise
from models.runtime import Session
from scripts.bench.classify.floats import in_floats

onnx = pytest.importorskip("onnx", reason="the extra 'training' is not installed")


def test_it_says_the_same_in_floats_and_holds_no_whole_numbers() -> None:
    bundle = load_bundle(SHIPPED_BUNDLE)
    spec = bundle.manifest.input
    pixels = normalise(golden_pictures(2, spec.size), spec.mean, spec.std)
    floats = in_floats(bundle.model)
    whole, found = Session(bundle.model).run(pixels), Session(floats).run(pixels)
    assert np.corrcoef(whole.ravel(), found.ravel())[0, 1] > 0.99
    kinds = {node.op_type for node in onnx.load_from_string(floats).graph.node}
    assert "Clip" in kinds
    assert not kinds & {"QuantizeLinear", "DequantizeLinear"}
