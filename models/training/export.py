"""Writing the network as one ONNX file, node by node, so that the file holds nothing but the network.

torch's own exporters leave dynamic padding and unfolded constants behind; a graph of 64 convolutions
is quicker to write than to clean. Opset 17, IR version 8: read by ONNX Runtime since 1.12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.training.backbone import INPUT_SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from onnx import NodeProto, TensorProto

    from models.training.backbone import Conv
    from models.training.head import Head

OPSET = 17
IR_VERSION = 8
INPUT_NAME = "pixels"
OUTPUT_NAME = "logits"


def to_onnx(layers: Sequence[Conv], head: Head | None, *, halved: bool = True) -> bytes:
    """Serialise the whole network: `layers`, a mean over the map and, if given, a linear head.

    Input `pixels`: float32 (n, 3, 260, 260), RGB, normalised. Output `logits`: float32 (n, labels) with a
    head, the (n, 1280) features themselves without one. If `halved`, weights are kept as float16, and
    widened once when the network is loaded; sums and activations are float32 all the same.
    """
    return _serialised(layers, head, (3, INPUT_SIZE, INPUT_SIZE), pooled=True, halved=halved)


def trunk_onnx(layers: Sequence[Conv]) -> bytes:
    """Serialise the first layers alone: the same input, their map as output."""
    return _serialised(layers, None, (3, INPUT_SIZE, INPUT_SIZE), pooled=False, halved=False)


def crown_onnx(layers: Sequence[Conv], head: Head | None, shape: tuple[int, int, int]) -> bytes:
    """Serialise the last layers alone: input (n, *shape), a trunk's map; output as of the whole network."""
    return _serialised(layers, head, shape, pooled=True, halved=False)


def _serialised(
    layers: Sequence[Conv], head: Head | None, shape: tuple[int, int, int], *, pooled: bool, halved: bool
) -> bytes:
    writer = _Writer(halved=halved)
    last = INPUT_NAME
    for layer in layers:
        last = writer.convolution(layer, last)
    if pooled:
        last = writer.node("Flatten", writer.node("GlobalAveragePool", last))
    if head is not None:
        writer.node("Gemm", last, writer.weights(head.weight), writer.array(head.bias), transB=1)
    return writer.finish(shape, axes=2 if pooled else 4)


class _Writer:
    """Collects nodes and weights; every node is named after its place, so the file is reproducible."""

    def __init__(self, *, halved: bool) -> None:
        self._halved = halved
        self._nodes: list[NodeProto] = []
        self._arrays: list[TensorProto] = []
        self._skip = ""

    def array(self, values: NDArray[np.floating]) -> str:
        from onnx import numpy_helper  # noqa: PLC0415

        name = f"w{len(self._arrays)}"
        self._arrays.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def weights(self, values: NDArray[np.float32]) -> str:
        """Add an array that may be kept as float16; biases may not, they are few and add up."""
        from onnx import TensorProto  # noqa: PLC0415

        if not self._halved:
            return self.array(values)
        return self.node("Cast", self.array(values.astype(np.float16)), to=TensorProto.FLOAT)

    def node(self, kind: str, *inputs: str, **attributes: int | list[int]) -> str:
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
