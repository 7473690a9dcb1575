"""The cloud ledger: a Django project that applies what stations send and shows residents their points."""

from __future__ import annotations

import os
from pathlib import Path

CONFIG_VARIABLE = "TONGZHAN_LEDGER_CONFIG"
"""Environment variable with the path of ledger.toml; Django's settings are built from that file."""


def setup(config: Path) -> None:
    """Make Django ready in this process, for the ledger that `config` describes.

    Once a process: Django's settings cannot be exchanged. InputError names what is wrong in the file.
    """
    os.environ[CONFIG_VARIABLE] = str(config.resolve())
    os.environ["DJANGO_SETTINGS_MODULE"] = f"{__name__}.settings"
    import django  # noqa: PLC0415 (what only wants the version of this package needs no Django)

    django.setup()
