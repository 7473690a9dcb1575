"""The parts of a station; only `edge.main` chooses them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge.faults import FaultCode
from edge.loop.remote_orders import RemoteOrders
from edge.ports import Camera, Classifier, Clock, Journal, Latch, Lid, Mover, Speaker, Workers
from edge.screen.publisher import Screen
from edge.visit.offering import OfferClip


@dataclass(frozen=True, slots=True)
class Parts:
    """The devices and services of one station. `screen` is None if there is no screen."""

    clock: Clock
    lids: Mapping[str, Lid]
    movers: tuple[Mover, ...]
    camera: Camera
    classifier: Classifier
    speaker: Speaker
    journal: Journal
    latches: Mapping[FaultCode, Latch]
    """Remember a fault over restarts."""
    workers: Workers
    screen: Screen | None
    boot: str
    offer: Callable[[OfferClip], None] = lambda _clip: None
    """Offers a deposit for a clip; returns at once."""
    roster_age_s: Callable[[], float | None] = lambda: None
    """Seconds since the ledger last confirmed its list of cards; None if it never has."""
    remote: RemoteOrders | None = None
    """None for a station that takes no commands."""
