"""As much of systemctl as docs/operate.md uses, for a test: units are the very files of that page.

Run as `python systemctl.py UNITS RUN VERB [--now] NAME…`: unit files in UNITS, process ids and logs in RUN.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from tests.waiting import until

LONGEST_S = "600"
"""A service ends by itself, should the test be killed that is to stop it."""


def main(units: Path, run: Path, verb: str, *names: str) -> None:
    for name in names:
        if name.startswith("-"):
            continue
        if verb in {"stop", "restart"}:
            send(run / name, signal.SIGTERM)
        if verb in {"start", "restart", "enable"}:
            start(units, run / name)
        if verb == "reload":
            send(run / name, signal.SIGHUP)


def start(units: Path, service: Path) -> None:
    name = service.name
    files = [units / f"{name}.service", *(units / f"{name}.service.d").glob("*.conf")]
    lines = [line for file in files if file.exists() for line in file.read_text().splitlines()]
    command = [line.partition("=")[2] for line in lines if line.startswith("ExecStart=")][-1]
    with service.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(
            ["timeout", LONGEST_S, *shlex.split(command)],  # noqa: S607 (from PATH)
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    service.with_suffix(".pid").write_text(str(process.pid))


def send(service: Path, number: signal.Signals) -> None:
    """Signal a service; a stop is over when the process is."""
    file = service.with_suffix(".pid")
    if not file.exists():
        return
    process = int(file.read_text())
    os.kill(process, number)
    if number == signal.SIGTERM:
        until(lambda: not Path(f"/proc/{process}").exists(), f"{service.name} stops")
        file.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
