"""The city's colours as a stylesheet, with a readable text colour for each. Pure."""

from __future__ import annotations

from config.sorting import Sorting

LIGHT_INK = "#FFFFFF"
DARK_INK = "#000000"
"""Pure black: with it and white, every colour has a contrast of at least 4.5:1; not with a softer black."""
READABLE = 4.5
"""Minimum contrast of normal text by WCAG 2.2, level AA."""


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours `#RRGGBB` by WCAG 2.2, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(colour: str) -> str:
    """Return white if it is readable on the colour, else black."""
    return LIGHT_INK if contrast(colour, LIGHT_INK) >= READABLE else DARK_INK


def stylesheet(sorting: Sorting) -> str:
    """Return CSS that gives each `data-category` the city's `--colour`, and `--ink` for text on it."""
    rules = (
        f'[data-category="{category}"] {{ --colour: {face.hex}; --ink: {ink_on(face.hex)}; }}\n'
        for category, face in sorting.category.items()
    )
    return "".join(rules)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 (sRGB)
