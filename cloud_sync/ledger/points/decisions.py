"""A person's word on points: who said it, when, and why."""

from __future__ import annotations

from datetime import datetime

from cloud_sync.ledger.points.models import Decision
from cloud_sync.ledger.stations.models import Community
from config.errors import InputError

MAX_BY = 64
MAX_REASON = 200


def decide(community: Community, by: str, reason: str, now: datetime) -> Decision:
    """Note a decision; InputError unless it says who decided and why, each in one line that fits."""
    by, reason = by.strip(), reason.strip()
    for what, text, longest in (("who decides", by, MAX_BY), ("the reason", reason, MAX_REASON)):
        if not text or len(text) > longest or not text.isprintable():
            raise InputError(f"{what}: {text!r} will not do", f"give one line of 1 to {longest} characters")
    return Decision.objects.create(community=community, by=by, reason=reason, decided_at=now)
