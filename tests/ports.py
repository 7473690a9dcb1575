"""Ports of 127.0.0.1 for servers that tests start."""

from __future__ import annotations

import random
import socket

LOWEST, HIGHEST = 10_000, 32_000
"""Below what the kernel gives to callers: one who calls such a port while its server is away could
otherwise be given that very port, hear itself, and keep the server from coming back."""


def free_port() -> int:
    """Name a port that nobody listens on."""
    while True:
        port = random.randint(LOWEST, HIGHEST)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
