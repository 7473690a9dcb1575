"""The message on a station's `state` topic."""

from __future__ import annotations

import msgspec


class StationState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A station's retained state; its last will says `online: false`."""

    online: bool
    outbox: int | None = None
    unanswered_s: float | None = None
    """Seconds since the first batch that no receipt has answered; null if none is awaited."""
    key_retired: bool = False
    """The ledger retired this station's key: its events wait at the station."""
