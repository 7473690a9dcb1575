"""Officers who are signed in, for tests: with a role, and as if they had just said who they are."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from cloud_sync.ledger.officers.confirm import note_confirmed
from cloud_sync.ledger.officers.factor import codes
from cloud_sync.ledger.officers.grants import give_role, rights_of
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


def signed_in(client: Client, name: str = "wang", *, confirmed: bool = True, factor: bool = True) -> Client:
    """Sign an officer in, who has said who they are just now unless not `confirmed`.

    With `factor` an officer who needs a second factor has one, and has given its code.
    """
    user = User.objects.get(username=name)
    client.force_login(user)
    session = client.session
    if confirmed:
        note_confirmed(session, datetime.now(UTC))
    device = codes.device_of(user)
    if factor and device is None and codes.is_needed(rights_of(user)):
        device = TOTPDevice.objects.create(user=user, name=codes.NAME, key=codes.new_key(), confirmed=True)
    if factor and device is not None:
        session[codes.FACTOR] = device.pk
    session.save()
    return client


def code_of(key: str, when: datetime) -> str:
    """What a phone with this key shows at a moment."""
    shown = TOTP(bytes.fromhex(key))
    shown.time = when.timestamp()
    return f"{shown.token():06d}"
