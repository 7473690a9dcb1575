"""The firmware's builds, made once for each state of its sources, and the rigs that run them.

A test that asks for a build on a machine without its compiler is skipped, and says what to install.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.firmware_bridge.conformance.device import Device

SOURCES = Path(__file__).resolve().parents[3] / "firmware_bridge" / "firmware"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tongzhan" / "firmware"
_BUILDS_KEPT = 8


def host_command() -> list[str]:
    """The firmware on a pty, built with the sanitizers."""
    return [str(build("sanitized", "host-sanitized"))]


def board_command() -> list[str]:
    """The board's firmware on a simulated ATmega2560."""
    need_avr()
    need_simavr()
    elf = build("board", "board.elf")
    return [str(build("runner", "runner")), str(elf)]


@contextmanager
def host_rig() -> Iterator[Device]:
    """The running host build: `path` is its pty, `do` takes the rig's lines."""
    with Device(host_command()) as device:
        yield device


@contextmanager
def board_rig() -> Iterator[Device]:
    """The board's build running under simavr. It also has the lines `hang` and `board` (simavr/main.c)."""
    with Device(board_command()) as device:
        yield device


def build(target: str, file: str) -> Path:
    """Make a target of the firmware's Makefile if needed; return the file's path."""
    need_cc()
    folder = _CACHE / _digest()
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{target}.made"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test processes may want it at once
        if not made.exists():
            _make(target, folder)
            made.touch()
            _forget_old()
    return folder / file


def need_cc() -> None:
    """Skip if there is no C compiler."""
    if shutil.which("make") is None or shutil.which("cc") is None:
        pytest.skip("no C compiler; install it: sudo apt-get install gcc make libc6-dev")


def need_avr() -> None:
    """Skip if there is no compiler for the board."""
    if shutil.which("avr-gcc") is None or not Path("/usr/lib/avr/include/avr/io.h").exists():
        pytest.skip("no compiler for the board; install it: sudo apt-get install gcc-avr avr-libc")


def need_simavr() -> None:
    """Skip if there is no simulator of the board."""
    if not Path("/usr/include/simavr/sim_avr.h").exists():
        pytest.skip("no simulator of the board; install it: sudo apt-get install libsimavr-dev")


def has_libfuzzer() -> bool:
    """Return whether clang and its fuzzing library are installed."""
    if shutil.which("clang") is None:
        return False
    asked = ["clang", "-print-file-name=libclang_rt.fuzzer-" + os.uname().machine + ".a"]
    return Path(
        subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    ).is_absolute()


def _make(target: str, folder: Path) -> None:
    command = ["make", "-s", "-C", str(SOURCES), f"BUILD={folder}", target]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / f"{target}.log").write_text(done.stdout)


def _digest() -> str:
    content = hashlib.sha256()
    for path in sorted(SOURCES.rglob("*")):
        if path.suffix in {".c", ".h"} or path.name == "Makefile":
            content.update(str(path.relative_to(SOURCES)).encode() + b"\0" + path.read_bytes() + b"\0")
    return content.hexdigest()[:16]


def _forget_old() -> None:
    for old in sorted(_CACHE.iterdir(), key=lambda folder: folder.stat().st_mtime)[:-_BUILDS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
