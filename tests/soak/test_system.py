"""Processes of a soak: started again when they end, left alone while they are held, gone at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.soak.system import PORTS, STATIONS, System
from scripts.testbed.engines import Tier
from scripts.testbed.ports import free_ports
from scripts.testbed.processes import Crew, crew
from scripts.testbed.proxy import network
from tests.waiting import until

SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]
ENDS = [sys.executable, "-c", "raise SystemExit(3)"]


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Crew]:
    with crew(tmp_path / "logs") as made:
        yield made


@pytest.fixture
def system(tmp_path: Path, ours: Crew) -> Iterator[System]:
    """A system whose only process is `one`."""
    with network() as net:
        made = System(tmp_path, tmp_path, Tier.LAPTOP, ours, net, 1, free_ports(PORTS), residents=2)
        made.starters = {"one": lambda: ours.launch("one", SLEEPS)}
        yield made


def kept_up_until(system: System, condition: Callable[[], object], what: str) -> None:
    def look() -> object:
        system.keep_up()
        return condition()

    until(look, what)


def test_a_killed_process_is_started_again(system: System) -> None:
    system.keep_up()
    first = system.crew.pid("one")
    system.crew.kill("one")
    system.keep_up()
    assert system.crew.pid("one") not in {None, first}
    assert system.ended.total() == 0


def test_a_process_that_ends_by_itself_is_counted_and_started_again(system: System, ours: Crew) -> None:
    starts: list[int] = []

    def start() -> None:
        starts.append(1)
        ours.launch("one", ENDS if len(starts) == 1 else SLEEPS)

    system.starters["one"] = start
    kept_up_until(system, lambda: len(starts) == 2, "the second start")
    assert system.ended == {"one": 1}


def test_a_held_process_stays_down_until_it_is_released(system: System) -> None:
    system.keep_up()
    system.hold("one")
    system.keep_up()
    assert system.crew.pid("one") is None
    system.release("one")
    assert system.crew.pid("one") is not None


def test_every_station_has_a_process_a_sync_and_a_link(tmp_path: Path, ours: Crew) -> None:
    with network() as net:
        cast = System(tmp_path, tmp_path, Tier.LAPTOP, ours, net, 1, free_ports(PORTS), residents=2).cast
    assert {f"{kind}-{name}" for name in STATIONS for kind in ("station", "sync")} < set(cast.processes)
    assert {f"sync-{name}" for name in STATIONS} < set(cast.links)
    assert {"broker", "worker-1"} < set(cast.processes)
    assert len(cast.links) + 3 <= PORTS


def test_a_crew_ends_every_process_it_started(tmp_path: Path) -> None:
    with crew(tmp_path / "logs") as made:
        for name in ("one", "two"):
            made.launch(name, SLEEPS)
        pids = [made.pid(name) for name in ("one", "two")]
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_process_that_fell_is_named_with_its_log(ours: Crew, tmp_path: Path) -> None:
    ours.launch("one", ENDS)
    until(lambda: ours.fallen() is not None, "its end")
    assert ours.fallen() == f"one ended with status 3; see {tmp_path / 'logs' / 'one'}.log"
    assert ours.forget("one")
    assert ours.fallen() is None
    assert not ours.forget("one")


def test_a_process_may_be_handed_a_pipe(ours: Crew) -> None:
    reading, writing = os.pipe()
    ours.launch("one", [sys.executable, "-c", f"import os; os.write({writing}, b'here')"], pass_fds=[writing])
    os.close(writing)
    with os.fdopen(reading, "rb") as heard:
        assert heard.read() == b"here"


def test_some_processes_can_be_asked_to_finish_while_others_go_on(ours: Crew) -> None:
    for name in ("one", "two"):
        ours.launch(name, SLEEPS)
    pid = ours.pid("one")
    ours.end_these(["one", "nobody"])
    assert not Path(f"/proc/{pid}").exists()
    assert ours.pid("one") is None
    assert ours.pid("two") is not None
