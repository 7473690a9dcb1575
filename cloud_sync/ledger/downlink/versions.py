"""Give what is published its next version, in the transaction that changes it.

A version is the second of the change, or one more than the last: so a ledger that was restored from a backup
publishes its next change under a version that no station has seen.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from cloud_sync.ledger.downlink.models import Published, RosterChange
from cloud_sync.ledger.points.models import Card, CardRole, CardStatus
from cloud_sync.ledger.stations.models import Community
from cloud_sync.wire.publication import MAX_BEHIND, PublishedKind
from cloud_sync.wire.roster import HASH_BYTES, CardStanding


def present(community: Community, kind: PublishedKind) -> Published:
    """Return the present version of a kind; the first one is made when it is first asked for."""
    first = int(timezone.now().timestamp())
    row, _ = Published.objects.get_or_create(
        community=community, kind=kind, defaults={"version": first, "log_from": first}
    )
    return row


@transaction.atomic
def renew(community: Community, kind: PublishedKind, now: datetime | None = None) -> int:
    """Give a kind the next version, and return it: after a change, or after a backup was restored."""
    row = Published.objects.select_for_update().get(pk=present(community, kind).pk)
    row.version = max(row.version + 1, int((now or timezone.now()).timestamp()))
    row.save(update_fields=["version"])
    return row.version


@transaction.atomic
def note_card(card: Card) -> None:
    """Publish a card's standing. Call it with the change."""
    version = renew(card.community, PublishedKind.ROSTER)
    if raw(card.hash) is not None:
        told = standing(card.household_id, card.role, card.status)
        RosterChange.objects.create(community=card.community, version=version, card=card.hash, standing=told)
    _shorten_log(card.community)


@transaction.atomic
def forget_changes(community: Community) -> None:
    """Publish the roster without its log of changes, which names cards: for an erasure."""
    version = renew(community, PublishedKind.ROSTER)
    RosterChange.objects.filter(community=community).delete()
    Published.objects.filter(community=community, kind=PublishedKind.ROSTER).update(log_from=version)


def raw(card: str) -> bytes | None:
    """Return the bytes of a card's hash; None for the word that an erasure put in its place."""
    try:
        found = bytes.fromhex(card)
    except ValueError:
        return None
    return found if len(found) == HASH_BYTES else None


def standing(household: int | None, role: str, status: str) -> CardStanding:
    """Return what stations must know of a card; GONE if they need not know it."""
    if status == CardStatus.BLOCKED:
        return CardStanding.BLOCKED
    if role == CardRole.STAFF:
        return CardStanding.STAFF
    return CardStanding.GONE if household is None else CardStanding.RESIDENT


def _shorten_log(community: Community) -> None:
    """Keep the changes of the last MAX_BEHIND versions."""
    rows = RosterChange.objects.filter(community=community)
    versions = rows.order_by("-version").values_list("version", flat=True).distinct()
    for cut in versions[MAX_BEHIND : MAX_BEHIND + 1]:
        rows.filter(version__lte=cut).delete()
        Published.objects.filter(community=community, kind=PublishedKind.ROSTER).update(log_from=cut)
