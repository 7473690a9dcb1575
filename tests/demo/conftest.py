"""The demo's strip with its switches, without a demo around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from config.reading.load_sorting import load_sorting
from config.sorting import Category
from edge.sim.people.town import Neighbourhood, neighbourhood
from scripts.demonstration.strip.counts import Arrived, Comparison
from scripts.demonstration.strip.state import Strip, Visitors
from scripts.demonstration.strip.switches import LINK, WORKER, Switches
from scripts.testbed.ports import free_ports
from scripts.testbed.processes import Crew, crew
from scripts.testbed.proxy import Network, network

SLEEP = ("station", "panel", "--help")
"""A worker that ends by itself, which these tests do not wait for."""
NONE = Arrived({}, 0)


@pytest.fixture
def people() -> Neighbourhood:
    return neighbourhood(Random(1), b"k" * 32)


@pytest.fixture
def links() -> Iterator[Network]:
    with network() as ours:
        first = free_ports(2)
        ours.open(LINK, first, first + 1)
        yield ours


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Crew]:
    with crew(tmp_path) as ours:
        ours.launch(WORKER, ["sleep", "600"])
        yield ours


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def switches(links: Network, processes: Crew, clock: Clock) -> Switches:
    return Switches(links, processes, SLEEP, clock.now)


@pytest.fixture
def strip(people: Neighbourhood, switches: Switches) -> Strip:
    resident = people.residents[0]
    visitors = Visitors(people, {"reader-kitchen": Category.KITCHEN}, {resident.card: "http://ledger/s/"})
    return Strip(visitors, switches, Comparison(dict, lambda: NONE), load_sorting("beijing"))
