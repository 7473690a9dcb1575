"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig


class TokensConfig(AppConfig):
    """The app, under the label `tokens`."""

    name = "cloud_sync.ledger.tokens"
    label = "tokens"
