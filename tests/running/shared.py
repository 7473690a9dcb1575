"""What the processes of one run share: a folder that one of them fills and the others copy."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "TONGZHAN_TEST_RUN"
"""The variable that names the run's folder; without it each process makes everything itself."""


@contextmanager
def run_folder() -> Iterator[None]:
    """Give the processes that are started meanwhile a folder to share."""
    with tempfile.TemporaryDirectory(prefix="tongzhan-run-") as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


@contextmanager
def made_once(name: str, place: Path) -> Iterator[None]:
    """Fill `place` with what another process of the run has made; the first one keeps what the block makes.

    The block runs in each process, on what is there: it must do nothing where nothing is missing.
    """
    folder = os.environ.get(FOLDER)
    if folder is None:
        yield
        return
    kept = Path(folder) / name
    with Path(folder, f"{name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_first = not kept.exists()
        if not is_first:
            fcntl.flock(lock, fcntl.LOCK_UN)
            shutil.copytree(kept, place, dirs_exist_ok=True)
        yield
        if is_first:
            begun = kept.with_suffix(".begun")  # one that fails here leaves nothing that looks whole
            shutil.copytree(place, begun)
            begun.rename(kept)
