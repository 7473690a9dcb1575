"""The API's own rows."""

from __future__ import annotations

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Labelled apart from other apps called `api`."""

    name = "cloud_sync.ledger.api"
    label = "ledger_api"
