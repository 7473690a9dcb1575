"""How a station is, as it says on its `state` topic."""

from __future__ import annotations

import msgspec


class StationState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the `state` topic says, retained; the last will says `online: false`."""

    online: bool
    outbox: int | None = None
    unanswered_s: float | None = None
    """For how long batches have gone out without a receipt that freed anything; null if none is awaited."""
    key_retired: bool = False
    """The ledger no longer believes this station's key: its events wait here."""
