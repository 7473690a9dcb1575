"""`tongzhan bench fleet`: many stations at once, from a record to its receipt."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from cloud_sync.ledger.install import init
from config.errors import InputError
from scripts.bench.fleet.echo import COMMUNITY as ECHO
from scripts.bench.fleet.stations import HOUSEHOLDS, FleetLoad, Measured, card, station_key, station_name
from scripts.bench.result import Result, show
from scripts.demonstration.folder import Ports
from scripts.demonstration.town import COMMUNITY, ledger_toml
from scripts.soak.system import PORTS
from scripts.testbed.engines import DATABASE, Engine, LaptopEngine, Tier, TownEngine
from scripts.testbed.ports import free_ports
from scripts.testbed.processes import Crew, crew

RATES = (200.0, 1000.0)
SPARE_DESCRIPTORS = 100
"""Descriptors of a process besides its connections."""
UP_S = 60.0
PHASE_SPARE_S = 240.0
"""How long a phase may take for connecting and for the last receipts, in addition to its load."""
SENDS_AT_ONCE = {Tier.TOWN}
"""Tiers whose broker sends at once: mosquitto as configured here; iotcore has no such option."""
KEPT = 0.98
"""A rate is sustained if this share of its records had receipts while it lasted."""


@click.command()
@click.option(
    "--stations", type=click.IntRange(1, 20_000), default=1000, show_default=True, help="Simulated stations."
)
@click.option(
    "--seconds", type=click.FloatRange(1, 600), default=20.0, show_default=True, help="Length of a run."
)
@click.option(
    "--rate",
    "rates",
    type=click.FloatRange(1, 20_000),
    multiple=True,
    help="Events a second (default: 200 and 1000).",
)
@click.option(
    "--engine",
    type=click.Choice([tier.value for tier in Tier]),
    default=Tier.LAPTOP.value,
    show_default=True,
    help="Broker and database.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def fleet(*, stations: int, seconds: float, rates: tuple[float, ...], engine: str, as_json: bool) -> None:
    """Time from record to receipt, for many stations on one broker and one ledger.

    The figure is the median at the first rate; the limit is the same load with an echo in the
    ledger's place, over the same broker: `broker_sends_at_once` says whether that broker sends a small
    packet at once or holds it for the last one's acknowledgement, which Linux delays by 40 ms.
    """
    _allow_descriptors(stations)
    with tempfile.TemporaryDirectory(prefix="tongzhan-fleet-") as name, ExitStack() as stack:
        root = Path(name)
        root.chmod(0o711)  # PostgreSQL and mosquitto run as other users where we are root
        ours = stack.enter_context(crew(root / "logs"))
        house = _House(root, ours, Tier(engine), free_ports(PORTS))
        house.set_up(stations)
        asked = rates or RATES
        phases = {rate: house.measure(stations, rate, seconds) for rate in asked}
    show(
        _result(phases, house, stations, seconds), as_json=as_json
    )  # its processes have ended, and count as ours


@dataclass(frozen=True, slots=True)
class _Phase:
    """The measurements at one rate: with an echo, and with the ledger."""

    echo: Measured
    ledger: Measured
    worker_cpu_s: float
    """Those of the worker's process, while the ledger was measured."""


class _House:
    """The benchmark's own broker, database, worker and echo."""

    def __init__(self, root: Path, ours: Crew, tier: Tier, port: int) -> None:
        self.tier = tier
        self.peaks_mb: dict[str, float] = {}
        self._root, self._crew, self._port = root, ours, port
        self._toml = root / "ledger.toml"
        self._ledger_key = ""
        self._engine: Engine = (
            LaptopEngine(root, port) if tier is Tier.LAPTOP else TownEngine(root, port, port + 1)
        )

    def set_up(self, stations: int) -> None:
        """Make the ledger, admit the fleet, start everything."""
        self._engine.make()
        for name in self._engine.processes:
            self._engine.start(name, self._crew)
        self._wait(self._engine.answers, "the database")
        self._engine.prepare()
        text = ledger_toml(self._engine.database, Ports(0, self._port + 2, self._port))
        self._toml.touch(0o600)  # it may hold a password
        self._toml.write_text(text, encoding="utf-8")
        self._ledger_key = init(self._toml).public_key
        _admit(stations)
        self._crew.launch("echo", [sys.executable, "-m", "scripts.bench.fleet.echo", str(self._port)])

    def measure(self, stations: int, rate: float, seconds: float) -> _Phase:
        """Put the same load on both, one after the other."""
        worker = self._new_worker(f"at-{rate:g}".replace(".", "-"))
        load = FleetLoad(ECHO, stations, rate, seconds, self._port, seed=int(rate))
        echo = self._play(load)
        before = _cpu_s(worker)
        to_ledger = msgspec.structs.replace(load, community=COMMUNITY, ledger_key=self._ledger_key)
        ledger = self._play(to_ledger)
        return _Phase(echo, ledger, _cpu_s(worker) - before)

    def _new_worker(self, name: str) -> int:
        """Start a new worker for each rate, so that the last one's backlog does not count."""
        self._crew.kill("worker")
        self._crew.start("worker", ["ledger", "ingest", "--config", str(self._toml), "--worker", name])
        self._wait(self._is_at_work, "the worker")
        return self._crew.pid("worker") or 0

    def _is_at_work(self) -> bool:
        trial = FleetLoad(COMMUNITY, 1, 20.0, 0.5, self._port, 0, self._ledger_key, last_s=1.0)
        echo = msgspec.structs.replace(trial, community=ECHO, ledger_key="")
        return all(self._play(load).receipted > 0 for load in (trial, echo))

    def _play(self, load: FleetLoad) -> Measured:
        command = [sys.executable, "-m", "scripts.bench.fleet.stations", msgspec.json.encode(load).decode()]
        done = subprocess.run(  # noqa: S603 (our own command, no shell)
            command, capture_output=True, text=True, check=False, timeout=load.seconds + PHASE_SPARE_S
        )
        if fallen := self._crew.fallen():
            raise RuntimeError(fallen)
        if done.returncode:
            raise RuntimeError(f"the fleet failed: {done.stderr.strip()[-500:]}")
        self._note_peaks()
        return msgspec.json.decode(done.stdout, type=Measured)

    def _note_peaks(self) -> None:
        for name in ("broker", "worker", "echo", DATABASE):
            if (pid := self._crew.pid(name)) is not None:
                peak = max(_peak_mb(one) for one in (pid, *_children(pid)))
                self.peaks_mb[name] = max(peak, self.peaks_mb.get(name, 0.0))
        self.peaks_mb["fleet"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + UP_S
        while not done():
            if (fallen := self._crew.fallen()) or time.monotonic() > until:
                raise RuntimeError(fallen or f"{what} did not come up in {UP_S:.0f} s")
            time.sleep(0.1)


def _admit(stations: int) -> None:
    """Register the whole fleet and its households at the ledger."""
    from django.db import connections, transaction  # noqa: PLC0415 (models need Django set up)
    from django.utils import timezone  # noqa: PLC0415

    from cloud_sync.ledger.households.cards import bind_card  # noqa: PLC0415
    from cloud_sync.ledger.households.register import add_household  # noqa: PLC0415
    from cloud_sync.ledger.stations.models import Community  # noqa: PLC0415
    from cloud_sync.ledger.stations.registry import add_station  # noqa: PLC0415

    with transaction.atomic():
        community = Community.objects.get(slug=COMMUNITY)
        for number in range(stations):
            public = station_key(number).public_key().public_bytes_raw().hex()
            add_station(community, station_name(number), public)
        for number in range(HOUSEHOLDS):
            bind_card(add_household(community, f"{number}"), card(number), timezone.now())
    connections.close_all()


def _allow_descriptors(stations: int) -> None:
    """Raise the limit of descriptors for a connection for each station; InputError if that is too many."""
    wanted = stations + SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        what = f"{stations} stations need {wanted} open files, and this system allows {hard}"
        raise InputError(what, f"raise it (ulimit -Hn {wanted}, as root), or ask for fewer --stations")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _peak_mb(pid: int) -> float:
    """Return a process's peak memory, as Linux counts it (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) / 1024 if found else 0.0


def _cpu_s(pid: int) -> float:
    """Return the processor time of a process, as Linux counts it (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in text.split()]


def _result(phases: dict[float, _Phase], house: _House, stations: int, seconds: float) -> Result:
    details: dict[str, float | int | str | bool] = {
        "stations": stations,
        "seconds_a_rate": seconds,
        "engine": str(house.tier),
        "broker_sends_at_once": house.tier in SENDS_AT_ONCE,
    }
    for rate, phase in phases.items():
        details |= _details(rate, phase)
    details |= {f"{name}_peak_mb": round(peak, 1) for name, peak in house.peaks_mb.items()}
    first = next(iter(phases.values()))
    ours, limit = _ms(first.ledger.p50_s), _ms(first.echo.p50_s)
    return Result(
        name="fleet", ours=ours, limit=limit, ratio=limit / ours, peers={}, unit="ms", details=details
    )


def _details(rate: float, phase: _Phase) -> dict[str, float | int | str | bool]:
    at = f"at_{rate:g}"
    ledger, echo = phase.ledger, phase.echo
    return {
        f"p50_ms_{at}": _ms(ledger.p50_s),
        f"p99_ms_{at}": _ms(ledger.p99_s),
        f"echo_p50_ms_{at}": _ms(echo.p50_s),
        f"echo_p99_ms_{at}": _ms(echo.p99_s),
        f"receipted_per_s_{at}": round(ledger.receipted_per_s, 1),
        f"echo_receipted_per_s_{at}": round(echo.receipted_per_s, 1),
        f"kept_{at}": ledger.receipted_per_s >= KEPT * rate,
        f"without_receipt_{at}": ledger.made - ledger.receipted,
        f"batches_{at}": ledger.batches,
        f"worker_cpu_ms_a_receipted_event_{at}": _ms(phase.worker_cpu_s / max(1, ledger.receipted)),
        f"lost_connections_{at}": ledger.lost_connections + echo.lost_connections,
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
