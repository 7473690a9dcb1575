"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig


class StationsConfig(AppConfig):
    """The app, under the label `stations`."""

    name = "cloud_sync.ledger.stations"
    label = "stations"
