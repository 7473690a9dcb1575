"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig


class MovingConfig(AppConfig):
    """The app, under the label `moving`."""

    name = "cloud_sync.ledger.moving"
    label = "moving"
