"""Messages that must be believed, and all the ways in which one must not be."""

from __future__ import annotations

import base64

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import example, given
from hypothesis import strategies as st

from cloud_sync.wire.envelope import (
    MAX_BATCH_EPOCHS,
    MAX_BODY_BYTES,
    MAX_EVENTS,
    MAX_HEADER_BYTES,
    MAX_RECEIPT_EPOCHS,
    Batch,
    EnvelopeError,
    EpochReceipt,
    Lost,
    Receipt,
    decode_event,
    decode_event_id,
    encode_event,
    key_id,
    open_batch,
    open_receipt,
    seal_batch,
    seal_receipt,
    take_batch,
)
from cloud_sync.wire.facts import AlarmFacts, Event, Stamp

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEYS = {key_id(KEY.public_key()): KEY.public_key()}
NEST = b"[" * 20_000 + b"]" * 20_000


def event(sequence: int) -> bytes:
    stamp = Stamp(1.0, trusted=True, boot="boot", monotonic_s=1.0)
    return encode_event(Event("a" * 16, sequence, stamp, AlarmFacts("lid_forced", "kitchen", raised=True)))


MESSAGE = seal_batch(KEY, "lane", "gate", [event(1), event(2)])
HEADER, BODY = MESSAGE.split(b"\n", 1)


def signed(body: bytes, key: Ed25519PrivateKey = KEY, version: int = 1) -> bytes:
    """Give any body under a good signature: what a station gone mad could send."""
    header = {
        "v": version,
        "key": key_id(key.public_key()),
        "sig": base64.b64encode(key.sign(body)).decode(),
    }
    return msgspec.json.encode(header) + b"\n" + body


def reason(message: bytes, keys: dict[str, Ed25519PublicKey] | None = None) -> str:
    with pytest.raises(EnvelopeError) as caught:
        open_batch(message, KEYS if keys is None else keys)
    assert "\n" not in str(caught.value)
    return caught.value.reason


# --- what is believed ---------------------------------------------------------------------------


def test_a_batch_opens_as_it_was_sealed_and_its_events_are_the_same_bytes() -> None:
    batch = open_batch(MESSAGE, KEYS)
    assert (batch.community, batch.station) == ("lane", "gate")
    assert [bytes(raw) for raw in batch.events] == [event(1), event(2)]


def test_a_message_can_be_read_with_any_tool() -> None:
    assert set(msgspec.json.decode(HEADER)) == {"v", "key", "sig"}
    assert msgspec.json.decode(BODY)["events"][0]["facts"]["fault"] == "lid_forced"


@given(
    st.builds(
        Receipt,
        st.just("lane"),
        st.text(max_size=32),
        st.lists(
            st.builds(
                EpochReceipt,
                st.text("0123456789abcdef", min_size=16, max_size=16),
                st.integers(0, 2**53),
                st.lists(st.tuples(st.integers(1, 2**53), st.text(max_size=20)), max_size=5).map(tuple),
            ),
            max_size=4,
        ).map(tuple),
    )
)
def test_a_receipt_opens_as_it_was_sealed(receipt: Receipt) -> None:
    assert open_receipt(seal_receipt(KEY, receipt), KEYS) == receipt


def test_a_keys_id_is_the_beginning_of_its_digest() -> None:
    assert key_id(KEY.public_key()) == "56475aa75463474c"


def test_a_new_and_an_old_key_are_known_side_by_side() -> None:
    both = KEYS | {key_id(OTHER.public_key()): OTHER.public_key()}
    assert open_batch(seal_batch(OTHER, "lane", "gate", [event(1)]), both).station == "gate"


def test_a_newer_stations_extra_keys_are_ignored() -> None:
    body = BODY[:-1] + b',"mood":"cheerful"}'
    assert len(open_batch(signed(body), KEYS).events) == 2


def test_a_batch_states_its_losses_and_leaves_the_key_out_without_any() -> None:
    lost = (Lost("a" * 16, 1, 30),)
    batch = open_batch(seal_batch(KEY, "lane", "gate", [event(31)], lost), KEYS)
    assert batch.lost == lost
    assert b"lost" not in MESSAGE
    assert open_batch(MESSAGE, KEYS).lost == ()


def test_a_receipt_names_retired_keys() -> None:
    receipt = Receipt("lane", "gate", (), retired=("56475aa75463474c",))
    assert open_receipt(seal_receipt(KEY, receipt), KEYS) == receipt
    assert b"retired" not in seal_receipt(KEY, Receipt("lane", "gate", ()))


@pytest.mark.parametrize(
    "receipt",
    [
        Receipt("lane", "gate", (EpochReceipt("a" * 16, 1),) * (MAX_RECEIPT_EPOCHS + 1)),
        Receipt("lane", "gate", (EpochReceipt("no epoch", 1),)),
        Receipt("lane", "gate", (EpochReceipt("a" * 16, -1),)),
        Receipt("lane", "gate", (EpochReceipt("a" * 16, 2**53 + 1),)),
        Receipt("lane", "gate", (), retired=("56475aa75463474c",) * 17),
    ],
)
def test_a_receipt_beyond_its_limits_is_malformed_even_if_signed(receipt: Receipt) -> None:
    with pytest.raises(EnvelopeError, match="malformed"):
        open_receipt(seal_receipt(KEY, receipt), KEYS)


@pytest.mark.parametrize(
    "lost",
    [
        (Lost("a" * 16, 1, 2),) * (MAX_BATCH_EPOCHS + 1),
        (Lost("A" * 16, 1, 2),),
        (Lost("a" * 16, 0, 2),),
        (Lost("a" * 16, 1, 2**53 + 1),),
    ],
)
def test_losses_beyond_their_limits_are_malformed_even_if_signed(lost: tuple[Lost, ...]) -> None:
    assert reason(seal_batch(KEY, "lane", "gate", [event(1)], lost)) == "malformed"


# --- what is not --------------------------------------------------------------------------------


@given(at=st.integers(0, len(MESSAGE) - 1), flip=st.integers(1, 255))
@example(at=len(HEADER), flip=ord("\n") ^ ord(" "))
def test_a_changed_byte_anywhere_is_refused_or_changes_nothing(at: int, flip: int) -> None:
    changed = MESSAGE[:at] + bytes([MESSAGE[at] ^ flip]) + MESSAGE[at + 1 :]
    try:
        opened = open_batch(changed, KEYS)
    except EnvelopeError:
        return
    # The last letter of the signature has bits that base64 does not use.
    assert at < len(HEADER)
    assert opened == open_batch(MESSAGE, KEYS)


@given(at=st.integers(len(HEADER) + 1, len(MESSAGE) - 1), flip=st.integers(1, 255))
def test_a_changed_byte_of_the_body_is_a_broken_signature(at: int, flip: int) -> None:
    changed = MESSAGE[:at] + bytes([MESSAGE[at] ^ flip]) + MESSAGE[at + 1 :]
    assert reason(changed) == "signature"


@given(st.integers(0, len(MESSAGE) - 1))
def test_a_message_cut_short_is_refused(length: int) -> None:
    assert reason(MESSAGE[:length]) in {"no_header", "signature"}


@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    assert reason(noise) in {"no_header", "malformed"}
    assert reason(HEADER + b"\n" + noise) == "signature"


@given(st.binary(max_size=200))
def test_noise_with_a_good_signature_is_malformed(noise: bytes) -> None:
    assert reason(signed(noise)) == "malformed"


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"", "no_header"),
        (b"{}", "no_header"),
        (b"x" * (MAX_HEADER_BYTES + 1) + b"\n" + BODY, "no_header"),
        (b"{}\n" + BODY, "malformed"),
        (b"\xff\xfe\n" + BODY, "malformed"),
        (HEADER.replace(b'"key":"', b'"key":"\xff') + b"\n" + BODY, "malformed"),
        (b"[" * 500 + b"\n" + BODY, "malformed"),
        (signed(BODY, version=2), "version"),
        (signed(BODY, OTHER), "unknown_key"),
        (HEADER.replace(b'"sig":"', '"sig":"é'.encode()) + b"\n" + BODY, "signature"),
        (HEADER.replace(b'"sig":"', b'"sig":"!') + b"\n" + BODY, "signature"),
        (HEADER.replace(b'"sig":"', b'"sig":"QUJD') + b"\n" + BODY, "signature"),
        (HEADER + b"\n", "signature"),
        (MESSAGE + b"\n", "signature"),
        (MESSAGE + b" " * (4 * MAX_BODY_BYTES + MAX_HEADER_BYTES), "too_large"),
        (signed(b"[]"), "malformed"),
        (signed(b'{"community":"c","station":"s"}'), "malformed"),
        (signed(b'{"community":"c","station":"s","events":1}'), "malformed"),
        (signed(b'{"community":"\xff","station":"s","events":[]}'), "malformed"),
        (signed(b'{"community":"c","station":"s","events":[],"x":' + NEST + b"}"), "malformed"),
        (signed(b'{"community":"c","station":"s","events":[' + NEST + b"]}"), "malformed"),
        (
            signed(b'{"community":"c","station":"s","events":[' + b"1," * MAX_EVENTS + b"1]}"),
            "too_many",
        ),
    ],
)
def test_each_kind_of_error_has_its_own_reason(message: bytes, why: str) -> None:
    assert reason(message) == why


def test_a_signature_of_another_body_is_refused() -> None:
    other = seal_batch(KEY, "lane", "gate", [event(3)])
    assert reason(HEADER + b"\n" + other.split(b"\n", 1)[1]) == "signature"


def test_a_key_id_of_another_key_is_refused() -> None:
    assert reason(MESSAGE, {key_id(KEY.public_key()): OTHER.public_key()}) == "signature"


def test_a_batch_is_not_accepted_as_a_receipt() -> None:
    with pytest.raises(EnvelopeError, match="malformed"):
        open_receipt(MESSAGE, KEYS)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b'{"epoch":"\xff"}', b'{"x":' + NEST + b"}", b'{"epoch":"a","sequence":"1"}'],
)
def test_an_event_that_cannot_be_read_raises_what_callers_expect(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_event(raw)
    with pytest.raises(msgspec.DecodeError):
        decode_event_id(raw)


def test_the_identity_of_an_unreadable_event_can_still_be_read() -> None:
    named = decode_event_id(b'{"epoch":"ab","sequence":7,"facts":{"kind":"gift"}}')
    assert (named.epoch, named.sequence) == ("ab", 7)


def test_the_limits_keep_their_published_values() -> None:
    assert (MAX_EVENTS, MAX_BODY_BYTES) == (100, 16 * 1024)


# --- packing ------------------------------------------------------------------------------------

RAW = st.integers(0, 4000).map(lambda size: b'"' + b"x" * size + b'"')


@given(
    events=st.lists(RAW, max_size=130),
    limit=st.integers(1, MAX_EVENTS),
    losses=st.integers(0, MAX_BATCH_EPOCHS),
)
def test_batches_lose_and_reorder_nothing_and_stay_within_their_limits(
    events: list[bytes], limit: int, losses: int
) -> None:
    left, sent = list(events), list[bytes]()
    lost = (Lost("a" * 16, 2**52, 2**53),) * losses
    while left:
        batch = take_batch(left, limit, losses)
        assert 1 <= len(batch) <= limit
        message = seal_batch(KEY, "c" * 32, "s" * 32, batch, lost)
        assert len(message.split(b"\n", 1)[1]) <= MAX_BODY_BYTES
        sent += batch
        left = left[len(batch) :]
    assert sent == events
    assert take_batch([]) == []


@given(events=st.lists(RAW, min_size=1, max_size=130))
def test_a_batch_is_filled_up_to_its_limits(events: list[bytes]) -> None:
    batch = take_batch(events)
    if len(batch) < min(len(events), MAX_EVENTS):
        longer = msgspec.json.encode(Batch("", "", [msgspec.Raw(raw) for raw in events[: len(batch) + 1]]))
        assert len(longer) > MAX_BODY_BYTES - 160


def test_an_event_larger_than_a_batch_is_sent_alone() -> None:
    huge = b'"' + b"x" * MAX_BODY_BYTES + b'"'
    assert take_batch([huge, event(1)]) == [huge]
    assert len(open_batch(seal_batch(KEY, "lane", "gate", [huge]), KEYS).events) == 1
