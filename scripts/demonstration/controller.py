"""The demo's lids and readers: those of the firmware's host build over a pty, or simulated ones."""

from __future__ import annotations

import select
import shutil
import subprocess
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from config.errors import InputError
from scripts.demonstration.folder import Folder
from scripts.testbed.processes import Crew

SOURCES = Path(__file__).resolve().parents[2] / "firmware_bridge" / "firmware"
COMPILERS = ("cc", "gcc", "clang")
BUILD_S = 120.0
"""Timeout of the build; it takes a second or two on a laptop."""
GREET_S = 10.0
"""Timeout of the program's first line, the name of its pty."""
NAME = "controller"
MEND = "mend that, or leave --controller away"


class ControllerChoice(StrEnum):
    """The choices of the demo's lids and readers."""

    AUTO = "auto"
    FIRMWARE = "firmware"
    SIMULATED = "simulated"


class NoFirmwareError(Exception):
    """The firmware's host build cannot be used here; the text says why."""


def controller(
    choice: ControllerChoice,
    folder: Folder,
    port: Path,
    processes: Crew,
    say: Callable[[str], None],
    *,
    headless: bool,
) -> subprocess.Popen[bytes] | None:
    """The firmware's host build, running, its pty named `port`; None for simulated lids. Says which and why.

    Its input ends with this process, and so does it. InputError where the firmware was asked for by name
    and is not to be had.
    """
    try:
        _must_be_wanted(choice, headless=headless)
        process = _start(_make(folder.firmware), port, processes)
    except NoFirmwareError as problem:
        if choice is ControllerChoice.FIRMWARE:
            raise InputError(f"the firmware cannot run here: {problem}", MEND) from None
        say(f"lids and readers: simulated ({problem})")
        return None
    say("lids and readers: the microcontroller's firmware, built for this machine, over a pty")
    return process


def _must_be_wanted(choice: ControllerChoice, *, headless: bool) -> None:
    if choice is ControllerChoice.SIMULATED:
        raise NoFirmwareError("as asked")
    if choice is ControllerChoice.AUTO and headless:
        raise NoFirmwareError("a headless demo is quicker than the clock, and a controller is not")


def _start(program: Path, port: Path, processes: Crew) -> subprocess.Popen[bytes]:
    process = processes.converse(NAME, [str(program)])
    assert process.stdout is not None  # noqa: S101 (converse gives pipes)
    readable, _, _ = select.select([process.stdout], [], [], GREET_S)
    pty = process.stdout.readline().decode("utf-8", "replace").strip() if readable else ""
    if not pty:
        processes.end_these([NAME])
        program.unlink()  # a build that was cut off is repeated next time
        raise NoFirmwareError("its program does not start")
    port.symlink_to(pty)
    return process


def _make(folder: Path) -> Path:
    """Build the program if its sources are newer."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise NoFirmwareError("no C compiler here; apt-get install gcc libc6-dev make")
    if (make := shutil.which("make")) is None:
        raise NoFirmwareError("no make here; apt-get install make")
    if not (SOURCES / "Makefile").is_file():
        raise NoFirmwareError("the firmware's sources come with the checkout only")
    command = [make, "-s", "-C", str(SOURCES), f"BUILD={folder}", f"CC={compiler}", "host"]
    try:
        done = subprocess.run(  # noqa: S603 (our own command, no shell)
            command, capture_output=True, text=True, timeout=BUILD_S, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise NoFirmwareError(f"its build took more than {BUILD_S:.0f} s") from None
    if done.returncode:
        said = done.stderr.splitlines() or ["no reason given"]
        reason = next((line for line in said if "error" in line), said[0])
        raise NoFirmwareError(f"its build failed: {reason}")
    return folder / "host"
