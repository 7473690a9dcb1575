"""Officers who are signed in, for tests: with a role, and as if they had just said who they are."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.auth.models import User
from django.test import Client

from cloud_sync.ledger.officers.confirm import note_confirmed
from cloud_sync.ledger.officers.grants import give_role
from cloud_sync.ledger.officers.register import add_officer, find_officer
from cloud_sync.ledger.officers.rights import OfficerRole, Rights
from cloud_sync.ledger.stations.models import Community

CLERK = Rights(frozenset({(OfficerRole.CLERK, None)}))
"""What a clerk of the town may do."""


def new_officer(
    name: str = "wang", role: OfficerRole = OfficerRole.CLERK, community: Community | None = None
) -> str:
    """Add an officer with a role, of the town unless a community is given; their password."""
    password = add_officer(name)
    give_role(find_officer(name), role, community, "test", "an example", datetime.now(UTC))
    return password


def signed_in(client: Client, name: str = "wang", *, confirmed: bool = True) -> Client:
    """Sign an officer in, who has said who they are just now unless not `confirmed`."""
    client.force_login(User.objects.get(username=name))
    if confirmed:
        session = client.session
        note_confirmed(session, datetime.now(UTC))
        session.save()
    return client
