"""ONNX graphs written by hand, byte for byte: small ones that mean harm, or nothing.

Field numbers: onnx.proto. Only `onnx` writes such files comfortably, and no station has that.
"""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

from models.bundle import MANIFEST

FLOAT, INT64, BOOL, EXTERNAL = 1, 7, 9, 1


def field(number: int, value: bytes | str | int) -> bytes:
    """Encode one field of a protobuf message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])


def tensor(name: str, kind: int, raw: bytes, *sizes: int) -> bytes:
    dims = b"".join(field(1, size) for size in sizes)
    return dims + field(2, kind) + field(8, name) + field(9, raw)


def elsewhere(name: str, file: str, *sizes: int) -> bytes:
    """Give a tensor of floats whose values stand in another file."""
    dims = b"".join(field(1, size) for size in sizes)
    place = field(1, "location") + field(2, file)
    return dims + field(2, FLOAT) + field(8, name) + field(13, place) + field(14, EXTERNAL)


def value(name: str, kind: int, *sizes: int | str, ranked: bool = True) -> bytes:
    dims = b"".join(field(1, field(2 if isinstance(size, str) else 1, size)) for size in sizes)
    shape = field(2, dims) if ranked else b""
    return field(1, name) + field(2, field(1, field(1, kind) + shape))


def node(kind: str, inputs: list[str], outputs: list[str], body: bytes = b"") -> bytes:
    names = b"".join([field(1, name) for name in inputs] + [field(2, name) for name in outputs])
    attribute = field(5, field(1, "body") + field(6, body) + field(20, 5)) if body else b""
    return names + field(4, kind) + attribute


def graph(nodes: list[bytes], inputs: list[bytes], outputs: list[bytes], tensors: list[bytes]) -> bytes:
    parts = [(1, nodes), (5, tensors), (11, inputs), (12, outputs)]
    return field(2, "g") + b"".join(field(number, one) for number, many in parts for one in many)


def model(the_graph: bytes) -> bytes:
    return field(1, 8) + field(7, the_graph) + field(8, field(1, "") + field(2, 17))


def endless(size: int) -> bytes:
    """Give a network for pictures of this size that never answers: `while True: picture *= 1`."""
    body = graph(
        [node("Identity", ["go"], ["go_on"]), node("Mul", ["v", "one"], ["v_on"])],
        [value("i", INT64), value("go", BOOL), value("v", FLOAT, ranked=False)],
        [value("go_on", BOOL), value("v_on", FLOAT, ranked=False)],
        [tensor("one", FLOAT, struct.pack("<f", 1.0))],
    )
    return model(
        graph(
            [node("Loop", ["", "yes", "x"], ["y"], body)],
            [value("x", FLOAT, "n", 3, size, size)],
            [value("y", FLOAT, ranked=False)],
            [tensor("yes", BOOL, b"\x01")],
        )
    )


def borrowing(file: str) -> bytes:
    """Give a network whose weights stand in another file."""
    return model(
        graph(
            [node("Add", ["x", "w"], ["y"])],
            [value("x", FLOAT, 1000)],
            [value("y", FLOAT, 1000)],
            [elsewhere("w", file, 1000)],
        )
    )


def put(bundle: Path, data: bytes) -> None:
    """Put a network into a copy of the shipped bundle, with its digest in the manifest."""
    manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    (bundle / manifest["model"]["name"]).write_bytes(data)
    manifest["model"]["sha256"] = hashlib.sha256(data).hexdigest()
    (bundle / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
