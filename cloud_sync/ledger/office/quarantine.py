"""Applies what was set aside, once that is possible."""

from __future__ import annotations

from datetime import datetime

from cloud_sync.ledger.intake.apply import reapply
from cloud_sync.ledger.office.pending import find_aside
from cloud_sync.ledger.stations.models import Community, Event
from config.errors import InputError


def apply_aside(community: Community, number: str, now: datetime) -> None:
    """Apply an event that was set aside. InputError says why that is still impossible."""
    row = find_aside(community, number)
    if not isinstance(row, Event):
        raise InputError(
            f"{number} is evidence and cannot be applied",
            f"see: tongzhan ledger aside show {number} --config F",
        )
    reapply(row, now)
