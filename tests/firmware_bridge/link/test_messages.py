from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.link.codec import DecodeError, decode, encode
from firmware_bridge.link.frame import MAX_BODY
from firmware_bridge.link.messages import (
    MAX_LEASE_MS,
    MAX_SERIAL,
    Ack,
    Cause,
    Control,
    EndLease,
    Heartbeat,
    Hello,
    LidState,
    Message,
    OpenLid,
    Position,
    Reason,
    Refused,
    Resume,
    SensorKind,
    SensorValue,
    SerialBytes,
    SetLid,
    StopMotors,
    Welcome,
    WiegandBits,
    is_numbered,
)

U8 = st.integers(0, 0xFF)
U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFF_FFFF)
ID = st.integers(1, 0xFFFF_FFFF)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(Hello, U8, U8, ID, U8),
    st.builds(Welcome, U8, U8, U32, U32, U8, U8, U8, U16, U8, st.tuples(U8, U8, U8)),
    st.builds(Ack, U8, U8),
    st.builds(Heartbeat, ID, U32, U32),
    st.builds(SetLid, U8, st.integers(50, 30_000), U16, U16, st.integers(1, 10)),
    st.builds(OpenLid, U8, st.integers(0, MAX_LEASE_MS)),
    st.builds(EndLease, U8),
    st.just(StopMotors()),
    st.just(Resume()),
    st.builds(LidState, U8, st.sampled_from(Position), st.sampled_from(Cause)),
    st.builds(WiegandBits, U8, st.text("01", min_size=1, max_size=255)),
    st.builds(SerialBytes, U8, st.binary(min_size=1, max_size=MAX_SERIAL)),
    st.builds(SensorValue, st.sampled_from(SensorKind), U8, st.integers(-(2**31), 2**31 - 1)),
    st.builds(Refused, U8, st.sampled_from(Reason)),
)


@given(MESSAGES)
def test_every_message_is_decoded_as_encoded_and_fits_a_frame(message: Message) -> None:
    code, body = encode(message)
    assert len(body) <= MAX_BODY
    assert decode(code, body) == message


@given(U8, st.binary(max_size=MAX_BODY))
def test_any_bytes_are_a_message_or_a_named_error(code: int, body: bytes) -> None:
    outcome = decode(code, body)
    assert isinstance(outcome, DecodeError) or encode(outcome)[0] == code


@given(MESSAGES, st.binary(min_size=1, max_size=8))
def test_only_the_handshake_may_grow_in_later_versions(message: Message, more: bytes) -> None:
    code, body = encode(message)
    outcome = decode(code, body + more)
    match message:
        case Hello() | Welcome():
            assert outcome == message
        case SerialBytes(reader, data):
            assert outcome in (SerialBytes(reader, data + more), DecodeError.MALFORMED)
        case _:
            assert outcome is DecodeError.MALFORMED


@given(MESSAGES)
def test_a_body_cut_short_is_malformed(message: Message) -> None:
    code, body = encode(message)
    for length in range(len(body)):
        outcome = decode(code, body[:length])
        assert outcome is DecodeError.MALFORMED or isinstance(outcome, SerialBytes)


@pytest.mark.parametrize(
    ("code", "body", "message"),
    [
        (0x01, "01 01 78563412 08", Hello(1, 1, 0x12345678, 8)),
        (
            0x02,
            "01 02 78563412 04030201 08 02 01 7400 04 010203",
            Welcome(1, 2, 0x12345678, 0x01020304, 8, 2, 1, 0x74, 4, (1, 2, 3)),
        ),
        (0x10, "03 d007 d007 204e 03", SetLid(3, 2000)),
        (0x11, "02 401f", OpenLid(2, 8000)),
        (0x20, "00 03 00", LidState(0, Position.OPEN, Cause.ASKED)),
        (0x21, "01 1a 8000 0040", WiegandBits(1, "1" + 24 * "0" + "1")),
        (0x22, "00 0236", SerialBytes(0, b"\x026")),
        (0x23, "00 01 feffffff", SensorValue(SensorKind.WEIGHT, 1, -2)),
        (0x24, "07 02", Refused(7, Reason.LEASE_TOO_LONG)),
    ],
)
def test_messages_are_encoded_as_the_protocol_says(code: int, body: str, message: Message) -> None:
    assert encode(message) == (code, bytes.fromhex(body))


@pytest.mark.parametrize(
    ("code", "body", "misfit"),
    [
        (0x11, "00 61ea", DecodeError.LEASE_TOO_LONG),
        (0x11, "00 40", DecodeError.MALFORMED),
        (0x10, "00 3100 d007 204e 03", DecodeError.MALFORMED),  # a travel of 49 ms
        (0x10, "00 d007 d007 204e 00", DecodeError.MALFORMED),  # no try
        (0x20, "00 06 00", DecodeError.MALFORMED),  # no such position
        (0x20, "00 00 09", DecodeError.MALFORMED),  # no such cause
        (0x21, "00 00", DecodeError.MALFORMED),
        (0x21, "00 09 ff", DecodeError.MALFORMED),
        (0x22, "00", DecodeError.MALFORMED),
        (0x22, "00" + 33 * "41", DecodeError.MALFORMED),
        (0x01, "01 01 00000000 08", DecodeError.MALFORMED),
        (0x7F, "", DecodeError.UNKNOWN_TYPE),
    ],
)
def test_a_wrong_message_is_a_named_error(code: int, body: str, misfit: DecodeError) -> None:
    assert decode(code, bytes.fromhex(body)) is misfit


@given(MESSAGES)
def test_all_messages_but_those_that_keep_the_link_are_numbered(message: Message) -> None:
    assert is_numbered(message) is not isinstance(message, Control)
    assert is_numbered(message) is (encode(message)[0] >= 0x10)
