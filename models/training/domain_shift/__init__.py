"""Measure how well a model does on photos of sources that it never saw."""
