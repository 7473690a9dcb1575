"""Quantise the network to int8: weights by channel, activations by the ranges that photos give."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.training.learning.export import INPUT_NAME


def quantised(model: bytes, photos: Iterator[NDArray[np.float32]]) -> bytes:
    """Quantise an ONNX network statically, per channel.

    `photos` are batches of normalised pictures, a few hundred of the training split, that set the ranges.
    """
    from onnxruntime.quantization import (  # noqa: PLC0415 - needs onnx, which only training has
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Reader(CalibrationDataReader):
        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            batch = next(photos, None)
            return None if batch is None else {INPUT_NAME: batch}

    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder, "whole.onnx"), Path(folder, "small.onnx")
        whole.write_bytes(model)
        quantize_static(
            whole,
            small,
            Reader(),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,  # signed ones take twice as long on x86; no difference on ARM
            weight_type=QuantType.QInt8,
            per_channel=True,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return small.read_bytes()
