from __future__ import annotations

import pytest

from firmware_bridge.link.messages import EndLease, Reason
from tests.firmware_bridge.conformance.speaker import Speaker


@pytest.mark.parametrize(
    ("code", "body", "reason"),
    [
        (0x11, "c8 e803", Reason.NO_SUCH_LID),
        (0x12, "08", Reason.NO_SUCH_LID),
        (0x10, "ff d007 d007 204e 03", Reason.NO_SUCH_LID),
        (0x11, "00 61ea", Reason.LEASE_TOO_LONG),
        (0x7F, "0102", Reason.UNKNOWN_TYPE),
        (0x20, "000000", Reason.UNKNOWN_TYPE),  # a device's own word
        (0x11, "00 e8", Reason.MALFORMED),
        (0x11, "00 e803 00", Reason.MALFORMED),
        (0x13, "00", Reason.MALFORMED),
        (0x10, "00 3100 d007 204e 03", Reason.MALFORMED),
        (0x10, "00 3175 d007 204e 03", Reason.MALFORMED),
        (0x10, "00 d007 d007 204e 00", Reason.MALFORMED),
        (0x10, "00 d007 d007 204e 0b", Reason.MALFORMED),
    ],
)
def test_unsupported_requests_are_refused_by_name(
    linked: Speaker, code: int, body: str, reason: Reason
) -> None:
    assert linked.refusal(code, bytes.fromhex(body)).reason is reason
    linked.ask(EndLease(0))  # and the link goes on


def test_a_flood_of_wrong_messages_is_refused_one_by_one(linked: Speaker) -> None:
    for _ in range(60):
        assert linked.refusal(0x7E).reason is Reason.UNKNOWN_TYPE
