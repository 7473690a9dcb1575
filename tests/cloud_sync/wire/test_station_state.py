"""A station's state as it travels: what a ledger takes, and what it refuses."""

from __future__ import annotations

import msgspec
import pytest

from cloud_sync.wire.facts import MAX_WALL_S
from cloud_sync.wire.station_state import (
    MAX_BINS,
    MAX_READINGS,
    MAX_STATE_BYTES,
    MAX_VERSIONS,
    BinState,
    DoorReading,
    StationState,
    SupplyReading,
    TemperatureReading,
)
from config.station import StationSettings
from tests.conftest import CHECKOUT

WHOLE = StationState(
    online=True,
    outbox=3,
    unanswered_s=1.5,
    readings=(
        TemperatureReading("mcu", 31.5, 4.0),
        SupplyReading("mcu", 12.1, 0.0),
        DoorReading("mcu", is_open=True, age_s=3_600.0),
    ),
)
SENT = (
    b'{"online":true,"outbox":3,"unanswered_s":1.5,"readings":['
    b'{"kind":"temperature","part":"mcu","value":31.5,"age_s":4.0,"unit":"\xc2\xb0C"},'
    b'{"kind":"supply","part":"mcu","value":12.1,"age_s":0.0,"unit":"V"},'
    b'{"kind":"door","part":"mcu","is_open":true,"age_s":3600.0}]}'
)
"""As docs/operate.md shows it."""
SMALLEST_BROKER_MESSAGE = 16 * 1024


def taken(raw: bytes) -> StationState:
    return msgspec.json.decode(raw, type=StationState)


def test_readings_travel_with_their_unit_and_age() -> None:
    assert msgspec.json.encode(WHOLE) == SENT
    assert taken(SENT) == WHOLE
    assert SENT.decode() in (CHECKOUT / "docs" / "operate.md").read_text("utf-8")


def test_a_station_without_sensors_says_nothing_of_them() -> None:
    assert msgspec.json.encode(StationState(online=True, outbox=0)) == b'{"online":true,"outbox":0}'


def test_what_a_newer_station_adds_is_ignored() -> None:
    reading = b'{"kind":"supply","part":"mcu","value":12,"age_s":1,"unit":"V","trend":"down"}'
    state = taken(b'{"online":true,"solar_w":40,"readings":[%b]}' % reading)
    assert state == StationState(online=True, readings=(SupplyReading("mcu", 12.0, 1.0),))


@pytest.mark.parametrize(
    "reading",
    [
        '{"kind":"temperature","part":"mcu","value":200.1,"age_s":0}',
        '{"kind":"temperature","part":"mcu","value":-100.1,"age_s":0}',
        '{"kind":"temperature","part":"mcu","value":31.5,"age_s":0,"unit":"F"}',
        '{"kind":"temperature","part":"mcu","value":"31.5","age_s":0}',
        '{"kind":"temperature","part":"mcu","value":31.5,"age_s":-1}',
        '{"kind":"temperature","part":"mcu","value":31.5}',
        '{"kind":"temperature","part":"","value":31.5,"age_s":0}',
        '{"kind":"supply","part":"mcu","value":-0.1,"age_s":0}',
        '{"kind":"supply","part":"mcu","value":1e9,"age_s":0}',
        '{"kind":"supply","part":"mcu","value":12,"age_s":1e12}',
        '{"kind":"door","part":"mcu","is_open":1,"age_s":0}',
        '{"kind":"weather","part":"mcu","value":1,"age_s":0}',
        f'{{"kind":"door","part":"{"m" * 65}","is_open":true,"age_s":0}}',
    ],
)
def test_a_reading_beyond_its_bounds_is_refused(reading: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        taken(f'{{"online":true,"readings":[{reading}]}}'.encode())


@pytest.mark.parametrize(
    "more",
    [
        '"outbox":-1',
        '"unanswered_s":-1',
        '"key_retired":"yes"',
        '"start":-1',
        '"connection":1e99',
        '"sequence":null',
        '"wall_s":-1',
        '"bins":[{"id":"kitchen"}]',
        '"bins":[' + ",".join(['{"id":"kitchen","full":true}'] * 9) + "]",
        f'"model":"{"m" * 65}"',
        '"versions":{' + ",".join(f'"v{number}":"1"' for number in range(9)) + "}",
    ],
)
def test_a_state_beyond_its_bounds_is_refused(more: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        taken(f'{{"online":true,{more}}}'.encode())


def test_the_largest_station_has_room_for_all_its_readings_and_no_state_for_more() -> None:
    controllers = 4
    with pytest.raises(msgspec.ValidationError, match=f"length <= {controllers}"):
        msgspec.convert([{"id": "m", "port": "/dev/m"}] * (controllers + 1), type=controllers_type())
    assert controllers * 3 == MAX_READINGS
    most = TemperatureReading("m" * 64, -99.99, 31_622_400.0)
    full = msgspec.json.encode(
        StationState(
            online=True,
            outbox=2**53,
            unanswered_s=1e9 / 3,
            readings=(most,) * MAX_READINGS,
            start=2**53,
            connection=2**53,
            sequence=2**53,
            wall_s=MAX_WALL_S,
            bins=(BinState("b" * 64, full=False),) * MAX_BINS,
            model="m" * 64,
            versions={f"{number:064}": "v" * 64 for number in range(MAX_VERSIONS)},
        )
    )
    assert len(full) < MAX_STATE_BYTES < SMALLEST_BROKER_MESSAGE
    assert len(taken(full).readings) == MAX_READINGS
    with pytest.raises(msgspec.ValidationError):
        taken(msgspec.json.encode(StationState(online=True, readings=(most,) * (MAX_READINGS + 1))))


def controllers_type() -> object:
    """Give the type of `controller` in station.toml, with its bound."""
    return next(f.type for f in msgspec.structs.fields(StationSettings) if f.name == "controller")
