"""A handful of the suite on the board's build every day, so that it is not first met in a full run.

The handshake, a lease, a reversal, and taps of two readers: each goes through another part of the board's
own code (its port, its ticks, its motors and contacts, its pulses).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.firmware_bridge.conformance.device import Device
from tests.firmware_bridge.conformance.test_handshake import test_noise_before_a_hello_is_ignored
from tests.firmware_bridge.conformance.test_inputs import calm, test_two_readers_are_two_taps_in_order
from tests.firmware_bridge.conformance.test_lids import (
    lids,
    test_a_lease_that_is_over_shuts_the_lid,
    test_something_in_the_way_reverses_a_lid_that_shuts,
)
from tests.firmware_bridge.firmware.rigs import board_rig

__all__ = [
    "calm",
    "lids",
    "test_a_lease_that_is_over_shuts_the_lid",
    "test_noise_before_a_hello_is_ignored",
    "test_something_in_the_way_reverses_a_lid_that_shuts",
    "test_two_readers_are_two_taps_in_order",
]


@pytest.fixture
def device() -> Iterator[Device]:
    with board_rig() as device:
        yield device
