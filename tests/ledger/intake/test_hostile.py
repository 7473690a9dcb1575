"""Whatever bytes come, signed or not: an answer, never a crash, and sums that agree."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.intake.apply import apply_batch
from cloud_sync.wire.envelope import seal_receipt
from tests.ledger.town import HAZARDOUS, NOW, RIGHT, Town, event, visit_facts

STATION = "east-gate"
GOOD = event(1, visit_facts(1, RIGHT, HAZARDOUS, provisional=7))

hostile = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def spoiled(draw: st.DrawFn, good: bytes) -> bytes:
    """Good bytes with a piece cut out and another put in."""
    start = draw(st.integers(0, len(good)))
    end = draw(st.integers(start, min(len(good), start + 12)))
    alien = draw(
        st.binary(max_size=6) | st.sampled_from([b"-1", b"1e309", b"null", b"\\u0000", b"\xff", b"9" * 25])
    )
    return good[:start] + alien + good[end:]


@hostile
@given(message=st.binary(max_size=200) | st.just(b'{"v":1}\n') | st.just(b"\n"))
def test_bytes_that_nobody_signed_earn_nothing(town: Town, message: bytes) -> None:
    town.station(STATION)
    assert apply_batch(message, "sunny-garden", STATION, NOW) is None


@hostile
@given(data=st.data())
def test_a_spoiled_batch_earns_nothing(town: Town, data: st.DataObject) -> None:
    sealed = town.seal(GOOD)
    message = data.draw(spoiled(sealed))
    signed = (
        message.partition(b"\n")[2] == sealed.partition(b"\n")[2]
    )  # the header may be written in many ways
    assert signed or apply_batch(message, "sunny-garden", STATION, NOW) is None


@hostile
@given(bodies=st.lists(spoiled(GOOD), min_size=1, max_size=5))
def test_signed_events_of_any_kind_are_applied_set_aside_or_rejected(town: Town, bodies: list[bytes]) -> None:
    applied = apply_batch(town.seal(*bodies), "sunny-garden", STATION, NOW)
    if applied is not None:
        assert applied.new + applied.known + applied.refused >= len(bodies)
        assert len(seal_receipt(town.station(STATION), applied.receipt)) < 20_480
    assert verify().ok
