"""Run one `tongzhan` command line to its end: in a process of its own, or here where none is needed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from click.testing import CliRunner
from django.db import connections
from django.test import override_settings
from django.utils import translation

from cloud_sync.ledger import CONFIG_VARIABLE
from config.errors import InputError
from config.ledger import LedgerSettings, load_ledger
from scripts.cli import run
from tests.ledger.switching import use_database
from tests.programs import TONGZHAN
from tests.waiting import COMMAND_WITHIN_S

HERE = frozenset(
    "aside alarm card community correct debt held household officer preview staff station verify".split()  # noqa: SIM905
)
"""Commands of the ledger that read and write its database and do nothing else."""


def call(arguments: Sequence[str], keys: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line: here if it needs no process and its ledger's `keys` are those of this process."""
    settings = _settings_of(arguments)
    if settings is None or settings.state_dir != keys:
        return call_process(arguments)
    before = os.environ[CONFIG_VARIABLE]
    os.environ[CONFIG_VARIABLE] = str(_config_of(arguments).resolve())
    try:
        with override_settings(LEDGER=settings), translation.override(translation.get_language()):
            use_database(settings.ledger.database)
            return _call_here(arguments)
    except InputError:  # an address that only the command's own start may refuse
        return call_process(arguments)
    finally:
        os.environ[CONFIG_VARIABLE] = before
        connections.close_all()  # as the end of a process does


def call_process(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command line in a process of its own."""
    command = [*TONGZHAN, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_WITHIN_S, check=False)


def _call_here(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    with CliRunner().isolation() as (out, err, _):
        status = run(arguments)
        told = [stream.getvalue().decode() for stream in (out, err)]
    return subprocess.CompletedProcess([*TONGZHAN, *arguments], status, *told)


def _settings_of(arguments: Sequence[str]) -> LedgerSettings | None:
    """Read the ledger.toml of a command that may run here; None if there is no such, or it does not load."""
    if list(arguments[:1]) != ["ledger"] or arguments[1] not in HERE or "--config" not in arguments:
        return None
    try:
        return load_ledger(_config_of(arguments))
    except InputError:
        return None


def _config_of(arguments: Sequence[str]) -> Path:
    return Path(arguments[list(arguments).index("--config") + 1])
