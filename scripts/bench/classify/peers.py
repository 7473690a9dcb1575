"""The same network in other runtimes: (1, 3, size, size) float32 in, logits out."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.golden import golden_pictures
from models.pipeline import normalise
from scripts.bench.classify.floats import in_floats

Call = Callable[[NDArray[np.float32]], object]

ALIKE = 0.9
"""Least correlation of two runtimes' logits: each rounds integers differently."""


def network_calls(model: bytes, size: int, threads: int, scratch: Path) -> Mapping[str, Call]:
    """Return a call for each installed runtime that computes this network; session.run always does.

    `scratch` is a folder for converted networks.
    """
    sample = normalise(golden_pictures(1, size), mean=127.0, std=128.0)
    file = scratch / "network.onnx"
    file.write_bytes(model)
    makers: dict[str, Callable[[], Call | None]] = {
        "session.run": lambda: _onnx_runtime(model, threads),
        "opencv dnn": lambda: _opencv(file, threads),
        "ncnn": lambda: _ncnn(model, size, threads, scratch),
    }
    calls = {name: call for name, make in makers.items() if (call := make()) is not None}
    return agreeing(calls, calls["session.run"], sample)


def agreeing(calls: Mapping[str, Call], reference: Call, sample: NDArray[np.float32]) -> dict[str, Call]:
    """Drop runtimes whose answer differs from the reference: the speed of a wrong result is worthless."""
    expected = _flat(reference(sample))
    return {name: call for name, call in calls.items() if _alike(_flat(call(sample)), expected)}


def _flat(answer: object) -> NDArray[np.float32]:
    return np.asarray(answer, np.float32).ravel()


def _alike(found: NDArray[np.float32], expected: NDArray[np.float32]) -> bool:
    return found.shape == expected.shape and bool(np.corrcoef(found, expected)[0, 1] > ALIKE)


def _onnx_runtime(model: bytes, threads: int) -> Call:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # As ours: threads that spin after their call would be timed against whoever comes next; no sum overflows.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda tensor: session.run(None, {name: tensor})[0]


def _opencv(file: Path, threads: int) -> Call | None:
    cv2.setNumThreads(threads)
    # OpenCV 5's new engine fails on int8 networks; its classic one, the only one of OpenCV 4, takes them.
    engine = [cv2.dnn.ENGINE_CLASSIC] if hasattr(cv2.dnn, "ENGINE_CLASSIC") else []
    try:
        network = cv2.dnn.readNetFromONNX(str(file), *engine)
    except cv2.error:
        return None  # an operator that OpenCV does not know

    def call(tensor: NDArray[np.float32]) -> object:
        network.setInput(tensor)
        return network.forward()

    return call


def _ncnn(model: bytes, size: int, threads: int, scratch: Path) -> Call | None:
    """Load the same network in floats: ncnn's converter does not support quantised ones."""
    if any(importlib.util.find_spec(name) is None for name in ("ncnn", "pnnx", "onnx")):
        return None
    import ncnn  # noqa: PLC0415 - only where it is installed

    file = scratch / "floats.onnx"
    file.write_bytes(in_floats(model))
    if not _converted(file, size):
        return None
    network: Any = ncnn.Net()
    network.opt.num_threads = threads
    if network.load_param(str(scratch / "floats.ncnn.param")):
        return None  # a layer that ncnn does not know
    if network.load_model(str(scratch / "floats.ncnn.bin")):
        return None

    def call(tensor: NDArray[np.float32]) -> object:
        extractor = network.create_extractor()
        extractor.input("in0", ncnn.Mat(tensor[0]).clone())
        return np.array(extractor.extract("out0")[1])

    return call


def _converted(file: Path, size: int) -> bool:
    """Convert with pnnx from pip; return whether it made ncnn's two files next to the ONNX file."""
    found = importlib.util.find_spec("pnnx")
    if found is None or found.origin is None:
        return False
    converter = Path(found.origin).parent / "pnnx"
    done = subprocess.run(  # noqa: S603
        [converter, file.name, f"inputshape=[1,3,{size},{size}]"],
        cwd=file.parent,
        env=os.environ,
        capture_output=True,
        timeout=300,
        check=False,
    )
    return done.returncode == 0 and file.with_name("floats.ncnn.param").exists()
