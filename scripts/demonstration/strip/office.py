"""Signs the demo's officer in with a Django session, for the demo's browser.

Importable only after `cloud_sync.ledger.setup`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection

from cloud_sync.ledger.officers.confirm import note_confirmed
from cloud_sync.ledger.officers.grants import give_role
from cloud_sync.ledger.officers.register import add_officer, find_officer, officers, username
from cloud_sync.ledger.officers.rights import OfficerRole

NAME = "demo"


class Office:
    """Signs the demo's officer in. Only the demo does: elsewhere people type a password."""

    def __init__(self) -> None:
        """Make the officer, a clerk of the town, with a password that nobody knows."""
        officer = officers().filter(username=username(NAME), is_active=True).first()
        if officer is None:
            add_officer(NAME)
            officer = find_officer(NAME)
        give_role(officer, OfficerRole.CLERK, None, NAME, "decides in the demo", datetime.now(UTC))

    def session(self) -> tuple[str, str]:
        """Return name and value of a signed-in cookie."""
        user = User.objects.get(username=username(NAME))
        session: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        note_confirmed(session, datetime.now(UTC))
        session.save()
        connection.close()  # a thread's own, and the next call may come on another
        return settings.SESSION_COOKIE_NAME, str(session.session_key)
