"""A pytest plugin that collects the files of one stage alone: others are not even imported.

Loaded by `-p tests.running.collecting --stage STAGE`. Each process of a stage would import every test file
otherwise, and make the ledger that tests/ledger/conftest.py prepares.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running.stages import Stage, rank, stage_of


class OneStage:
    """Leaves out test files of other stages, and folders in which there are no others."""

    def __init__(self, root: Path, stage: Stage) -> None:
        """Take the files of a stage below a checkout's `tests`."""
        self._tests = root / "tests"
        found = self._tests.rglob("test_*.py")
        self._files = {path for path in found if stage_of(path.relative_to(root).as_posix()) is stage}
        self._folders = {folder for path in self._files for folder in path.parents}

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave out what belongs to another stage, unless it is named on the command line."""
        if not collection_path.is_relative_to(self._tests):
            return None
        wanted = self._folders if collection_path.is_dir() else self._files
        return None if collection_path in wanted else True

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Have the files that take longest come first."""
        items.sort(key=lambda item: rank(item.nodeid))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the stage's option."""
    parser.addoption("--stage", type=Stage, metavar="STAGE", help="Collect the files of this stage alone.")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to leave out."""
    stage = config.getoption("--stage")
    if stage is not None:
        config.pluginmanager.register(OneStage(config.rootpath, stage), "one-stage")
