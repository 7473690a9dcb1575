"""What a host asks of a microcontroller, and in which order it waits its turn. Pure.

At most one lease a lid, one setting a lid, one stop and one resume wait: the queue is bounded by the lids.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from firmware_bridge.link.arq import Queued
from firmware_bridge.link.messages import EndLease, OpenLid, Request, Resume, SetLid, StopMotors

_MS = 1000


def with_remaining_lease(asked: Queued[Request], now: float) -> Request:
    """The request as it stands now: a lease is counted down from when it was asked, never below 0."""
    request = asked.message
    if isinstance(request, OpenLid):
        left_ms = request.lease_ms - max(0, round((now - asked.at) * _MS))
        return replace(request, lease_ms=max(0, left_ms))
    return request


def enqueue(waiting: deque[Queued[Request]], asked: Queued[Request]) -> None:
    """Put a request into the queue: it takes the place of those it makes void, and what stops goes first."""
    kept = [other for other in waiting if not _voids(asked.message, other.message)]
    rank = _rank(asked.message)
    before = sum(_rank(other.message) <= rank for other in kept)
    # Ranks in the queue never fall, so those of no higher rank stand in front.
    waiting.clear()
    waiting.extend([*kept[:before], asked, *kept[before:]])


def superseded(request: Request, in_flight: Request) -> Request:
    """What a request already under way says when it is repeated after a newer one: leases that are over."""
    if (
        isinstance(in_flight, OpenLid)
        and isinstance(request, EndLease | StopMotors)
        and _voids(request, in_flight)
    ):
        return replace(in_flight, lease_ms=0)
    return in_flight


def _voids(newer: Request, older: Request) -> bool:
    match newer, older:
        case ((OpenLid(lid) | EndLease(lid)), (OpenLid(other) | EndLease(other))):
            return lid == other
        case SetLid(lid), SetLid(other):
            return lid == other
        case StopMotors(), (OpenLid() | EndLease() | StopMotors() | Resume()):
            return True
        case Resume(), Resume():
            return True
    return False


def _rank(request: Request) -> int:
    match request:
        case StopMotors():
            return 0
        case EndLease():
            return 1
        case _:
            return 2
