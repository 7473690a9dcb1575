"""The firmware's conversions of raw readings."""

from __future__ import annotations

import ctypes
from math import exp

import pytest


@pytest.mark.parametrize(
    ("bits", "counts"),
    [(0, 0), (1, 1), (0x7FFFFF, 8_388_607), (0x800000, -8_388_608), (0xFFFFFF, -1), (0x55000001, 1)],
)
def test_24_bits_are_a_signed_number(library: ctypes.CDLL, bits: int, counts: int) -> None:
    assert library.measure_hx711(ctypes.c_uint32(bits)) == counts


@pytest.mark.parametrize(("echo_us", "distance_mm"), [(0, 0), (583, 100), (5831, 1000), (25_000, 4288)])
def test_an_echo_is_a_distance(library: ctypes.CDLL, echo_us: int, distance_mm: int) -> None:
    found = ctypes.c_int32()
    assert library.measure_echo(echo_us, ctypes.byref(found))
    assert abs(found.value - distance_mm) <= 1


def test_a_missing_echo_is_no_distance(library: ctypes.CDLL) -> None:
    assert not library.measure_echo(38_000, ctypes.byref(ctypes.c_int32()))


def ntc_reading(temperature_c: float) -> int:
    """Compute the converter's reading by the thermistor's formula."""
    ohm = 10_000 * exp(3950 * (1 / (temperature_c + 273.15) - 1 / 298.15))
    return round(1023 * ohm / (ohm + 10_000))


@pytest.mark.parametrize("temperature_c", [-20, -5, 0, 7.5, 20, 25, 33, 48, 60, 80])
def test_a_thermistor_is_read_to_a_degree_where_people_live(
    library: ctypes.CDLL, temperature_c: float
) -> None:
    found = ctypes.c_int32()
    assert library.measure_ntc(ntc_reading(temperature_c), ctypes.byref(found))
    assert abs(found.value / 100 - temperature_c) < 0.5


@pytest.mark.parametrize("reading", [0, 20, 1010, 1023])
def test_a_broken_or_shorted_wire_is_no_temperature(library: ctypes.CDLL, reading: int) -> None:
    assert not library.measure_ntc(reading, ctypes.byref(ctypes.c_int32()))


def test_the_table_falls_from_one_reading_to_the_next(library: ctypes.CDLL) -> None:
    found, read = ctypes.c_int32(), []
    for reading in range(60, 990):
        assert library.measure_ntc(reading, ctypes.byref(found))
        read.append(found.value)
    assert read == sorted(read, reverse=True)


def test_a_supply_is_read_behind_its_divider(library: ctypes.CDLL) -> None:
    assert library.measure_supply(1023) == 25_000
    assert abs(library.measure_supply(491) - 12_000) < 25
