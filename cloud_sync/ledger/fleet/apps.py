"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """The app, under the label `fleet`."""

    name = "cloud_sync.ledger.fleet"
    label = "fleet"
