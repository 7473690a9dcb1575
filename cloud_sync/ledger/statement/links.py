"""A household's link to its statement: made, opened, taken back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse

from cloud_sync.ledger.audit.write import write
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.decisions import decide
from cloud_sync.ledger.points.models import Household
from cloud_sync.ledger.points.posting import atomically, lock
from cloud_sync.ledger.stations.models import Community

SALT = "statement"
LINK_AGE = timedelta(days=90)


def statement_link(household: Household) -> str:
    """Make the address of a household's statement; anyone who has it can read it for LINK_AGE."""
    token = signing.dumps([household.pk, household.links_ended], salt=SALT)
    url: str = settings.LEDGER.url
    return url + reverse("statement", args=[token])


def household_of(token: str) -> Household | None:
    """Return the household of a link's token; None if it is not ours, too old, or taken back."""
    try:
        signed = signing.loads(token, salt=SALT, max_age=LINK_AGE)
    except signing.BadSignature:
        return None
    # Links made before they could be taken back hold only the household.
    key, ended = (signed, 0) if isinstance(signed, int) else signed
    return Household.objects.select_related("community").filter(pk=key, links_ended=ended).first()


@atomically
def end_links(household: Household, by: str, reason: str, now: datetime) -> None:
    """Take back every link of a household at once; a new link works again.

    InputError without who and why.
    """
    lock(household.community)
    decision = decide(household.community, by, reason, now)
    row = Household.objects.get(pk=household.pk)
    values = {"links_ended": row.links_ended + 1, "links_ended_by": decision}
    write(row, Deed.END_LINKS, by=by, reason=reason, now=now, **values)
    household.refresh_from_db()


def ended_links(communities: Collection[Community], shown: int) -> list[Household]:
    """Return households whose links were taken back, the latest first, each with its decision."""
    rows = Household.objects.filter(community__in=communities, links_ended_by__isnull=False)
    return list(rows.select_related("links_ended_by", "community").order_by("-links_ended_by")[:shown])
