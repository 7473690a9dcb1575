"""The whole system of a soak: its folder and its processes, which it keeps running."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from scripts.demonstration.folder import Ports
from scripts.demonstration.town import ledger_toml, station_toml
from scripts.soak.plan import Cast
from scripts.testbed.engines import Engine, LaptopEngine, Tier
from scripts.testbed.processes import TONGZHAN, Crew
from scripts.testbed.proxy import Network
from scripts.testbed.shipped import ShippedTownEngine

QUICK = ("north", "south")
"""Stations in virtual time (`scripts.soak.station`)."""
SLOW = "east"
"""A station as a person starts it: `tongzhan station run` and its eye, threads, real time, the model."""
STATIONS = (*QUICK, SLOW)
SLOW_SEED = 7
"""Seed of the people around the slow station, which `station run` invents."""
RECORD_EVERY_S = 0.25
"""Pause between two visits of one quick station."""
OFTEN = 4
"""Kills of each other process for one kill of the slow station."""
AGAIN_S = 0.5
"""Pause before a process that ended by itself is started again, like a service manager's."""

_HASTE = """
[visit]
travel_s = 0.3
lease_s = 3.0
max_open_s = 6.0
linger_s = 0.6
held_card_s = 0.5
"""


@dataclass
class System:
    """Processes by name, kept running unless held."""

    root: Path
    photos: Path
    tier: Tier
    crew: Crew
    network: Network
    pipe: int
    """Where the stations' witnesses write what people did and saw."""
    first_port: int
    residents: int
    """The number of people around the quick stations."""
    workers: int = 2
    held: set[str] = field(default_factory=set)
    """Processes that must not be started now."""
    ended: Counter[str] = field(default_factory=Counter)
    """How often each process ended by itself."""

    def __post_init__(self) -> None:
        """Choose ports and name the processes; nothing runs yet."""
        self.engine: Engine = self._engine()
        self.starters: dict[str, Callable[[], None]] = {name: self._starter(name) for name in self._names()}
        self._not_before: dict[str, float] = {}

    @property
    def cast(self) -> Cast:
        """What faults can hit: the slow station more rarely, because otherwise it would never end a visit."""
        links = (*(f"sync-{name}" for name in STATIONS), *self.worker_names)
        often = [name for name in self.starters if name != f"station-{SLOW}"]
        return Cast((*often * OFTEN, f"station-{SLOW}"), links, STATIONS, QUICK)

    @property
    def worker_names(self) -> tuple[str, ...]:
        """The ledger's workers."""
        return tuple(f"worker-{number}" for number in range(1, self.workers + 1))

    @property
    def ledger_toml(self) -> Path:
        """The configuration of the first worker and of every other command on the ledger."""
        return self.root / "worker-1.toml"

    def state_dir(self, station: str) -> Path:
        """Return the folder of a station's journal and keys."""
        return self.root / station

    def station_toml(self, station: str) -> Path:
        """Return the file of a station's configuration."""
        return self.root / f"{station}.toml"

    def make(self) -> None:
        """Write all configuration and open the network."""
        self.engine.make()
        stations, ledgers = self._broker_ports
        for number, link in enumerate(self.cast.links):
            of_station = number < len(STATIONS)
            self.network.open(link, self._link_port(number), stations if of_station else ledgers)
        self._configure()

    def guard(self) -> None:
        """Configure the broker and its users' logins; call it after the stations were admitted."""
        self.engine.guard()
        self._configure()

    def _configure(self) -> None:
        for number, name in enumerate(STATIONS):
            text = station_toml(name, name, f"run-{name}", self._link_port(number))
            text = text.replace("[cloud]\n", f"[cloud]\n{self.engine.login(name)}")
            self.station_toml(name).write_text(text + (_HASTE if name == SLOW else ""), encoding="utf-8")
        for number, name in enumerate(self.worker_names, len(STATIONS)):
            ports = Ports(0, self.first_port + 2, self._link_port(number))
            text = ledger_toml(self.engine.database, ports)
            text = text.replace("[broker]\n", f"[broker]\n{self.engine.login(None)}")
            file = self.root / f"{name}.toml"
            file.touch(0o600)  # it may hold the database's password
            file.write_text(text, encoding="utf-8")

    def keep_up(self) -> None:
        """Start the processes that should run and do not."""
        for name, start in self.starters.items():
            if name in self.held or self.crew.pid(name) is not None:
                continue
            if name in self._not_before:
                if time.monotonic() < self._not_before[name]:
                    continue
                del self._not_before[name]
            elif self.crew.forget(name):
                self.ended[name] += 1
                self._not_before[name] = time.monotonic() + AGAIN_S
                continue
            start()

    def hold(self, *names: str) -> None:
        """Kill processes, and do not start them again until `release`."""
        self.held.update(names)
        for name in names:
            self.crew.kill(name)

    def release(self, *names: str) -> None:
        """Let held processes run again."""
        self.held.difference_update(names)
        self.keep_up()

    def _engine(self) -> Engine:
        if self.tier is Tier.LAPTOP:
            return LaptopEngine(self.root, self.first_port)
        return ShippedTownEngine(self.root, self._broker_ports, self.first_port + 2, self.first_port + 1)

    @property
    def _broker_ports(self) -> tuple[int, int]:
        """The broker's ports for stations and for workers: iotcore has one for both."""
        both = self.tier is Tier.LAPTOP
        return self.first_port, self.first_port if both else self.first_port + 3

    def _link_port(self, number: int) -> int:
        return self.first_port + 4 + number

    def _names(self) -> tuple[str, ...]:
        of_stations = [f"{kind}-{station}" for station in STATIONS for kind in ("station", "sync")]
        return (*self.engine.processes, *self.worker_names, *of_stations, f"eye-{SLOW}")

    def _starter(self, name: str) -> Callable[[], None]:
        kind, _, station = name.partition("-")
        config = str(self.station_toml(station))
        if name in self.engine.processes:
            return lambda: self.engine.start(name, self.crew)
        if kind == "worker":
            ingest = ["ledger", "ingest", "--config", f"{self.root}/{name}.toml", "--worker", name]
            return lambda: self.crew.start(name, ingest)
        if kind in ("sync", "eye"):
            return lambda: self.crew.start(name, ["station", kind, "--config", config])
        photos = str(self.photos)
        if station == SLOW:
            more = ["--photos", photos, "--visits", "1000000", "--seed", str(SLOW_SEED)]
            more += ["--witness", f"/dev/fd/{self.pipe}"]
            real = [*TONGZHAN, "station", "run", "--config", config, *more]
            return lambda: self.crew.launch(name, real, pass_fds=[self.pipe])
        quick = ["-m", "scripts.soak.station", config, photos, str(self.residents), str(self.pipe)]
        command = [sys.executable, *quick, str(RECORD_EVERY_S)]
        return lambda: self.crew.launch(name, command, pass_fds=[self.pipe])


PORTS = 4 + len(STATIONS) + 2
"""Ports in a row: broker, database, pages, the ledger's broker, and a link for each station and worker."""
