"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig


class CommandingConfig(AppConfig):
    """The app, under the label `commanding`."""

    name = "cloud_sync.ledger.commanding"
    label = "commanding"
