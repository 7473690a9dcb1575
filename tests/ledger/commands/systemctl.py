"""As much of systemctl as docs/operate.md uses, for a test: units are the very files of that page.

Run as `python systemctl.py UNITS RUN VERB [--now] NAME…`: unit files in UNITS, process ids and logs in RUN.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from tests.ledger.commands.users import IDS
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
    told = settings_of(units, service.name)
    root = service.parents[1]
    command = re.sub(r"/opt/tongzhan/(current/)?venv/bin", f"{root}/bin", told["ExecStart"])
    command = re.sub(r"(?<![\w.])/(etc|var)/", rf"{root}/\1/", command)
    command = command.replace("ledger broker ", f"ledger broker {os.environ.get('BROKER_OPTIONS', '')} ")
    user = IDS.get(told.get("User", "")) if os.geteuid() == 0 else None
    with (service.parent / f"{service.name}.log").open("ab") as log:
        process = subprocess.Popen(
            # Without --foreground it passes a signal on once and ignores the next of that kind.
            ["timeout", "--foreground", LONGEST_S, *shlex.split(command)],  # noqa: S607 (from PATH)
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            umask=int(told.get("UMask", "0022"), 8),
        )
    (service.parent / f"{service.name}.pid").write_text(str(process.pid))


def settings_of(units: Path, name: str) -> dict[str, str]:
    """What a unit and its drop-ins say; of one that has instances, what it says of this one."""
    template, at, instance = name.partition("@")
    file = f"{template}{at}.service"
    files = [units / file, *(units / f"{file}.d").glob("*.conf")]
    lines = [line for each in files if each.exists() for line in each.read_text().splitlines()]
    pairs = [line.replace("%i", instance).partition("=") for line in lines if "=" in line]
    return {key: value for key, _, value in pairs}


def send(service: Path, number: signal.Signals) -> None:
    """Signal a service; a stop is over when the process is."""
    file = service.parent / f"{service.name}.pid"
    if not file.exists():
        return
    process = int(file.read_text())
    os.kill(process, number)
    if number == signal.SIGTERM:
        until(lambda: not Path(f"/proc/{process}").exists(), f"{service.name} stops")
        file.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
