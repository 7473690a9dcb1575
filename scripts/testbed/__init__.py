"""Engines, processes and networks of our own that the demo, the soak, benchmarks and tests start and end."""
