from __future__ import annotations

import random
import subprocess
from itertools import count

import pytest

from firmware_bridge.h_bridge import Drive
from firmware_bridge.link.events import Received, Up
from firmware_bridge.link.link import Link
from firmware_bridge.link.messages import (
    EndLease,
    LidState,
    OpenLid,
    Position,
    Request,
    SensorKind,
    SensorValue,
    SetLid,
    Welcome,
    WiegandBits,
)
from firmware_bridge.twin.plant import OPEN, SHUT, PlantLid
from firmware_bridge.twin.rig import Rig
from tests.firmware_bridge.damage import WIRES, PerfectWire, wire
from tests.firmware_bridge.pair import Ids
from tests.programs import TWIN

SENSORS = (1 << SensorKind.SMOKE) | (1 << SensorKind.PANIC) | (1 << SensorKind.WEIGHT)
WELCOME = Welcome(1, 1, 0, 0, 2, 2, 1, SENSORS, 0, (1, 0, 0))
STEP_S = 0.01
TRAVEL_S = 0.3
TRANSIT_S = 0.2
"""A lease begins when the device gets it: on a slow wire up to this much after the request."""


class World:
    """A host, a wire and a rig in virtual time; nothing here waits."""

    def __init__(self, down: PerfectWire, up: PerfectWire) -> None:
        self.now = 0.0
        boots = count(1)
        self.rig = Rig(WELCOME, lambda: next(boots), self.now)
        self.host = Link(Ids(), self.now)
        self.down, self.up = down, up
        self.told: list[Received] = []
        self.leases = [0.0] * WELCOME.lids
        self.host_lives = True

    def place(self, lid: int = 0) -> tuple[int, str]:
        _, _, place, drive = self.rig.line(f"lid {lid}").split()
        return int(place), drive

    def ask(self, request: Request) -> None:
        if isinstance(request, OpenLid) and self.host.is_up:
            self.leases[request.lid] = max(self.leases[request.lid], self.now + request.lease_ms / 1000)
        self._step_host(b"", request)

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += STEP_S
            if self.host_lives:
                for piece in self.up.take(self.now) or [b""]:
                    self._step_host(piece)
            for piece in self.down.take(self.now) or [b""]:
                self.up.send(self.rig.step(piece, self.now), self.now)
            for lid, lease_until in enumerate(self.leases):
                drive = self.place(lid)[1]
                assert drive != "open" or self.now <= lease_until + TRANSIT_S, "driven open beyond its lease"

    def _step_host(self, data: bytes, *requests: Request) -> None:
        turn = self.host.step(self.now, data, requests)
        self.down.send(turn.out, self.now)
        for event in turn.events:
            if isinstance(event, Up):
                self.ask(SetLid(0, int(TRAVEL_S * 1000), 200))
                self.ask(SetLid(1, int(TRAVEL_S * 1000), 200))
            elif isinstance(event, Received):
                self.told.append(event)


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize("seed", range(2))
def test_no_bad_wire_and_no_restart_drives_a_lid_open_beyond_its_lease(name: str, seed: int) -> None:
    chance = random.Random(seed)
    world = World(wire(name, seed), wire(name, seed + 50))
    taps = 0
    for _ in range(70):
        match chance.choice(["open", "open", "open", "end", "tap", "reboot", "wait", "die"]):
            case "open":
                world.ask(OpenLid(chance.randrange(2), chance.choice([300, 1000, 3000])))
            case "end":
                world.ask(EndLease(chance.randrange(2)))
            case "tap":
                taps += 1
                world.rig.line(f"wiegand 0 {taps:026b}")
            case "reboot" if chance.random() < 0.3:
                world.rig.line("reboot")
            case "die" if chance.random() < 0.3:
                world.host_lives = False
                world.run(chance.uniform(0.1, 3.0))
                world.host_lives = True
        world.run(chance.uniform(0.02, 0.5))
    told = [event.report.bits for event in world.told if isinstance(event.report, WiegandBits)]
    assert told == sorted(set(told)), "a card was taken twice"
    world.host_lives = False
    world.run(10.0)
    assert world.place(0) == world.place(1) == (0, "off"), "without a host a lid stays open"


def test_a_lid_opens_and_shuts_on_request() -> None:
    world = World(PerfectWire(), PerfectWire())
    world.run(0.5)
    world.ask(OpenLid(0, 2000))
    world.run(1.0)
    assert world.place() == (1000, "off")
    world.run(2.0)
    assert world.place() == (0, "off")
    positions = [
        one.report.position for one in world.told if isinstance(one.report, LidState) and not one.report.lid
    ]
    assert positions == [
        Position.SHUT,
        Position.OPENING,
        Position.OPEN,
        Position.CLOSING,
        Position.SHUT,
    ]


def test_a_plants_lid_moves_with_its_motor_and_stops_at_its_ends() -> None:
    lid = PlantLid(travel_ms=500)
    lid.drive = Drive.OPEN
    lid.advance(0.25)
    assert lid.place == (OPEN + SHUT) / 2
    assert (lid.seen().opened, lid.seen().closed) == (False, False)
    lid.advance(10)
    assert (lid.place, lid.seen().opened) == (OPEN, True)
    lid.drive, lid.is_jammed = Drive.SHUT, True
    lid.advance(10)
    assert lid.place == OPEN
    lid.open_switch = False
    assert not lid.seen().opened


def test_help_says_what_the_twin_does() -> None:
    said = subprocess.run([*TWIN, "--help"], capture_output=True, text=True, check=True)
    assert "pty" in said.stdout
    assert "--lids" in said.stdout


def test_a_wrong_count_is_refused_in_one_line() -> None:
    said = subprocess.run(
        [*TWIN, "--lids", "9"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 2
    assert "0<=x<=8" in said.stderr


def test_a_working_scale_is_reported_regularly_and_a_silent_one_is_not() -> None:
    world = World(PerfectWire(), PerfectWire())
    world.run(1)

    def told_within(seconds: float) -> int:
        world.told.clear()
        world.run(seconds)
        weights = [one.report for one in world.told if isinstance(one.report, SensorValue)]
        return sum(one == SensorValue(SensorKind.WEIGHT, 0, 777) for one in weights)

    world.rig.line(f"sensor {SensorKind.WEIGHT} 0 777")
    assert told_within(21) == 5
    assert world.rig.line(f"sensor {SensorKind.WEIGHT} 0 silent") == "ok"
    assert told_within(60) == 0
    world.rig.line(f"sensor {SensorKind.WEIGHT} 0 777")
    assert told_within(1) == 1
