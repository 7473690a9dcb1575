"""Typed settings, and the words of voice and screen. Imports nothing of ours."""
