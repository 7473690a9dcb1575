"""Engines, processes and networks that the demo, the soak, benchmarks and tests start and end."""
