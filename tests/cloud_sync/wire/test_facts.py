"""The wire's records: what they take, what they refuse, and that one visit always fits one batch."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.wire.envelope import decode_event, decode_events, encode_event, take_batch
from cloud_sync.wire.facts import (
    MAX_DEPOSITS,
    MAX_NAME,
    MAX_OPENINGS,
    MAX_WALL_S,
    AlarmFacts,
    Credential,
    DepositFacts,
    Event,
    OpeningFacts,
    Role,
    Stamp,
    VerdictFacts,
    VisitFacts,
)
from config.sorting import Category
from models.verdict import VerdictState

NAME = "n" * MAX_NAME
SEEN = VerdictFacts(VerdictState.OK, 0.1234, NAME, Category.RECYCLABLE, NAME)
LONGEST = Event(
    "f" * 16,
    2**53,
    Stamp(MAX_WALL_S - 0.123456, trusted=False, boot=NAME, monotonic_s=1e9 / 7),
    VisitFacts(
        "a" * 64,
        Credential.EM4100,
        Role.RESIDENT,
        86_399.999,
        (OpeningFacts(NAME, 86_399.999, 86_399.999),) * MAX_OPENINGS,
        (DepositFacts(NAME, Category.RECYCLABLE, 86_399.999, SEEN, 2**53),) * MAX_DEPOSITS,
        2**53,
        2**53,
    ),
)
ALARM = Event(
    "0" * 16, 1, Stamp(0.0, trusted=False, boot="b", monotonic_s=0.0), AlarmFacts("f", "p", raised=True)
)


def changed(event: Event, path: str, value: object) -> bytes:
    """Give an event's bytes with one value put in, as a strange station might send it."""
    data = msgspec.json.decode(encode_event(event))
    *way, last = path.split(".")
    inner = data
    for part in way:
        inner = inner[int(part)] if part.isdigit() else inner[part]
    inner[last] = value
    return msgspec.json.encode(data)


def test_the_longest_possible_visit_fits_one_batch_with_another_event() -> None:
    longest, alarm = encode_event(LONGEST), encode_event(ALARM)
    assert take_batch([longest, alarm]) == [longest, alarm]
    assert decode_event(longest) == LONGEST


@pytest.mark.parametrize("event", [LONGEST, ALARM], ids=["visit", "alarm"])
def test_an_event_reads_as_it_was_written(event: Event) -> None:
    assert decode_event(encode_event(event)) == event


def test_an_event_is_always_the_same_bytes() -> None:
    assert encode_event(decode_event(encode_event(LONGEST))) == encode_event(LONGEST)


def test_unknown_fields_of_a_newer_station_are_ignored() -> None:
    assert decode_event(changed(LONGEST, "facts.mood", 'cheerful, 开心\n"')) == LONGEST


TOLD = [
    encode_event(LONGEST),
    encode_event(ALARM),
    changed(LONGEST, "facts.mood", "开心"),
    changed(ALARM, "facts.part", "厨余"),
    changed(ALARM, "facts.part", 'a"b'),
    changed(ALARM, "facts.kind", "gift"),
    b"{",
    b"[]",
]


@given(st.lists(st.sampled_from(TOLD), max_size=5))
def test_events_read_together_are_the_same_as_one_by_one_or_refused(raws: list[bytes]) -> None:
    try:
        together = decode_events(raws)
    except msgspec.DecodeError:
        assert set(raws) - set(TOLD[:2]), "all of them are plain and right"
    else:
        assert together == [decode_event(raw) for raw in raws]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("epoch", "F" * 16),
        ("epoch", "f" * 15),
        ("epoch", "f" * 16 + "\n"),
        ("sequence", 0),
        ("sequence", 2**53 + 1),
        ("sequence", 1.5),
        ("stamp.wall_s", -1),
        ("stamp.wall_s", MAX_WALL_S * 2),
        ("stamp.trusted", 1),
        ("facts.kind", "gift"),
        ("facts.card", "a" * 63),
        ("facts.card", "a" * 64 + "\n"),
        ("facts.card", "g" * 64),
        ("facts.role", "admin"),
        ("facts.credential", "desfire"),
        ("facts.provisional", -1),
        ("facts.provisional", 2**60),
        ("facts.duration_s", 86_401),
        ("facts.openings", [{"bin": "b", "opened_s": 1}] * (MAX_OPENINGS + 1)),
        ("facts.openings.0.bin", ""),
        ("facts.openings.0.bin", "n" * (MAX_NAME + 1)),
        ("facts.openings.0.bin", "厨余"),
        ("facts.openings.0.bin", 'a"b'),
        ("facts.openings.0.opened_s", -0.001),
        ("facts.deposits.0.bin_category", "radioactive"),
        ("facts.deposits.0.weight_g", -1),
        ("facts.deposits.0.verdict.probability", 1.1),
        ("facts.deposits.0.verdict.state", "sure"),
        ("facts.deposits.0.verdict.category", "none"),
        ("facts.deposits.0.verdict.label", "a\nb"),
        ("facts.deposits.0.verdict.label", "a\\b"),
        ("facts.deposits.0.verdict.model", "\0"),
        ("stamp.boot", "\x85"),
    ],
)
def test_invalid_facts_are_refused(path: str, value: object) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_event(changed(LONGEST, path, value))
