"""What tests of several folders share: photos, a browser, free ports, and hypothesis's settings."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from ctypes.util import find_library
from pathlib import Path

import pytest
from hypothesis import settings

from scripts.testbed.ports import free_port
from tests.running.purity import Purity
from tests.running.stages import mark_stages
from tests.skips import Skips
from tests.some import all_of_some

CHECKOUT = Path(__file__).resolve().parents[1]
EXPECTED_WITHIN_MS = 60_000
"""Playwright's own patience is 5 s, which a page on a busy machine may need."""

# Wall-clock deadlines fail on a busy machine; in CI the same examples come every time.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("full", deadline=None, max_examples=1000)
# For an emulated processor, which takes ten times as long.
settings.register_profile("brief", deadline=None, derandomize=True, max_examples=10)
# For scripts/test --seeds: examples that come from the seed alone, so that it finds the same ones again.
settings.register_profile("fresh", deadline=None, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

# A shell that starts tests in the background has them ignore Ctrl-C, and with them every program they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Have skips told of, and pure tests be pure."""
    config.pluginmanager.register(Skips(), "skips")
    config.pluginmanager.register(Purity(), "purity")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the mark and the limit of its stage, and an `all` that fails of nothing."""
    mark_stages(items)
    for item in items:
        if isinstance(item, pytest.Function) and "given" not in vars(item.module):
            # `all` of nothing would hold whatever the code does; a property may well be asked of nothing.
            vars(item.module).setdefault("all", all_of_some)


@pytest.fixture(scope="session")
def photos_folder() -> Path:
    """Give the folder of labelled photos, with its index.csv; it is not part of the repository."""
    folder = Path(os.environ.get("TONGZHAN_PHOTOS") or CHECKOUT.parent / "shared" / "waste-photos")
    if not (folder / "index.csv").is_file():
        pytest.skip(f"no labelled photos in {folder}; set TONGZHAN_PHOTOS to a folder with an index.csv")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Give the browser's program; start it with --headless, and with --no-sandbox as root."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return Path(found)
    pytest.skip("no Chromium; install it: sudo apt-get install chromium fonts-noto-cjk")


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator[object]:
    """Give a running browser. One for all tests: a process can hold one Playwright at a time.

    Its type is imported by the tests that use it: an emulated Pi has no Playwright.
    """
    if find_library("atomic") is None:
        pytest.skip("Playwright's driver needs a library; install it: sudo apt-get install libatomic1")
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415 (only where there is a browser)

    expect.set_options(timeout=EXPECTED_WITHIN_MS)
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield started
        started.close()


@pytest.fixture(name="free_port")
def free_port_fixture() -> Callable[[], int]:
    """Give a function that names a TCP port of 127.0.0.1 which nobody listens on."""
    return free_port
