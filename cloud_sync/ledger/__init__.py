"""The cloud ledger: a Django project that applies what stations send and shows residents their points."""

from __future__ import annotations

import os
from pathlib import Path

CONFIG_VARIABLE = "TONGZHAN_LEDGER_CONFIG"
"""Environment variable with the path of ledger.toml; Django's settings are built from that file."""


def setup(config: Path) -> None:
    """Make Django ready in this process, for the ledger that `config` describes; again does no harm.

    InputError names what is wrong in the file. RuntimeError for another file than the first time:
    Django's settings cannot be exchanged.
    """
    # What a command needs before it has read its configuration must not import Django.
    import django  # noqa: PLC0415
    from django.apps import apps  # noqa: PLC0415

    wanted = str(config.resolve())
    if apps.ready and os.environ[CONFIG_VARIABLE] != wanted:
        msg = f"this process is set up for {os.environ[CONFIG_VARIABLE]} and cannot change to {wanted}"
        raise RuntimeError(msg)
    os.environ[CONFIG_VARIABLE] = wanted
    os.environ["DJANGO_SETTINGS_MODULE"] = f"{__name__}.site.settings"
    django.setup()
