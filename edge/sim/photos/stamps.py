"""Cut-out photos of Debian's tuxpaint-stamps-default that a resident might throw away, by category.

The package (GPL-2; nothing of it is shipped here) has photos and drawings; listed are photos of things of
a household. Categories follow GB/T 19095-2019. The package shows one hazardous thing, a mercury
thermometer: no battery, no lamp, no medicine. An incandescent bulb holds no mercury and is other waste.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from config.sorting import Category

STAMPS: Mapping[Category, tuple[str, ...]] = MappingProxyType(
    {
        Category.RECYCLABLE: (
            "clothes/t_sock.png",
            "hobbies/camera_35mm.png",
            "household/arttools/scissors_small_closed.png",
            "household/arttools/scissors_small_open.png",
            "household/dishes/glass.png",
            "household/dishes/utensils/nutcracker.png",
            "household/kettle.png",
            "household/key.png",
            "household/rubberduck.png",
            "household/tools/hammer.png",
            "household/tools/mallet_metal.png",
            "household/tools/plyers.png",
            "household/tools/saw.png",
            "household/tools/toolbox.png",
            "household/tools/wrench.png",
            "household/tools/wrench_adjustable.png",
            "household/tools/wrench_plumbers.png",
            "sports/basketball.png",
            "sports/football.png",
            "sports/soccer.png",
            "sports/trophy_cup.png",
        ),
        Category.HAZARDOUS: ("medical/mercurythermometer.png",),
        Category.KITCHEN: (
            "food/fruit/Apricot_whole.png",
            "food/fruit/Cherry_Stella.png",
            "food/fruit/Strawberry2.png",
            "food/fruit/apple_red.png",
            "food/fruit/apricot.png",
            "food/fruit/avocado.png",
            "food/fruit/banana.png",
            "food/fruit/cherimoya.png",
            "food/fruit/grapes.png",
            "food/fruit/kiwi.png",
            "food/fruit/lemon.png",
            "food/fruit/mandarine.png",
            "food/fruit/orange_seville.png",
            "food/fruit/pineapple.png",
            "food/fruit/sliced_lime.png",
            "food/fruit/sliced_orange.png",
            "food/spices/ginger.png",
            "food/vegetables/broccoli.png",
            "food/vegetables/carrot.png",
            "food/vegetables/chilepepper.png",
            "food/vegetables/corn.png",
            "food/vegetables/eggplant.png",
            "food/vegetables/garlic.png",
            "food/vegetables/lettuce.png",
            "food/vegetables/mushroom.png",
            "food/vegetables/onion.png",
            "food/vegetables/potato.png",
            "food/vegetables/redlettuce.png",
            "food/vegetables/tomato.png",
            "food/vegetables/yam.png",
            "food/vegetables/yellowpepper.png",
            "seasonal/christmas/Mince_Pie.png",
            "seasonal/christmas/Roast_turkey.png",
        ),
        Category.OTHER: (
            "animals/shellfish/abalone.png",
            "animals/shellfish/murray-mussel.png",
            "clothes/clothespin_new.png",
            "clothes/clothespin_old.png",
            "household/Lightbulb.png",
            "household/arttools/highlighter.png",
            "household/arttools/pen_dryerase.png",
            "household/dishes/mug.png",
            "household/dishes/pitcher_small.png",
            "household/dishes/teapot.png",
            "household/tools/paintbrush_large.png",
            "medical/bandage_adhesive.png",
            "seasonal/candle.png",
        ),
    }
)
"""Paths in the package's folder of stamps, usr/share/tuxpaint/stamps."""
