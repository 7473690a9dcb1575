"""The soak's things look like what their names say, however a camera sees them."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np

from config.sorting import Category
from edge.sim.photos.folders import open_photos
from edge.sim.photos.scenes import vary
from edge.sim.photos.thrown import hand_shadow
from models.verdict import VerdictState
from scripts.testbed.pictures import UNSURE, StandIn, draw_photos, looks_like


def test_the_stand_in_sees_each_thing_as_its_name_says_and_none_where_none_is(tmp_path: Path) -> None:
    source, rng, eye = open_photos(draw_photos(tmp_path)), Random(1), StandIn()
    seen = set()
    for number in range(60):
        thing = source.draw(rng, list(Category)[number % 4])
        verdict = eye.ballot([vary(thing.picture, np.random.default_rng(number))]).verdict
        look = looks_like(thing.name)
        assert verdict.category == (None if look == UNSURE else look)
        seen.add((thing.category == look, verdict.state))
        shadow = vary(hand_shadow(rng).picture, np.random.default_rng(number))
        assert eye.ballot([shadow]).verdict.state is VerdictState.EMPTY
    assert seen == {(True, VerdictState.OK), (False, VerdictState.OK), (False, VerdictState.UNSURE)}
