"""As much of systemctl as scripts/install uses, for a test: units of a folder, their processes, their state.

Run as `python -ES systemctl.py ROOT VERB [OPTIONS] NAME…`. A start waits for READY=1, as that of a notifying
service does; what ended is started no more.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

WITHIN_S = 60.0
"""As tests/waiting has it, which a script of this size does not import."""


def main(root: Path, verb: str, *words: str) -> int:
    run = root / "services"
    run.mkdir(exist_ok=True)
    names = [word for word in words if not word.startswith("-")]
    with (run / "said").open("a") as said:
        said.write(f"{verb} {' '.join(names)}\n")
    if verb in {"stop", "restart", "disable"}:
        for name in reversed(names):
            stop(run / name)
    if verb in {"start", "restart"}:
        ready = [start(root, run / name) for name in names]
        return int(not all(ready))
    if verb == "is-active":
        return int(not all(is_alive(run / name) for name in names))
    if verb == "show":
        show(run / names[0], words)
    return 0


def show(service: Path, words: tuple[str, ...]) -> None:
    values = {
        "ActiveState": "active" if is_alive(service) else "failed",
        "NRestarts": "0",
        "ActiveEnterTimestampMonotonic": str(int(service.stat().st_mtime_ns) if service.exists() else 0),
    }
    for word in words:
        if word.startswith("--property="):
            name = word.partition("=")[2]
            print(values[name] if "--value" in words else f"{name}={values[name]}")  # noqa: T201 (its output)


def start(root: Path, service: Path) -> bool:
    """Start one, and wait until it says that it is ready or has ended; whether it is ready."""
    lines = (root / "etc/systemd/system" / service.name).read_text().splitlines()
    (command,) = [line.partition("=")[2] for line in lines if line.startswith("ExecStart=")]
    command = command.replace("/opt/tongzhan", f"{root}/opt/tongzhan").replace("/etc/", f"{root}/etc/")
    # A socket's path has 107 bytes at most, which a test's own folder may use up.
    with (
        TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as heard,
    ):
        address = os.path.join(folder, "notify")  # noqa: PTH118 (what the environment takes)
        heard.bind(address)
        process = subprocess.Popen(
            shlex.split(command),
            env=os.environ | {"NOTIFY_SOCKET": address},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        service.write_text(str(process.pid))
        deadline = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline and process.poll() is None:
            try:
                return heard.recv(64) == b"READY=1"
            except BlockingIOError:
                time.sleep(0.005)
    return False


def stop(service: Path) -> None:
    if is_alive(service):
        os.kill(int(service.read_text()), signal.SIGTERM)
        deadline = time.monotonic() + WITHIN_S
        while is_alive(service):
            assert time.monotonic() < deadline, f"{service.name} does not end"
            time.sleep(0.005)


def is_alive(service: Path) -> bool:
    if not service.exists():
        return False
    try:
        stat = Path(f"/proc/{service.read_text()}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
