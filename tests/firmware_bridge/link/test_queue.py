from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.link.arq import Queued
from firmware_bridge.link.messages import EndLease, OpenLid, Request, Resume, SetLid, StopMotors
from firmware_bridge.link.queue import enqueue, superseded, with_remaining_lease

LIDS = 8
LID = st.integers(0, LIDS - 1)
REQUESTS: st.SearchStrategy[Request] = st.one_of(
    st.builds(OpenLid, LID, st.integers(0, 60_000)),
    st.builds(EndLease, LID),
    st.builds(SetLid, LID, st.just(300)),
    st.just(StopMotors()),
    st.just(Resume()),
)


def waiting(requests: list[Request]) -> list[Request]:
    queue: deque[Queued[Request]] = deque()
    for at, request in enumerate(requests):
        enqueue(queue, Queued(request, at))
    return [asked.message for asked in queue]


def last_wish(requests: list[Request], lid: int) -> Request | None:
    """Return the last request of a lid, a stop of all motors included."""
    wishes = [one for one in requests if isinstance(one, StopMotors) or _moves(one, lid)]
    return wishes[-1] if wishes else None


def _moves(request: Request, lid: int) -> bool:
    return isinstance(request, OpenLid | EndLease) and request.lid == lid


@given(st.lists(REQUESTS, max_size=200))
def test_the_queue_is_bounded_by_the_lids(requests: list[Request]) -> None:
    assert len(waiting(requests)) <= 2 * LIDS + 2


@given(st.lists(REQUESTS, max_size=60))
def test_only_the_last_request_of_a_lid_waits(requests: list[Request]) -> None:
    queue = waiting(requests)
    for lid in range(LIDS):
        wish = last_wish(requests, lid)
        kept = [one for one in queue if _moves(one, lid)]
        assert kept == ([wish] if wish is not None and not isinstance(wish, StopMotors) else [])
    assert (StopMotors() in queue) is (StopMotors() in requests)


@given(st.lists(REQUESTS, max_size=60))
def test_no_stop_waits_behind_a_request_that_moves_a_lid(requests: list[Request]) -> None:
    queue = waiting(requests)
    ranks = [0 if isinstance(one, StopMotors) else 1 if isinstance(one, EndLease) else 2 for one in queue]
    assert ranks == sorted(ranks)


@given(st.integers(0, 60_000), st.floats(0, 100), st.floats(0, 100))
def test_a_lease_never_grows_by_waiting(lease_ms: int, asked_at: float, waits_s: float) -> None:
    request = with_remaining_lease(Queued(OpenLid(1, lease_ms), asked_at), asked_at + waits_s)
    assert isinstance(request, OpenLid)
    assert 0 <= request.lease_ms <= max(0, round(lease_ms - waits_s * 1000) + 1)


def test_a_newer_end_is_only_for_leases_of_the_same_lid() -> None:
    assert superseded(EndLease(1), OpenLid(1, 500)) == OpenLid(1, 0)
    assert superseded(EndLease(1), OpenLid(2, 500)) == OpenLid(2, 500)
    assert superseded(OpenLid(1, 9), OpenLid(1, 500)) == OpenLid(1, 500)
    assert superseded(StopMotors(), OpenLid(2, 500)) == OpenLid(2, 0)
    assert superseded(StopMotors(), SetLid(2, 500)) == SetLid(2, 500)
