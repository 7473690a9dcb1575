"""Benchmarks: each measures ours, the physical limit and the peers in one run, on one machine."""

import models  # noqa: F401 (before ONNX Runtime is imported: it is told there to count nobody)
