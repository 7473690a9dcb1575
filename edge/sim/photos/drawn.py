"""Drawn things, which the demo's residents throw unless a folder of photos is given.

They were chosen by the verdicts of waste-0.4 on any tray: it is sure of most, never of the medicine, and of
the banana peel half of the time; tests/models/test_drawn.py checks that. Drawn things do not show how well
the model does on photos; models/waste/README.md does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from config.sorting import Category
from edge.sim.photos import scenes
from edge.sim.photos.drawing import (
    Canvas,
    Field,
    X,
    Y,
    bar,
    both,
    bulge,
    ellipse,
    glint,
    inside,
    noise,
    plate,
)
from edge.sim.photos.thrown import WEIGHTS_G, Particular, Thing, Wanted, category_of
from models.pixels import Rgba

Draw = Callable[[np.random.Generator], Rgba]
_STEEL = (200, 202, 206)


class DrawnThings:
    """Draws a thing of a category when one is thrown. Implements `edge.sim.photos.thrown.Things`."""

    @property
    def categories(self) -> tuple[Category, ...]:
        """All four."""
        return tuple(DRAWN)

    def draw(self, rng: Random, wanted: Wanted) -> Thing:
        """Draw one thing; the same seed gives the same picture."""
        category = category_of(wanted)
        things = DRAWN[category]
        name, seed = rng.choice(list(things)), rng.getrandbits(32)
        if isinstance(wanted, Particular) and wanted.name in things:
            name, seed = wanted.name, wanted.seed
        scene_rng = np.random.default_rng(seed)
        picture = scenes.lay(scenes.tray(scene_rng), things[name](scene_rng), scene_rng)
        return Thing(name, category, rng.randint(*WEIGHTS_G[category]), seed, picture)


def can(rng: np.random.Generator) -> Rgba:
    """A crushed red drink can."""
    del rng
    half_width, half_height, canvas = 0.5, 0.86, Canvas()
    shoulder = 0.05 * np.clip((np.abs(Y) - half_height + 0.12) / 0.12, 0, None)
    half = half_width - shoulder + 0.03 * np.sin(7 * Y + 1) * np.exp(-((Y / 0.5) ** 2))
    across = np.clip(X / half, -1, 1)
    facing = bulge(across)
    dents = 0.18 * np.sin(9 * Y + 4 * X) * np.exp(-((Y / 0.45) ** 2))
    light = 0.35 + 0.55 * facing + 0.55 * glint(across, -0.45, 0.1) + 0.35 * glint(across, 0.55, 0.07) + dents
    body = both(np.abs(X) - half, np.abs(Y + 0.07 * (1 - facing)) - half_height)
    along = Y + 0.06 * (1 - facing)
    canvas.paint(body, _STEEL, light)
    canvas.paint(both(body, np.abs(along) - 0.7), (200, 30, 35), light)
    canvas.paint(both(body, np.abs(along + 0.12 * np.sin(3 * X)) - 0.06), (245, 245, 245), light)
    top = -half_height + 0.03
    canvas.paint(ellipse(0, top, 0.43, 0.12), (240, 241, 243))
    canvas.paint(ellipse(0, top + 0.01, 0.4, 0.1), (190, 192, 196), 0.9 + 0.2 * X)
    canvas.paint(ellipse(0, top + 0.02, 0.35, 0.085), (165, 168, 172), 0.9 + 0.25 * X)
    canvas.paint(ellipse(-0.12, top + 0.045, 0.13, 0.035), (35, 35, 38))
    canvas.paint(ellipse(0.08, top + 0.015, 0.15, 0.035), (225, 226, 230))
    canvas.paint(ellipse(0.13, top + 0.015, 0.05, 0.018), (130, 132, 136))
    return canvas.cut_out()


def glass_bottle(rng: np.random.Generator) -> Rgba:
    """A green bottle with a paper label."""
    del rng
    canvas, green = Canvas(), np.array((40, 110, 50), np.float32)
    half = _neck(0.11, 0.31, -0.55, -0.2)
    across = np.clip(X / half, -1, 1)
    facing = bulge(across)
    light = 0.45 + 0.5 * facing**2 + 0.9 * glint(across, -0.55, 0.1) + 0.35 * glint(across, 0.7, 0.09)
    body = both(np.abs(X) - half, np.abs(Y) - 0.95)
    canvas.paint(body, green, light)
    canvas.add(inside(body) * glint(across, -0.55, 0.07), (90, 90, 90))
    canvas.paint(bar(0, -0.9, 0.13, 0.05), green * 0.7, light)
    canvas.paint(
        both(np.abs(X) - 0.305, np.abs(Y - 0.3 - 0.03 * facing) - 0.3), (235, 228, 205), 0.5 + 0.5 * facing
    )
    for line in range(4):
        canvas.paint(bar(0, 0.12 + 0.11 * line, 0.2 - 0.04 * line, 0.022), (120, 40, 30), 0.5 + 0.5 * facing)
    return canvas.cut_out()


def plastic_bottle(rng: np.random.Generator) -> Rgba:
    """A clear water bottle with a blue cap and label."""
    del rng
    canvas = Canvas()
    shoulder, ribbed = -0.4, 0.34 - 0.018 * np.cos(24 * Y)
    half = np.where(shoulder > Y, _neck(0.12, 0.34, -0.72, shoulder), ribbed).astype(np.float32)
    across = np.clip(X / half, -1, 1)
    facing = bulge(across)
    shine = 0.35 * glint(across, -0.5, 0.1) + 0.2 * glint(across, 0.4, 0.06)
    rim = 0.3 * glint(np.abs(across), 0.95, 0.05)
    ripples = 0.1 * np.cos(24 * Y) * (np.abs(Y - 0.2) < 0.7)  # noqa: PLR2004 (where the bottle is ribbed)
    light = 0.78 + 0.12 * facing + shine - rim + ripples
    canvas.paint(both(np.abs(X) - half, np.abs(Y) - 0.95), (198, 216, 226), light)
    canvas.alpha = canvas.alpha * np.float32(0.6)  # the tray shows through
    canvas.paint(bar(0, -0.86, 0.14, 0.09), (40, 90, 190), 0.6 + 0.5 * facing + 0.1 * np.sin(90 * X))
    canvas.paint(bar(0, 0.05, 0.335, 0.2), (60, 130, 210), 0.5 + 0.55 * facing)
    canvas.paint(bar(0, 0.05, 0.2, 0.06), (250, 250, 250), 0.5 + 0.5 * facing)
    return canvas.cut_out()


def newspaper(rng: np.random.Generator) -> Rgba:
    """A page with a headline, three columns and a picture."""
    canvas = Canvas()
    canvas.paint(plate(0.86, 0.92, 0.0), (224, 220, 208), 0.95 + 0.04 * noise(rng, 8))
    canvas.paint(bar(0, -0.76, 0.7, 0.07), (45, 45, 45))
    for column in (-0.55, 0.0, 0.55):
        for line in np.arange(-0.55, 0.85, 0.055):
            if column == 0 and -0.35 < line < 0.1:  # noqa: PLR2004 (the picture's place)
                continue
            gaps = np.where(np.sin(X * rng.uniform(90, 140)) > -0.75, -1.0, 1.0).astype(np.float32)  # noqa: PLR2004
            canvas.paint(both(bar(column, line, 0.22 * rng.uniform(0.8, 1), 0.013), gaps), (100, 100, 98))
    canvas.paint(bar(0, -0.14, 0.24, 0.24), (120, 120, 118), 0.8 + 0.2 * noise(rng, 7))
    return canvas.cut_out()


def dry_cell(rng: np.random.Generator) -> Rgba:
    """A battery, black or gold."""
    canvas, half = Canvas(), 0.27
    body, end = ((28, 28, 32), (196, 128, 44)) if rng.random() < 0.5 else ((190, 160, 50), (30, 30, 30))  # noqa: PLR2004
    across = np.clip(X / half, -1, 1)
    light = 0.28 + 0.62 * bulge(across) + 0.75 * glint(across, -0.4, 0.1) + 0.2 * glint(across, 0.6, 0.1)
    canvas.paint(bar(0, 0.06, half, 0.86), body, light)
    canvas.paint(bar(0, -0.54, half, 0.27), end, light)
    canvas.paint(bar(0, -0.79, half, 0.02), _STEEL, light)
    canvas.paint(bar(0, -0.87, 0.1, 0.08), _STEEL, 0.4 + 0.7 * bulge(np.clip(X / 0.1, -1, 1)))
    canvas.paint(bar(0, -0.55, 0.09, 0.02), (240, 240, 240))
    canvas.paint(bar(0, -0.55, 0.02, 0.09), (240, 240, 240))
    for line in range(7):
        canvas.paint(bar(0, -0.12 + 0.1 * line, 0.07 - 0.01 * (line % 3), 0.03), (225, 225, 225), light)
    canvas.paint(bar(0, 0.9, half, 0.025), _STEEL, light)
    return canvas.cut_out()


def medicine(rng: np.random.Generator) -> Rgba:
    """A blister of pills."""
    canvas = Canvas()
    foil = 0.86 + 0.1 * noise(rng, 10) + 0.05 * noise(rng, 40) + 0.25 * glint(X + 0.5 * Y, 0.1, 0.12)
    canvas.paint(plate(0.55, 0.93, 0.08), (205, 208, 212), foil)
    for across in (-0.27, 0.27):
        for down in (-0.72, -0.36, 0.0, 0.36, 0.72):
            slope = np.clip(-(X - across) / 0.2 - (Y - down) / 0.14, -1, 1)
            canvas.paint(ellipse(across, down, 0.2, 0.14), (218, 221, 225), 0.75 + 0.3 * slope)
            away = np.hypot((X - across) / 0.15, (Y - down) / 0.105)
            canvas.paint(ellipse(across, down, 0.15, 0.105), (240, 240, 236), 0.55 + 0.5 * bulge(away))
    return canvas.cut_out()


def orange(rng: np.random.Generator) -> Rgba:
    """An orange with pores."""
    canvas, radius = Canvas(), np.hypot(X, Y)
    facing = bulge(radius / 0.95)
    light = 0.45 + 0.55 * np.clip(0.75 * facing - 0.3 * X - 0.25 * Y + 0.25, 0, 1.15)
    pores = 0.13 * noise(rng, 60) + 0.13 * noise(rng, 110)
    canvas.paint(radius - 0.95, (249, 145, 15), light + pores)
    canvas.paint(ellipse(-0.1, -0.25, 0.06, 0.06), (80, 110, 30))
    return canvas.cut_out()


def eggshells(rng: np.random.Generator) -> Rgba:
    """Two halves of a brown eggshell."""
    canvas = Canvas()
    for centre_x, centre_y, size in ((-0.4, 0.1, 1.0), (0.42, -0.05, 0.95)):
        x, y = (X - centre_x) / size, (Y - centre_y) / size
        crack = -(y + 0.1 + 0.09 * np.sin(14 * x + centre_x) + 0.05 * np.sin(31 * x))
        away = np.hypot(x / 0.44, y / 0.55)
        light = 0.45 + 0.6 * bulge(away) - 0.15 * x + 0.03 * noise(rng, 60)
        canvas.paint(both((away - 1) * np.float32(0.44), crack), (222, 178, 140), light)
        hollow = np.hypot(x / 0.415, (y - 0.03 * np.sin(14 * x) + 0.1) / 0.12)
        lining = 0.82 + 0.15 * Y + 0.02 * noise(rng, 60)
        canvas.paint((hollow - 1) * np.float32(0.12), (250, 244, 232), lining)
    return canvas.cut_out()


def banana_peel(rng: np.random.Generator) -> Rgba:
    """Four flaps, two with their inner side up."""
    canvas = Canvas()
    spots = np.clip((noise(rng, 26) - 1.2) * 2, 0, 1) + np.clip((noise(rng, 60) - 1.7) * 2, 0, 1)
    for angle, bend, is_inner in (
        (0.5, 0.3, False),
        (1.9, -0.3, True),
        (3.3, 0.3, False),
        (4.9, -0.25, True),
    ):
        along = X * np.float32(np.cos(angle)) + Y * np.float32(np.sin(angle))
        across = Y * np.float32(np.cos(angle)) - X * np.float32(np.sin(angle)) - bend * along**2
        half = 0.21 * np.clip(np.sin(np.pi * np.clip(along * 0.9 + 0.1, 0, 1)), 0, 1) ** 0.6
        flap = both(np.abs(across) - half, -along, along - 0.96)
        ripe = 0.72 + 0.3 * bulge(np.clip(across / 0.21, -1, 1)) + 0.03 * noise(rng, 50)
        canvas.paint(flap, (246, 232, 180) if is_inner else (228, 196, 60), ripe)
        canvas.add(-inside(flap) * spots * np.float32(0.4 if is_inner else 1), (120, 115, 45))
        canvas.paint((np.hypot(along - 0.9, across) - 0.05).astype(np.float32), (90, 70, 30))
    canvas.paint(ellipse(0, 0, 0.13, 0.13), (150, 130, 50), 0.9 + 0.1 * noise(rng, 20))
    canvas.paint(ellipse(0, 0, 0.06, 0.06), (80, 62, 30))
    return canvas.cut_out()


def chopsticks(rng: np.random.Generator) -> Rgba:
    """A pair of wooden chopsticks."""
    canvas = Canvas()
    for centre, tilt in ((-0.09, 0.06), (0.11, -0.04)):
        x, half = X - centre - tilt * Y, 0.035 - 0.02 * Y
        light = 0.72 + 0.3 * bulge(np.clip(x / half, -1, 1)) + 0.05 * noise(rng, 120)
        canvas.paint(both(np.abs(x) - half, np.abs(Y) - 0.97), (222, 184, 128), light)
    return canvas.cut_out()


def _neck(thin: float, wide: float, above: float, below: float) -> Field:
    """Half the width of a bottle: `thin` down to y `above`, `wide` from `below` on, a curve between."""
    turn = np.pi * np.clip((Y - above) / (below - above), 0, 1)
    half: NDArray[np.float32] = (thin + (wide - thin) * (0.5 - 0.5 * np.cos(turn))).astype(np.float32)
    return half


DRAWN: Mapping[Category, Mapping[str, Draw]] = MappingProxyType(
    {
        Category.RECYCLABLE: {
            "can": can,
            "glass-bottle": glass_bottle,
            "plastic-bottle": plastic_bottle,
            "newspaper": newspaper,
        },
        Category.HAZARDOUS: {"dry-cell": dry_cell, "medicine": medicine},
        Category.KITCHEN: {"orange": orange, "eggshells": eggshells, "banana-peel": banana_peel},
        Category.OTHER: {"chopsticks": chopsticks},
    }
)
"""Each drawn thing by its name, under its category."""
