"""A person's decision on points: who decided, when, and why."""

from __future__ import annotations

from datetime import datetime

from cloud_sync.ledger.chain import records
from cloud_sync.ledger.points.models import Decision
from cloud_sync.ledger.stations.models import Community
from config.reading import typed

MAX_BY = 64
MAX_REASON = 200


def decide(community: Community, by: str, reason: str, now: datetime) -> Decision:
    """Record a decision; InputError unless it says who decided and why, each in one line that fits."""
    by, reason = said(by, reason)
    decision = Decision.objects.create(community=community, by=by, reason=reason, decided_at=now)
    records.register(community.pk, "decided", decision, now)
    return decision


def said(by: str, reason: str) -> tuple[str, str]:
    """Return who decides and why, as stored; InputError unless each is one line that fits."""
    return typed.line("who decides", by, MAX_BY), typed.line("the reason", reason, MAX_REASON)
