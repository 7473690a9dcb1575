"""`tongzhan bench tap`: from the last byte of a card's frame to the lid's pin, beside a bare script."""

from __future__ import annotations

import os
import pty
import secrets
import select
import statistics
import sys
import tempfile
import time
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.errors import InputError
from edge.sync.keys import make_keys
from scripts.bench.result import Result, percentile, show
from scripts.bench.tap.drain import Drain, draining
from scripts.testbed.processes import Crew, crew

LIDS = 6
START_S = 60.0
SPACING_S = 0.2
"""Pause between two taps: each bin has its turn every 1.2 s, and its lid is shut again by then."""
REPEAT_S = 0.065
"""How often an RDM6300 repeats the frame of a held card."""
DRAINED_A_TAP = 2000
"""Events that wait for each tap: 10,000 a second, twice what a worker settles."""
ANSWER_S = 2.0
"""A tap without a pin after this time counts as missed."""
_STATION = """\
[station]
community = "lotus-lane"
name = "tap"
devices = "real"
state_dir = "{folder}/state"
runtime_dir = "{folder}/run"
[visit]
lease_s = 0.2
travel_s = 0.1
linger_s = 0.05
held_card_s = 0.05
"""
_LID = """\
[[reader]]
id = "r{number}"
port = "{port}"
[[bin]]
id = "b{number}"
category = "kitchen"
reader = "r{number}"
[bin.lid]
kind = "h_bridge"
open_pin = {open}
close_pin = {close}
opened_switch = {opened}
closed_switch = {closed}
"""


@click.command()
@click.option("--taps", type=click.IntRange(5, 5000), default=200, show_default=True, help="Taps a scenario.")
@click.option(
    "--drain",
    type=click.IntRange(1, 1_000_000),
    help=f"Events that wait to be drained meanwhile (default: {DRAINED_A_TAP:,} a tap, which is more than any"
    " machine so far has drained in that time).",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def tap(taps: int, drain: int | None, *, as_json: bool) -> None:
    """Measure a tap: the station as it runs, real processes over ptys and mock pins, and a bare script.

    Milliseconds. First with an idle station; then while its eye classifies without a pause and its sync
    process drains events to a ledger, from before the first tap until after the last: `drain_outlasted_taps`
    says whether it did. Both times a script that only reads and sets a pin is measured in between.
    """
    with tempfile.TemporaryDirectory() as folder:
        idle = _scenario(Path(folder) / "idle", taps)
        busy = _scenario(Path(folder) / "busy", taps, drain or taps * DRAINED_A_TAP)
    ours, limit = statistics.median(idle.times["ours"]), statistics.median(idle.times["bare"])
    show(
        Result(
            name="tap",
            ours=round(ours, 4),
            limit=round(limit, 4),
            ratio=round(limit / ours, 4),
            peers={},
            unit="ms",
            details={
                "taps": taps,
                "over_bare_ms": round(ours - limit, 4),
                **_figures("idle", idle.times),
                **_figures("busy", busy.times),
                "drained_before_taps": busy.drained_before,
                "drained_during_taps": busy.drained_during,
                "waiting_after_taps": busy.waiting,
                "drain_outlasted_taps": busy.waiting > 0,
            },
        ),
        as_json=as_json,
    )


@dataclass(frozen=True, slots=True)
class _Played:
    """Milliseconds from the last byte to the pin, ours and bare, and how much was drained meanwhile."""

    times: dict[str, list[float]]
    drained_before: int = 0
    drained_during: int = 0
    waiting: int = 0


def _figures(name: str, times: Mapping[str, list[float]]) -> dict[str, float]:
    found = {}
    for whose, values in times.items():
        found[f"{name}_{whose}_p50_ms"] = round(statistics.median(values), 4)
        found[f"{name}_{whose}_p99_ms"] = round(percentile(values, 0.99), 4)
    return found


def _scenario(folder: Path, taps: int, events: int | None = None) -> _Played:
    """Start everything, tap, and end it; with `events`, while its eye classifies and it drains that many."""
    folder.mkdir()
    with ExitStack() as stack:
        wires = [stack.enter_context(_wire()) for _ in range(LIDS + 1)]
        told, tell = os.pipe()
        stack.callback(os.close, told)
        stack.callback(os.close, tell)
        config = _configured(folder, [port for _, port in wires[:LIDS]])
        drain = stack.enter_context(draining(config, events)) if events is not None else None
        ours = stack.enter_context(crew(folder / "logs"))
        _start(ours, config, wires[LIDS][1], tell, seeing=drain is not None)
        masters = [master for master, _ in wires]
        for master in masters:  # a first tap each, until all of it has come up
            _ready(ours, master, told)
        return _measured(drain, lambda: _measure(masters, told, taps))


def _measured(drain: Drain | None, measure: Callable[[], dict[str, list[float]]]) -> _Played:
    """Measure, while the drain runs if there is one."""
    if drain is None:
        return _Played(measure())
    drain.begin()
    before = drain.waiting()
    times = measure()
    after = drain.waiting()
    return _Played(times, drain.events - before, before - after, after)


def _start(ours: Crew, config: Path, bare_port: str, tell: int, *, seeing: bool) -> None:
    part = [sys.executable, "-m", "scripts.bench.tap.parts"]
    ours.launch("keeper", [*part, "keeper", str(config), str(tell)], [tell])
    ours.launch("station", [*part, "station", str(config)])
    if seeing:
        ours.launch("eye", [*part, "eye", str(config)])
    ours.launch("bare", [*part, "bare", bare_port, str(tell)], [tell])


def _measure(masters: list[int], told: int, taps: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for number in range(taps):
        for whose, master in (("ours", masters[number % LIDS]), ("bare", masters[LIDS])):
            took = _tap_once(master, told, times=2 if whose == "ours" else 1)
            if took is None:
                raise InputError(
                    f"tap {number} of the {whose} side moved no pin within {ANSWER_S:g} s", "see its logs"
                )
            times[whose].append(took)
            time.sleep(SPACING_S / 2)
    return times


def _tap_once(master: int, told: int, times: int = 1) -> float | None:
    """Tap one card at one reader; return the milliseconds until a pin was set, None if none was in time.

    The reader sends it `times` times, and the last one counts: a station that does not know the card waits
    for its second frame.
    """
    while select.select([told], [], [], 0)[0]:
        os.read(told, 4096)  # an old answer must not count for this tap
    frame = _frame()
    for _ in range(times - 1):
        os.write(master, frame)
        time.sleep(REPEAT_S)
    began = time.monotonic()  # before the write: whoever reads may be quicker than its return
    os.write(master, frame)
    if not select.select([told], [], [], ANSWER_S)[0]:
        return None
    line = os.read(told, 4096).decode("ascii").splitlines()[0]
    return (float(line.split()[1]) - began) * 1000


def _ready(ours: Crew, master: int, told: int) -> None:
    until = time.monotonic() + START_S
    while _tap_once(master, told, times=2) is None:
        if (fallen := ours.fallen()) is not None:
            raise InputError(fallen, "mend what it names")
        if time.monotonic() > until:
            raise InputError(f"nothing answers a tap after {START_S:g} s", "see the station's log")


def _frame() -> bytes:
    """Make an RDM6300's frame of a new card."""
    number = secrets.token_bytes(5)
    check = number[0] ^ number[1] ^ number[2] ^ number[3] ^ number[4]
    return b"\x02" + number.hex().upper().encode() + f"{check:02X}".encode() + b"\x03"


@contextmanager
def _wire() -> Iterator[tuple[int, str]]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        yield master, os.ttyname(slave)
    finally:
        os.close(master)
        os.close(slave)


def _configured(folder: Path, ports: list[str]) -> Path:
    (folder / "run").mkdir()
    key = Ed25519PrivateKey.generate().public_key()
    make_keys(folder / "state", secrets.token_bytes(32), key)
    motors, switches = range(9, 21), (*range(9), *range(21, 28))
    lids = [
        _LID.format(
            number=n,
            port=port,
            open=motors[2 * n],
            close=motors[2 * n + 1],
            opened=switches[2 * n],
            closed=switches[2 * n + 1],
        )
        for n, port in enumerate(ports)
    ]
    config = folder / "station.toml"
    config.write_text(_STATION.format(folder=folder) + "".join(lids), encoding="utf-8")
    return config
