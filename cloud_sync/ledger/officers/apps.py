"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig


class OfficersConfig(AppConfig):
    """The app, under the label `officers`."""

    name = "cloud_sync.ledger.officers"
    label = "officers"
