"""Decoders for real card readers: bytes in, canonical card numbers out. Pure."""
