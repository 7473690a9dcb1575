"""Converts an int8 network to floats, for runtimes without integers: same layers, same ranges."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 255
"""The largest integer of a quantised value."""


def in_floats(model: bytes) -> bytes:
    """Convert a network of quantise-dequantise pairs to floats; needs the package onnx.

    A constant becomes its real value. Any other pair becomes a clip to the range of its integers, because
    quantising had removed the clips that this range replaces.
    """
    import onnx  # noqa: PLC0415 - only needed for a peer
    from onnx import numpy_helper  # noqa: PLC0415

    network = onnx.load_from_string(model)
    constants = {one.name: numpy_helper.to_array(one) for one in network.graph.initializer}
    nodes = _floating(network.graph.node, constants)
    used = {name for node in nodes for name in node.input}
    for field in ("node", "initializer"):
        network.graph.ClearField(field)
    network.graph.node.extend(nodes)
    network.graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in constants.items() if name in used
    )
    return bytes(network.SerializeToString())


def _floating(nodes: Any, constants: dict[str, NDArray[Any]]) -> list[Any]:  # noqa: ANN401 - onnx has no types
    """Replace both nodes of each pair; `constants` gains their real values, and the clips' bounds."""
    from onnx import helper  # noqa: PLC0415

    quantised = {node.output[0]: node.input[0] for node in nodes if node.op_type == "QuantizeLinear"}
    found = []
    for node in nodes:
        if node.op_type == "DequantizeLinear":
            source, scale, zero = node.input[0], *(constants[name] for name in node.input[1:])
            name = node.output[0]
            if source in constants:
                constants[name] = _meant(constants[source], scale, zero, _axis(node))
                continue
            low, high = f"{name}_low", f"{name}_high"
            for bound, whole in ((low, 0), (high, MOST)):
                constants[bound] = _meant(np.array(whole), scale, zero, 0)
            found.append(helper.make_node("Clip", [quantised[source], low, high], [name]))
        elif node.op_type != "QuantizeLinear":
            found.append(node)
    return found


def _meant(whole: NDArray[Any], scale: NDArray[Any], zero: NDArray[Any], axis: int) -> NDArray[np.float32]:
    """Return the real values of integers; a scale is one number, or one for each row along an axis."""
    if scale.ndim:
        shape = [-1 if number == axis else 1 for number in range(whole.ndim)]
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return np.asarray((whole.astype(np.float32) - zero.astype(np.float32)) * scale, np.float32)


def _axis(node: Any) -> int:  # noqa: ANN401 - as above
    return next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
