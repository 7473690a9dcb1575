"""`tongzhan bench start`: from the start of `station run` to its READY, and what processes need at rest."""

from __future__ import annotations

import os
import pty
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.errors import InputError
from edge.sync.keys import make_keys
from models.pixels import GREY, encode_jpeg
from scripts.bench.result import Result, show
from scripts.bench.start.usage import Usage, usage
from scripts.testbed.ports import free_port
from scripts.testbed.processes import TONGZHAN, Crew, crew

READY_WITHIN_S = 60.0
SETTLE_S = 5.0
"""Between the last READY and the first look: the eye has loaded its model by then."""
PROCESSES = ("lids", "eye", "run", "sync", "panel")
_STATION = """\
[station]
community = "lotus-lane"
name = "start"
devices = "real"
state_dir = "{folder}/state"
runtime_dir = "{folder}/run"
[cloud]
port = {broker}
[[controller]]
id = "mcu"
port = "{controller}"
[[reader]]
id = "gate"
port = "{reader}"
[[camera]]
id = "over"
source = "{picture}"
[[bin]]
id = "kitchen"
category = "kitchen"
reader = "gate"
camera = "over"
lid = {{ kind = "controller", controller = "mcu", number = 0 }}
"""


@click.command()
@click.option("--starts", type=click.IntRange(1, 100), default=5, show_default=True, help="Starts measured.")
@click.option(
    "--seconds",
    type=click.FloatRange(0.5, 3600),
    default=30.0,
    show_default=True,
    help="How long the processes are watched at rest.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def start(starts: int, seconds: float, *, as_json: bool) -> None:
    """Measure the start of a station, and what its processes need at rest.

    Seconds from the start of `tongzhan station run` until it says READY to systemd: from then on a tap opens
    a lid. The limit is an interpreter that starts and ends (`python -c pass`), measured by turns with it.
    `ready_cpu_s` is the processor time of the same starts, which others change little. Then the
    station's five processes run, with a silent reader and a silent controller on ptys, a picture for a camera
    and no broker, and nobody taps: memory at the end, and each process's share of one processor meanwhile.
    """
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder = Path(scratch)
        config = _configured(folder, *(stack.enter_context(_wire()) for _ in range(2)))
        ours = stack.enter_context(crew(folder / "logs"))
        bare, ready, spent = [], [], []
        for number in range(starts):
            bare.append(_bare_s())
            name = f"start {number}"
            ready.append(_begin(ours, folder, config, name, "run"))
            spent.append(_spent_s(ours, name))
            ours.end_these([name])
        at_rest = _watched(ours, folder, config, seconds)
    ours_s, limit_s = statistics.median(ready), statistics.median(bare)
    show(
        Result(
            name="start",
            ours=round(ours_s, 3),
            limit=round(limit_s, 3),
            ratio=round(limit_s / ours_s, 3),
            peers={},
            unit="s",
            details={
                "starts": starts,
                "ready_s": round(ours_s, 3),
                "ready_slowest_s": round(max(ready), 3),
                "ready_cpu_s": round(statistics.median(spent), 3),
                "bare_python_s": round(limit_s, 3),
                "watched_s": seconds,
                **at_rest,
            },
        ),
        as_json=as_json,
    )


def _bare_s() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.monotonic() - began


def _spent_s(ours: Crew, name: str) -> float:
    """Return the processor time that a process has used, for all its threads."""
    pid = ours.pid(name)
    if pid is None:
        raise InputError(f"{name} ended by itself", "see its log")
    return usage(pid).cpu_s


def _begin(ours: Crew, folder: Path, config: Path, name: str, command: str) -> float:
    """Start one of the station's processes and wait for its READY; InputError if none comes."""
    address = folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(os.fspath(address))
        manager.settimeout(0.5)
        try:
            began = time.monotonic()
            notify = ["/usr/bin/env", f"NOTIFY_SOCKET={address}"]
            ours.launch(name, [*notify, *TONGZHAN, "station", command, "--config", os.fspath(config)])
            while b"READY=1" not in _message(manager):
                if (fallen := ours.fallen()) is not None:
                    raise InputError(fallen, "mend what it names")
                if time.monotonic() - began > READY_WITHIN_S:
                    raise InputError(f"{command} is not ready after {READY_WITHIN_S:g} s", "see its log")
            return time.monotonic() - began
        finally:
            address.unlink(missing_ok=True)


def _message(manager: socket.socket) -> bytes:
    try:
        return manager.recv(4096)
    except TimeoutError:
        return b""


def _watched(ours: Crew, folder: Path, config: Path, seconds: float) -> Mapping[str, float]:
    """Run all five processes and return the figures of each: memory, and processor share at rest."""
    for command in PROCESSES:
        if command == "panel":  # it says no READY
            panel = ["station", "panel", "--config", os.fspath(config), "--port", str(free_port())]
            ours.start("panel", panel)
        else:
            _begin(ours, folder, config, command, command)
    time.sleep(SETTLE_S)
    began, before = time.monotonic(), _usages(ours)
    time.sleep(seconds)
    took_s, after = time.monotonic() - began, _usages(ours)
    found: dict[str, float] = {}
    for name, now in after.items():
        found[f"{name}_rss_mb"] = round(now.rss_mb, 1)
        found[f"{name}_pss_mb"] = round(now.pss_mb, 1)
        found[f"{name}_idle_cpu_pct"] = round(100 * (now.cpu_s - before[name].cpu_s) / took_s, 2)
    return found


def _usages(ours: Crew) -> dict[str, Usage]:
    if (fallen := ours.fallen()) is not None:
        raise InputError(fallen, "mend what it names")
    return {name: usage(pid) for name in PROCESSES if (pid := ours.pid(name)) is not None}


@contextmanager
def _wire() -> Iterator[str]:
    """Make a serial port whose other end stays silent; return its path."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        yield os.ttyname(slave)
    finally:
        os.close(master)
        os.close(slave)


def _draw(file: Path) -> None:
    """Draw what the camera sees."""
    file.write_bytes(encode_jpeg(np.full((480, 640, 3), GREY, np.uint8)))


def _configured(folder: Path, reader: str, controller: str) -> Path:
    (folder / "run").mkdir()
    make_keys(folder / "state", secrets.token_bytes(32), Ed25519PrivateKey.generate().public_key())
    config = folder / "station.toml"
    picture = folder / "picture.jpg"
    _draw(picture)
    names = {"folder": folder, "reader": reader, "controller": controller, "picture": picture}
    text = _STATION.format(**names, broker=free_port())
    config.write_text(text, encoding="utf-8")
    return config
