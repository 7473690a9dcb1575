from __future__ import annotations

import logging

import pytest

from cloud_sync.transport.mailbox import Mailbox, Message


def message(number: int) -> Message:
    return Message("tz/commands", b"%d" % number, retained=False, _acknowledge=lambda: None)


def filled(count: int, size: int = 4) -> Mailbox:
    box = Mailbox("tz/commands", size)
    for number in range(count):
        box.put(message(number))
    return box


def taken(box: Mailbox) -> list[bytes]:
    found = []
    while (one := box.take(0)) is not None:
        found.append(one.payload)
    return found


def test_messages_are_taken_in_the_order_they_came() -> None:
    assert taken(filled(3)) == [b"0", b"1", b"2"]


def test_a_full_mailbox_drops_its_oldest_messages() -> None:
    assert taken(filled(10)) == [b"6", b"7", b"8", b"9"]


def test_a_flood_is_logged_once_until_the_mailbox_has_been_empty(caplog: pytest.LogCaptureFixture) -> None:
    box = filled(100)
    assert caplog.text.count("the oldest are dropped") == 1
    taken(box)
    for number in range(100):
        box.put(message(number))
    assert caplog.text.count("the oldest are dropped") == 2


def test_a_denied_subscription_is_logged_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    box = Mailbox("tz/commands")
    box.note_grant(is_granted=True)
    assert not caplog.records
    box.note_grant(is_granted=False)
    box.note_grant(is_granted=False)
    assert caplog.text.count("denies tz/commands") == 1
    box.note_grant(is_granted=True)
    assert "grants tz/commands" in caplog.text
