"""Write the network as one ONNX file, node by node, so that the file holds only the network.

torch's exporters leave dynamic padding and unfolded constants; a graph of a hundred convolutions is easier
to write than to clean. Opset 17, IR version 8: ONNX Runtime 1.12 and later read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.training.learning.backbone import INPUT_SIZE, Conv
from models.training.learning.head import Head
from models.training.learning.tune import Crown

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

OPSET = 17
IR_VERSION = 8
INPUT_NAME = "pixels"
OUTPUT_NAME = "logits"


@dataclass(frozen=True, slots=True)
class Tower:
    """One network from a square of `size` pixels to logits, or to features if it has no head.

    `forks` are alternatives to its last layers, each with its own head and the same number of layers; the
    layers below are computed once.
    """

    layers: Sequence[Conv]
    head: Head | None
    size: int
    forks: Sequence[Crown] = ()


def to_onnx(towers: Sequence[Tower], *, packed: bool = True) -> bytes:
    """Serialise networks that get the same pictures; their logits are summed.

    Input `pixels`: float32 (n, 3, 260, 260), RGB, normalised; a tower of another size scales it. Output
    `logits`: float32 (n, labels). If `packed`, weights are stored as int8 by channel (a quarter of the file)
    and become floats once at loading; all computation is float32.
    """
    writer = _Writer(packed=packed)
    answers: list[str] = []
    for tower in towers:
        start = INPUT_NAME if tower.size == INPUT_SIZE else writer.scaled(INPUT_NAME, tower.size)
        answers += _answers(writer, tower, start)
    total = answers[0]
    for answer in answers[1:]:
        total = writer.node("Add", total, answer)
    return writer.finish((3, INPUT_SIZE, INPUT_SIZE), axes=2)


def trunk_onnx(layers: Sequence[Conv]) -> bytes:
    """Serialise only Lite2's first layers: the same input, their map as output."""
    writer = _Writer(packed=False)
    _convolved(writer, layers, INPUT_NAME)
    return writer.finish((3, INPUT_SIZE, INPUT_SIZE), axes=4)


def crown_onnx(layers: Sequence[Conv], head: Head | None, shape: tuple[int, int, int]) -> bytes:
    """Serialise the last layers, or all: input (n, *shape); output logits, or features without a head."""
    writer = _Writer(packed=False)
    _pooled(writer, layers, head, INPUT_NAME)
    return writer.finish(shape, axes=2)


def _answers(writer: _Writer, tower: Tower, start: str) -> list[str]:
    cut = len(tower.layers) - (len(tower.forks[0].layers) if tower.forks else 0)
    trunk = _convolved(writer, tower.layers[:cut], start)
    own = _pooled(writer, tower.layers[cut:], tower.head, trunk)
    return [own, *(_pooled(writer, fork.layers, fork.head, trunk) for fork in tower.forks)]


def _pooled(writer: _Writer, layers: Sequence[Conv], head: Head | None, start: str) -> str:
    features = writer.node("Flatten", writer.node("GlobalAveragePool", _convolved(writer, layers, start)))
    if head is None:
        return features
    return writer.node("Gemm", features, writer.weights(head.weight), writer.array(head.bias), transB=1)


def _convolved(writer: _Writer, layers: Sequence[Conv], start: str) -> str:
    for layer in layers:
        start = writer.convolution(layer, start)
    return start


class _Writer:
    """Collects nodes and weights; every node is named by its position, so the file is reproducible."""

    def __init__(self, *, packed: bool) -> None:
        self._packed = packed
        self._nodes: list[NodeProto] = []
        self._arrays: list[TensorProto] = []
        self._skip = ""

    def array(self, values: NDArray[np.floating]) -> str:
        from onnx import numpy_helper  # noqa: PLC0415

        name = f"w{len(self._arrays)}"
        self._arrays.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def weights(self, values: NDArray[np.float32]) -> str:
        """Add an array that may be stored as int8, scaled by output channel (not for biases)."""
        from onnx import TensorProto  # noqa: PLC0415

        if not self._packed:
            return self.array(values)
        scale = np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True) / 127 + 1e-12
        whole = self.array(np.round(values / scale).astype(np.int8))
        return self.node("Mul", self.node("Cast", whole, to=TensorProto.FLOAT), self.array(scale))

    def scaled(self, source: str, size: int) -> str:
        """Scale a square to `size` pixels; 0.01 is added so that rounding does not lose a pixel."""
        factor = np.array([1, 1, *[(size + 0.01) / INPUT_SIZE] * 2], np.float32)
        # This is ONNX's default mode, but OpenCV reads the node only if the mode is given.
        how = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        return self.node("Resize", source, "", self.array(factor), **how)

    def node(self, kind: str, *inputs: str, **attributes: int | str | list[int]) -> str:
        from onnx import helper  # noqa: PLC0415

        name = f"n{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def convolution(self, layer: Conv, source: str) -> str:
        if layer.opens_skip:
            self._skip = source
        kernel = list(layer.weight.shape[2:])
        last = self.node(
            "Conv",
            source,
            self.weights(layer.weight),
            self.array(layer.bias),
            kernel_shape=kernel,
            strides=[layer.stride, layer.stride],
            pads=list(layer.pads),
            group=layer.groups,
        )
        if layer.relu6:
            last = self.node("Clip", last, self._scalar(0.0), self._scalar(6.0))
        return self.node("Add", last, self._skip) if layer.closes_skip else last

    def finish(self, shape: tuple[int, int, int], axes: int) -> bytes:
        from onnx import TensorProto, checker, helper  # noqa: PLC0415

        self._nodes[-1].output[0] = OUTPUT_NAME
        pixels = helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, ["n", *shape])
        logits = helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, ["n", *[None] * (axes - 1)])
        graph = helper.make_graph(self._nodes, "waste", [pixels], [logits], self._arrays)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(
            graph, producer_name="tongzhan", ir_version=IR_VERSION, opset_imports=[opset]
        )
        checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))

    def _scalar(self, value: float) -> str:
        return self.array(np.asarray(value, np.float32))
