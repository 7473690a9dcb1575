"""The versions of what is published."""

from __future__ import annotations

from django.apps import AppConfig


class DownlinkConfig(AppConfig):
    """Labelled apart from other apps called `downlink`."""

    name = "cloud_sync.ledger.downlink"
    label = "ledger_downlink"
