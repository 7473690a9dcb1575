"""The host's queue of requests to a microcontroller. Pure.

For each lid at most one lease and one setting wait, and one stop and one resume: the lids bound the queue.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from firmware_bridge.link.arq import Queued
from firmware_bridge.link.messages import EndLease, OpenLid, Request, Resume, SetLid, StopMotors

_MS = 1000


def with_remaining_lease(asked: Queued[Request], now: float) -> Request:
    """Return the request as it stands now: a lease counts down from its request, not below 0."""
    request = asked.message
    if isinstance(request, OpenLid):
        left_ms = request.lease_ms - max(0, round((now - asked.at) * _MS))
        return replace(request, lease_ms=max(0, left_ms))
    return request


def enqueue(waiting: deque[Queued[Request]], asked: Queued[Request]) -> None:
    """Queue a request: it replaces those that it makes void, and requests that stop motors go first."""
    kept = [other for other in waiting if not _voids(asked.message, other.message)]
    rank = _rank(asked.message)
    before = sum(_rank(other.message) <= rank for other in kept)
    # The queue is sorted by rank, so requests of the same or a lower rank are in front.
    waiting.clear()
    waiting.extend([*kept[:before], asked, *kept[before:]])


def superseded(request: Request, in_flight: Request) -> Request:
    """Return a request in flight as it must be repeated after a newer one: its lease may be over."""
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
