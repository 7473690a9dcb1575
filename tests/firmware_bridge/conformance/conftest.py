from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.firmware_bridge.conformance.device import Device
from tests.firmware_bridge.conformance.speaker import Speaker
from tests.firmware_bridge.firmware.rigs import board_command, host_command
from tests.programs import TWIN

COMMANDS = {
    "twin": lambda: TWIN,
    "host": host_command,
    "board": board_command,
}
DEVICES = ("twin", "host", pytest.param("board", marks=pytest.mark.full))
"""The simulated chip runs at a fraction of the real speed, so the whole suite takes minutes on it."""


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> Iterator[Device]:
    """One of the three programs that must pass the same tests; skipped if it cannot be built."""
    with Device(COMMANDS[request.param]()) as device:
        yield device


@pytest.fixture
def host(device: Device) -> Iterator[Speaker]:
    with Speaker(device.path) as speaker:
        yield speaker


@pytest.fixture
def linked(host: Speaker) -> Speaker:
    """A host with a new link."""
    host.greet()
    return host
