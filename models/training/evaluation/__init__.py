"""Measure a model on labelled photos, and draw what was measured."""
