"""A benchmark as a person runs it: a process of its own, for it may set up a ledger of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.programs import TONGZHAN


@pytest.fixture
def bench() -> Callable[..., dict[str, Any]]:
    """Give a function that runs `tongzhan bench … --json` and reads what it printed."""

    def run(*arguments: str) -> dict[str, Any]:
        command = [*TONGZHAN, "bench", *arguments, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr
        printed: dict[str, Any] = json.loads(done.stdout)
        return printed

    return run
