"""Checks of what the eye sees and of its calendar."""
