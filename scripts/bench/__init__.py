"""Benchmarks: each measures ours, the physical limit and the peers in one run, on one machine."""
