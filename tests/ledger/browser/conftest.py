"""The ledger's pages, served by the real server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.ledger import load_ledger
from tests.programs import TONGZHAN


@pytest.fixture
def served(config: Path) -> Iterator[str]:
    """The address of a running `tongzhan ledger serve` over this test's database."""
    command = [*TONGZHAN, "ledger", "serve", "--config", str(config)]
    with ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        stack.callback(process.terminate)
        assert process.stderr is not None
        assert any("pages on" in line for line in process.stderr)
        yield load_ledger(config).url
