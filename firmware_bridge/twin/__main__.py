"""The twin as a process: a simulated microcontroller on a pty, driven by lines on standard input."""

from __future__ import annotations

import os
import secrets
import select
import sys
import time
import tty
from contextlib import suppress

import click

from firmware_bridge.link.messages import VERSION, SensorKind, Welcome
from firmware_bridge.twin.rig import FIRMWARE, Rig

_READ = 4096
_ALL_SENSORS = sum(1 << kind for kind in SensorKind)


def serve(rig: Rig, pty: int, lines: int) -> None:
    """Run the rig on a pty's far end until the input of lines ends; both are descriptors."""
    os.set_blocking(pty, False)
    rest = b""
    while True:
        wait_s = max(0.0, rig.next_due() - time.monotonic())
        readable, _, _ = select.select([pty, lines], [], [], wait_s)
        _write(pty, rig.step(os.read(pty, _READ) if pty in readable else b"", time.monotonic()))
        if lines in readable:
            more = os.read(lines, _READ)
            if not more:
                return
            *whole, rest = (rest + more).split(b"\n")
            for line in whole:
                # A line is answered between two steps: the plant is up to date, and the board has seen it.
                answer = rig.line(line.decode("ascii", "replace"))
                _write(pty, rig.step(b"", time.monotonic()))
                print(answer, flush=True)  # noqa: T201 (the rig's answers are lines)


def _write(pty: int, data: bytes) -> None:
    # Bytes that nobody reads are lost, as on a wire.
    with suppress(BlockingIOError):
        os.write(pty, data)


@click.command()
@click.option("--lids", default=8, show_default=True, type=click.IntRange(0, 8), help="Lids of the board.")
@click.option("--wiegand", default=2, show_default=True, type=click.IntRange(0, 8), help="Wiegand readers.")
@click.option("--serial", default=1, show_default=True, type=click.IntRange(0, 8), help="Serial readers.")
def main(lids: int, wiegand: int, serial: int) -> None:
    """Simulate a microcontroller on a pty; the first printed line is the pty's path.

    Lines on standard input drive it (docs/protocol.md, "Test rig"); it ends when the input ends.
    """
    far, near = os.openpty()
    tty.setraw(near)
    print(os.ttyname(near), flush=True)  # noqa: T201 (that is what it prints)
    welcome = Welcome(VERSION, VERSION, 0, 0, lids, wiegand, serial, _ALL_SENSORS, 0, FIRMWARE)
    serve(Rig(welcome, lambda: secrets.randbelow(2**32 - 1) + 1, time.monotonic()), far, sys.stdin.fileno())


if __name__ == "__main__":
    main()
