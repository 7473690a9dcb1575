from __future__ import annotations

import ctypes

import pytest

from tests.firmware_bridge.firmware.core import CoreDevice, load


@pytest.fixture(scope="session")
def library() -> ctypes.CDLL:
    return load()


@pytest.fixture
def device(library: ctypes.CDLL) -> CoreDevice:
    """A device with a link, whose lids stand shut."""
    made = CoreDevice(library)
    made.link()
    return made
