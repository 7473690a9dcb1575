"""Letting a process whose Django is set up work on another database."""

from __future__ import annotations

from django.db import connections


def use_database(name: str) -> None:
    """Work on what `database` in a ledger.toml would say."""
    from cloud_sync.ledger.site import settings  # noqa: PLC0415 (needs the configuration that setup names)

    connections.close_all()
    described = {"default": settings._database(name)}  # noqa: SLF001 (what the settings themselves do)
    connections.settings.update(connections.configure_settings(described))
    if connections.all(initialized_only=True):
        del connections["default"]
