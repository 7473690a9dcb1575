"""Labelled photos: where they come from, what their classes mean, how they are split."""
