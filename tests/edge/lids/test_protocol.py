from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.lids.protocol import (
    MAX_PACKET,
    Arrival,
    EndLease,
    Keeps,
    Moved,
    Open,
    Report,
    Request,
    pack,
    report_in,
    request_in,
)
from edge.local.protocol import Beat, Taken

LONG = "a" * 32


@pytest.mark.parametrize("request_", [Open(LONG, 123456.789, 8.0), EndLease(LONG)])
def test_a_request_arrives_as_it_was_meant(request_: Request) -> None:
    assert request_in(pack(request_)) == request_
    assert len(pack(request_)) <= MAX_PACKET


@pytest.mark.parametrize(
    "report", [Keeps((LONG,) * 8), Moved(LONG, Arrival.OBSTRUCTED, 9e9), Beat(), Taken()]
)
def test_a_report_arrives_as_it_was_meant(report: Report) -> None:
    assert report_in(pack(report)) == report
    assert len(pack(report)) <= MAX_PACKET


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\xff\x00",
        b"{}",
        b"[]",
        b'{"say": "close", "bin": "a"}',
        b'{"say": "open", "bin": "a", "at": 1}',
        b'{"say": "open", "bin": "a", "at": 1, "lease_s": -1}',
        b'{"say": "open", "bin": "a", "at": 1, "lease_s": 1e99}',
        b'{"say": "open", "bin": "a", "at": -1, "lease_s": 1}',
        b'{"say": "open", "bin": "a", "at": 1, "lease_s": 1, "force": true}',
        pack(Beat()),
    ],
)
def test_a_packet_that_is_not_a_request_is_none(packet: bytes) -> None:
    assert request_in(packet) is None


@given(st.binary(max_size=200))
def test_noise_is_neither_a_request_nor_a_report(packet: bytes) -> None:
    assert request_in(packet) is None
    assert report_in(packet) is None
