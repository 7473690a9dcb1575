"""Ports of 127.0.0.1 from one locked pool, for servers of the demo, the soak, benchmarks and tests."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 10_000, 32_000
"""Below the kernel's ephemeral ports. A client that connects to an ephemeral port while its server is down
may get the same port as its own, connect to itself, and block the server's restart."""


def free_port() -> int:
    """Claim a port that nobody listens on and that no other program of this machine claimed."""
    return free_ports(1)


def free_ports(count: int) -> int:
    """Claim `count` free ports in a row until this process ends, and return the first."""
    while True:
        first = random.randint(LOWEST, HIGHEST - count)  # noqa: S311 (a port guards nothing)
        if all(_claim(port) and is_free(port) for port in range(first, first + count)):
            return first


def is_free(port: int) -> bool:
    """Return whether the port can be bound now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _claim(port: int) -> bool:
    """Lock the port's file; False if another claim holds it.

    A server listens long after its port was chosen, and another run beside this one would find the port
    free until then. The descriptor stays open, because closing it would release the lock.
    """
    folder = Path(tempfile.gettempdir()) / f"tongzhan-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / str(port), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    return True
