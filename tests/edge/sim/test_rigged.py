"""A simulated place at a microcontroller's twin: people's actions go over the real wire and back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.sorting import Category
from edge.hardware.controller.controller import Mcu
from edge.loop.clocks import RealClock
from edge.messages import LidObstructed, Tapped
from edge.readers.kinds import rdm6300, wiegand
from edge.sim.people.town import neighbourhood
from edge.sim.photos.thrown import Thing
from edge.sim.rigged.lines import RigLines
from edge.sim.rigged.place import RiggedPlant
from edge.sim.timeline import Timeline
from edge.station_file import load_station
from firmware_bridge.decoders.em4100 import CardBits
from firmware_bridge.decoders.rdm6300 import Rdm6300Decoder
from firmware_bridge.decoders.wiegand import decode
from tests.edge.hardware.posted import Posted, services
from tests.programs import TWIN
from tests.waiting import until

KEY = bytes(range(32))
PEOPLE = neighbourhood(Random(1), KEY, width=CardBits.WIEGAND_34)
PEEL = Thing("peel", Category.KITCHEN, 150, 1, np.full((3, 4, 3), 120, np.uint8))
TOML = """
[station]
community = "lane"
name = "gate"
devices = "simulated"
state_dir = "state"
runtime_dir = "run"
card_bits = 32
[visit]
travel_s = 0.4
[[controller]]
id = "mcu"
port = "{port}"
[[reader]]
id = "serial"
controller = "mcu"
number = 0
[[reader]]
id = "wiegand"
kind = "wiegand"
controller = "mcu"
number = 1
[[bin]]
id = "kitchen"
category = "kitchen"
reader = "serial"
lid = {{ kind = "controller", controller = "mcu", number = 1 }}
"""


@given(st.integers(0, 2**40 - 1))
def test_the_decoders_read_what_simulated_readers_send(fob: int) -> None:
    number = f"{fob:010x}"
    frame = rdm6300.KIND.transmit(rdm6300.Rdm6300Section(id="a"), number).payload
    assert isinstance(frame, bytes)
    assert Rdm6300Decoder().feed(frame) == [number]
    sections = (wiegand.WiegandSection(id="a", bits=26), wiegand.WiegandSection(id="a", bits=34))
    for section, digits in zip(sections, (6, 8), strict=True):
        sent = wiegand.KIND.transmit(section, number).payload
        assert isinstance(sent, str)
        assert len(sent) == section.bits
        assert decode(sent) == number[-digits:]


class Site:
    """The place, and the events of its drivers."""

    def __init__(self, folder: Path, program: subprocess.Popen[bytes]) -> None:
        assert program.stdin is not None
        assert program.stdout is not None
        config = folder / "station.toml"
        config.write_text(TOML.format(port=program.stdout.readline().decode().strip()), encoding="utf-8")
        settings = load_station(config)
        self.posted = Posted()
        self.timeline = Timeline(RealClock())
        given = services(KEY, CardBits.WIEGAND_34, RealClock(), self.posted)
        self.mcu = Mcu(settings.controller[0], settings, given)
        self.rig = RigLines(program.stdin.fileno(), program.stdout.fileno(), 2)
        self.plant = RiggedPlant(
            settings, self.timeline, self.posted, 9, drivers=self.mcu.lids, rig=self.rig, people=PEOPLE
        )
        self.lid = self.plant.lids["kitchen"]


@pytest.fixture
def program() -> Iterator[subprocess.Popen[bytes]]:
    twin = [*TWIN, "--lids", "2"]
    with subprocess.Popen(twin, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as program:
        yield program
        program.kill()


@pytest.fixture
def site(tmp_path: Path, program: subprocess.Popen[bytes]) -> Iterator[Site]:
    site = Site(tmp_path, program)
    site.plant.start()
    site.mcu.start()
    until(lambda: "LidClosed" in site.posted.names(), "the lid said where it is")
    yield site
    site.mcu.stop()
    site.plant.stop()


def test_a_fob_is_one_card_through_either_kind_of_reader(site: Site) -> None:
    fob = PEOPLE.residents[0]
    site.plant.read("serial", fob.card)
    site.plant.read("wiegand", fob.card)
    until(lambda: site.posted.names().count("Tapped") == 2, "both readers read it")
    taps = [event for event in site.posted.events if isinstance(event, Tapped)]
    assert {(tap.reader, tap.card) for tap in taps} == {("serial", fob.card), ("wiegand", fob.card)}


def test_people_see_a_lid_open_by_the_stations_lease_throw_something_in_and_see_it_shut(site: Site) -> None:
    assert site.plant.is_shut
    assert not site.plant.throw("kitchen", PEEL)
    before = site.timeline.clock.now()
    site.lid.open(30)
    until(lambda: site.lid.is_open and site.lid.has_opened, "people see it open")
    assert before < site.lid.opened_at <= site.timeline.clock.now()
    assert site.plant.throw("kitchen", PEEL)
    opened_at = site.lid.opened_at
    site.lid.open(30)
    assert site.lid.opened_at == opened_at  # renewed, not opened again
    site.lid.end_lease()
    until(lambda: site.plant.is_shut and not site.lid.has_opened, "people see it shut")


def test_a_hand_in_the_way_reverses_the_lid_in_the_programs_own_world(site: Site) -> None:
    site.lid.open(30)
    until(lambda: site.lid.is_open, "people see it open")
    opened_at = site.lid.opened_at
    site.lid.obstruct()
    site.lid.end_lease()
    until(lambda: any(isinstance(event, LidObstructed) for event in site.posted.events), "it is in the way")
    assert not site.lid.is_shut
    site.lid.clear()
    until(lambda: site.lid.is_shut, "it shuts once its way is free")
    assert site.lid.opened_at == opened_at  # that was nobody's command


def test_a_lid_leased_again_while_it_stands_open_counts_as_opened_again(site: Site) -> None:
    site.lid.open(30)
    until(lambda: site.lid.is_open, "people see it open")
    opened_at = site.lid.opened_at
    site.lid.obstruct()
    site.lid.end_lease()
    site.lid.open(30)
    assert site.lid.opened_at > opened_at
    site.lid.clear()


def test_lines_to_a_program_that_has_ended_are_dropped(
    site: Site, program: subprocess.Popen[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    program.kill()
    program.wait()
    until(lambda: "program has ended" in caplog.text, "it is noticed")
    site.plant.read("serial", PEOPLE.residents[0].card)
    assert site.plant.is_shut
