"""Clips of chosen deposits: the last seconds in memory, masked, and what of them is kept on disk."""
