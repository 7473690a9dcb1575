"""Typed settings, and the texts of voice and screen. Imports no other package of ours."""
