"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig


class PointsConfig(AppConfig):
    """The app, under the label `points`."""

    name = "cloud_sync.ledger.points"
    label = "points"
