"""Codes by which stations get their keys, and keys and passwords that take the place of older ones."""
