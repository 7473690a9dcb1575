"""The pool of ports: two programs of one machine never get the same one, and nobody asks elsewhere."""

from __future__ import annotations

import re
import socket
import subprocess
import sys

from scripts.demonstration.folder import any_free_ports
from scripts.testbed.ports import HIGHEST, LOOPBACK, LOWEST, free_port, free_ports, is_free
from tests.conftest import CHECKOUT


def test_a_claimed_port_can_be_bound_and_lies_below_the_kernels_own() -> None:
    port = free_port()
    assert LOWEST <= port <= HIGHEST
    with socket.socket() as server:
        server.bind((LOOPBACK, port))
        assert not is_free(port)


def test_a_claimed_port_is_given_to_nobody_else_while_its_server_is_down() -> None:
    port = free_port()
    asked = f"from scripts.testbed.ports import _claim; print(_claim({port}))"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_ports_in_a_row_are_all_claimed() -> None:
    first, more = free_ports(3), [free_port() for _ in range(200)]
    assert not {first, first + 1, first + 2} & set(more)


def test_the_demos_ports_come_from_the_pool() -> None:
    ports = any_free_ports()
    assert {ports.panel, ports.ledger, ports.broker}.isdisjoint({free_port() for _ in range(200)})


def test_nobody_has_the_kernel_choose_a_port() -> None:
    """A port that the kernel chose is another program's as soon as the probe is closed."""
    chosen = re.compile(r"bind\(\([^)]*, 0\)\)")
    for folder in ("scripts", "tests"):
        for file in sorted((CHECKOUT / folder).rglob("*.py")):
            found = chosen.findall(file.read_text(encoding="utf-8"))
            assert not found, f"{file}: {found}; take scripts.testbed.ports.free_port()"
