from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firmware_bridge.conformance.device import Device
from tests.firmware_bridge.conformance.speaker import Speaker

FIRMWARE = Path(__file__).parents[3] / "firmware_bridge" / "firmware"
DEVICES = ("twin", "host", pytest.param("board", marks=pytest.mark.full))
"""The simulated chip runs at a fraction of its speed, and all of the suite on it takes minutes."""


def make(target: str, folder: Path) -> None:
    """Build one target of the firmware."""
    done = subprocess.run(  # noqa: S602 (our own Makefile)
        f"make -C {FIRMWARE} BUILD={folder} {target}", shell=True, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def host_build(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    if shutil.which("make") is None or shutil.which("cc") is None:
        pytest.skip("no C compiler: apt-get install build-essential")
    folder = tmp_path_factory.mktemp("host")
    make("sanitized", folder)
    return [str(folder / "host-sanitized")]


@pytest.fixture(scope="session")
def board_build(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    if shutil.which("make") is None or shutil.which("cc") is None or shutil.which("avr-gcc") is None:
        pytest.skip("no compiler for the board: apt-get install build-essential gcc-avr avr-libc")
    if not Path("/usr/include/simavr/sim_avr.h").exists():
        pytest.skip("no simulator of the board: apt-get install libsimavr-dev libelf-dev")
    folder = tmp_path_factory.mktemp("board")
    make("board runner", folder)
    return [str(folder / "runner"), str(folder / "board.elf")]


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> Iterator[Device]:
    if request.param == "twin":
        command = [sys.executable, "-m", "firmware_bridge.twin"]
    else:
        command = request.getfixturevalue(f"{request.param}_build")
    with Device(command) as device:
        yield device


@pytest.fixture
def host(device: Device) -> Iterator[Speaker]:
    with Speaker(device.path) as speaker:
        yield speaker


@pytest.fixture
def linked(host: Speaker) -> Speaker:
    """A host with a fresh link."""
    host.greet()
    return host
