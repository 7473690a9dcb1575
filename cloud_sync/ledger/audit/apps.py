"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The app, under the label `audit`."""

    name = "cloud_sync.ledger.audit"
    label = "audit"
