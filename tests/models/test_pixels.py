from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.pictures import decode
from models.pixels import GREY, encode_jpeg, letterbox
from tests.models import files


def test_an_encoded_picture_decodes_to_nearly_itself() -> None:
    picture = files.two_halves()
    assert np.abs(decode(encode_jpeg(picture, 95)).astype(int) - picture)[:, 10:30].max() < 12


@given(st.integers(1, 400), st.integers(1, 400))
def test_a_picture_of_any_shape_fits_whole_into_the_square(height: int, width: int) -> None:
    square = letterbox(np.full((height, width, 3), 255, np.uint8), 64)
    assert square.shape == (64, 64, 3)
    rows, columns = np.where(square[:, :, 0] == 255)
    assert max(np.ptp(rows), np.ptp(columns)) == 63
    assert square[(square[:, :, 0] != 255)].size == 0 or (square[square[:, :, 0] != 255] == GREY).all()


def test_letterboxing_keeps_proportions() -> None:
    square = letterbox(np.full((50, 100, 3), 255, np.uint8), 80)
    assert (square[:, :, 0] == 255).any(axis=1).sum() == 40
