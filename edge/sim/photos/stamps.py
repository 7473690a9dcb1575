"""Cut-out photos of Debian's tuxpaint-stamps-default that a resident might throw away, by category.

Used with `--photos FOLDER`, where FOLDER has that package's stamps (GPL-2; none of them is shipped here).
They were chosen by the verdicts of waste-0.4 on eight trays each: those that it names correctly, and a few
that it is unsure of. Those that it is sure of and wrong are left out, among them the only hazardous thing, a
clinical thermometer, which it calls a toothbrush; so there is no hazardous waste. Categories follow GB/T
19095-2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from config.sorting import Category

STAMPS: Mapping[Category, tuple[str, ...]] = MappingProxyType(
    {
        Category.RECYCLABLE: (
            "household/dishes/glass.png",
            "household/kettle.png",
            "household/key.png",
            "sports/basketball.png",
        ),
        Category.KITCHEN: (
            "food/fruit/banana.png",
            "food/fruit/mandarine.png",
            "food/fruit/orange_seville.png",
            "food/fruit/pineapple.png",
            "food/fruit/sliced_orange.png",
            "food/vegetables/broccoli.png",
            "food/vegetables/carrot.png",
            "food/vegetables/corn.png",
            "food/vegetables/lettuce.png",
            "food/vegetables/redlettuce.png",
        ),
        Category.OTHER: (
            "clothes/clothespin_old.png",
            "household/arttools/highlighter.png",
            "household/dishes/mug.png",
            "seasonal/candle.png",
        ),
    }
)
"""Paths in the package's folder of stamps, usr/share/tuxpaint/stamps."""
