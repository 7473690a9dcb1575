"""Ports of 127.0.0.1 for servers that tests start."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

LOWEST, HIGHEST = 10_000, 32_000
"""Below what the kernel gives to callers: one who calls such a port while its server is away could
otherwise be given that very port, hear itself, and keep the server from coming back."""


def free_port() -> int:
    """Name a port that nobody listens on, and that no other test of this machine is given."""
    return free_ports(1)


def free_ports(count: int) -> int:
    """Name the first of so many free ports in a row, all claimed until this process ends."""
    while True:
        first = random.randint(LOWEST, HIGHEST - count)
        if all(_claim(port) and _free(port) for port in range(first, first + count)):
            return first


def _claim(port: int) -> bool:
    """Lock the port's file. A test's server listens long after its port was named, and a second test run
    beside this one would find the port free until then; the descriptor is left open to hold the lock."""
    folder = Path(tempfile.gettempdir()) / f"tongzhan-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    descriptor = os.open(folder / str(port), os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    return True


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
