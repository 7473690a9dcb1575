"""A simulated station from the composition root: real journal, real model, virtual time."""

from __future__ import annotations

import json
import logging
import random
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from cloud_sync.rules.award_rules import Line, Outcome
from config.sorting import Category
from config.station import StationSettings
from edge.journal.schema import open_journal
from edge.main import compose
from edge.sim.people.town import neighbourhood
from edge.sim.photos.folders import open_photos
from edge.sim.simulation import Simulation
from edge.sim.world import Script
from edge.station_file import load_station
from models.bundle import SHIPPED_BUNDLE
from models.pixels import encode_jpeg

STATION = """
[station]
community = "lane"
name = "gate"
devices = "simulated"
state_dir = "state"
runtime_dir = "run"
[model]
{model}
[[camera]]
id = "chamber"
"""
BIN = """
[[reader]]
id = "at-{0}"
[[bin]]
id = "{0}"
category = "{0}"
reader = "at-{0}"
camera = "chamber"
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    rng = np.random.default_rng(1)
    for category in Category:
        (folder / category).mkdir(parents=True)
        picture = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
        (folder / category / "one.jpg").write_bytes(encode_jpeg(picture))
    return folder


def settings(folder: Path, model: str = "") -> StationSettings:
    path = folder / "station.toml"
    bins = "".join(BIN.format(category.value) for category in Category)
    path.write_text(STATION.format(model=model) + bins, encoding="utf-8")
    return load_station(path)


def play(station: StationSettings, photos: Path, visits: int = 6, seed: int = 3) -> None:
    rng = random.Random(seed)
    script = Script(visits=visits, people=neighbourhood(rng, b"k" * 32))
    simulation = Simulation(station, open_photos(photos), script, rng, virtual_from_unix_s=1_800_000_000.0)
    simulation.run_virtual(compose(station, simulation.surroundings()))


def lines_of(station: StationSettings) -> list[Line]:
    database = open_journal(Path(station.station.state_dir))
    rows = [body for (body,) in database.execute("SELECT lines FROM awards ORDER BY id")]
    database.close()
    return [line for body in rows for line in msgspec.json.decode(body, type=list[Line])]


def alarms_of(station: StationSettings) -> list[str]:
    database = open_journal(Path(station.station.state_dir))
    events = [json.loads(body) for (body,) in database.execute("SELECT event FROM outbox ORDER BY id")]
    database.close()
    return [event["facts"]["fault"] for event in events if event["facts"]["kind"] == "alarm"]


def test_a_station_sees_with_the_shipped_model(tmp_path: Path, photos: Path) -> None:
    station = settings(tmp_path)
    play(station, photos)
    outcomes = {line.outcome for line in lines_of(station)}
    assert outcomes
    assert Outcome.UNSEEN not in outcomes
    assert alarms_of(station) == []


def test_a_broken_model_is_refused_and_the_station_runs_unseeing_for_neutral_points(
    tmp_path: Path, photos: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(SHIPPED_BUNDLE, bundle)
    model = bundle / "waste.onnx"
    broken = bytearray(model.read_bytes())
    broken[len(broken) // 2] ^= 1
    model.write_bytes(broken)
    station = settings(tmp_path, 'bundle = "bundle"')
    with caplog.at_level(logging.ERROR):
        play(station, photos)
    assert "is not the file of its manifest" in caplog.text
    assert "the station runs unseeing, deposits earn the neutral amount" in caplog.text
    lines = lines_of(station)
    assert {line.outcome for line in lines} == {Outcome.UNSEEN}
    assert {line.full for line in lines} == {1}
    assert alarms_of(station) == ["model_refused"]


def test_the_same_seed_plays_the_same_visits(tmp_path: Path, photos: Path) -> None:
    told = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        station = settings(tmp_path / name)
        play(station, photos)
        database = open_journal(Path(station.station.state_dir))
        told.append([body for (body,) in database.execute("SELECT facts FROM visits ORDER BY sequence")])
        database.close()
    assert told[0] == told[1]
    assert len(told[0]) == 6


def test_each_start_draws_a_new_epoch_and_counts_from_one(tmp_path: Path, photos: Path) -> None:
    station = settings(tmp_path)
    play(station, photos, visits=2)
    play(station, photos, visits=2, seed=4)
    database = open_journal(Path(station.station.state_dir))
    epochs = dict(database.execute("SELECT epoch, min(sequence) FROM outbox GROUP BY epoch").fetchall())
    database.close()
    assert len(epochs) == 2
    assert set(epochs.values()) == {1}
