"""The city's colours, and what can be read on them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.reading.load_sorting import load_sorting, shipped_sortings
from config.sorting import Category
from edge.panel.colours import READABLE, contrast, ink_on, stylesheet

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06X}".format)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("#000000", "#FFFFFF", 21.0), ("#777777", "#FFFFFF", 4.48), ("#0B57A4", "#0B57A4", 1.0)],
)
def test_contrast_is_the_one_that_wcag_defines(one: str, other: str, expected: float) -> None:
    assert contrast(one, other) == pytest.approx(expected, abs=0.005)


@given(one=COLOURS, other=COLOURS)
def test_contrast_does_not_depend_on_the_order(one: str, other: str) -> None:
    assert contrast(one, other) == contrast(other, one)


@given(colour=COLOURS)
def test_every_colour_has_an_ink_that_can_be_read_on_it(colour: str) -> None:
    assert contrast(colour, ink_on(colour)) >= READABLE


@pytest.mark.parametrize("city", shipped_sortings())
def test_the_shipped_colours_carry_white_words(city: str) -> None:
    faces = load_sorting(city).category
    assert {category: ink_on(face.hex) for category, face in faces.items()} == dict.fromkeys(
        Category, "#FFFFFF"
    )


@pytest.mark.parametrize("city", shipped_sortings())
def test_the_stylesheet_has_a_rule_for_each_category(city: str) -> None:
    sorting = load_sorting(city)
    css = stylesheet(sorting)
    for category, face in sorting.category.items():
        assert f'[data-category="{category}"] {{ --colour: {face.hex};' in css
