"""The demo on screen, watched in a browser to its end: every award is shown once, and nothing is lost."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from edge.journal.schema import JOURNAL_FILE
from scripts.testbed.ports import free_ports
from tests.programs import TONGZHAN
from tests.waiting import COMMAND_WITHIN_S, PATIENCE, answers, until

FEW, MANY = 3, 30
VISIT_S = 45.0
"""How long a visit of the demo takes at most, in real time: about 20 s, and the next resident's coming."""
VISIT_WITHIN_MS = 120_000
WATCH = """() => {
  window.shown = [];
  let last = "";
  const look = () => {
    const now = document.querySelector(".points strong")?.textContent.trim() ?? "";
    if (now !== last && /[1-9]/.test(now)) window.shown.push(now);
    last = now;
  };
  new MutationObserver(look).observe(document, {childList: true, characterData: true, subtree: true});
  look();
}"""
"""Notes each award above zero whenever the screen begins to show one."""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="zh-CN", viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture
def first_port() -> int:
    return free_ports(5)


@pytest.fixture
def demo(tmp_path: Path, first_port: int) -> Iterator[subprocess.Popen[str]]:
    asked = ["--state", str(tmp_path), "--port", str(first_port), "--json", "--seed", "1"]
    running = subprocess.Popen([*TONGZHAN, "demo", *asked], stdout=subprocess.PIPE, text=True)
    yield running
    if running.poll() is None:
        running.send_signal(signal.SIGINT)  # it ends its processes, as a person at the terminal has it
    try:
        running.communicate(timeout=COMMAND_WITHIN_S)
    finally:
        running.kill()


@pytest.fixture
def frame(demo: subprocess.Popen[str], page: Page, first_port: int) -> Frame:
    """Open the demo's page, and give the panel in it."""
    del demo
    address = f"http://127.0.0.1:{first_port}/"
    until(lambda: answers(address), "the demo's page", within_s=COMMAND_WITHIN_S)
    page.goto(address)
    page.frame_locator("iframe").locator(".bins").wait_for(timeout=VISIT_WITHIN_MS)
    (frame,) = page.main_frame.child_frames
    return frame


def awards(state: Path) -> list[str]:
    """Give what the journal awarded, visit by visit, as the screen writes it."""
    with closing(sqlite3.connect(state / "station" / JOURNAL_FILE)) as journal:
        rows = journal.execute("SELECT points FROM awards WHERE points > 0 ORDER BY id").fetchall()
    return [f"+{points}" for (points,) in rows]


def visits(state: Path) -> int:
    with closing(sqlite3.connect(state / "station" / JOURNAL_FILE)) as journal:
        return int(journal.execute("SELECT count(*) FROM visits").fetchone()[0])


@pytest.mark.parametrize(
    "most",
    [FEW, pytest.param(MANY, marks=[pytest.mark.full, pytest.mark.timeout(MANY * VISIT_S * PATIENCE)])],
)
def test_every_award_of_a_watched_demo_is_shown_once_and_nothing_is_lost(
    demo: subprocess.Popen[str], frame: Frame, page: Page, tmp_path: Path, most: int
) -> None:
    frame.evaluate(WATCH)
    while visits(tmp_path) < most:
        assert demo.poll() is None
        page.wait_for_timeout(500)
    expected = awards(tmp_path)
    frame.wait_for_function("(many) => window.shown.length >= many", arg=len(expected))
    shown: list[str] = frame.evaluate("window.shown")
    assert shown[: len(expected)] == expected
    demo.send_signal(signal.SIGINT)
    output, _ = demo.communicate(timeout=COMMAND_WITHIN_S)
    counts = json.loads(output)
    assert (demo.returncode, counts["lost"], counts["twice"], counts["lowered"]) == (0, 0, 0, 0)


def test_a_pulled_network_and_a_killed_ledger_keep_what_waits_and_lose_nothing(
    frame: Frame, page: Page, tmp_path: Path
) -> None:
    del frame
    page.locator("#network").click()
    expect(page.locator("#network")).to_have_attribute("data-down", "true")
    page.locator("#ledger").click()
    expect(page.locator("#ledger")).to_have_attribute("data-down", "true")
    until(lambda: visits(tmp_path) >= 1, "a visit while both are down", within_s=COMMAND_WITHIN_S)
    expect(page.locator("#waiting")).to_contain_text("1", timeout=VISIT_WITHIN_MS)
    page.locator("#network").click()
    page.locator("#ledger").click()
    expect(page.locator("#waiting")).to_contain_text("0", timeout=VISIT_WITHIN_MS)
    expect(page.locator("#counts strong")).to_have_text("丢失 0 · 重复 0")
    expect(page.locator("#counts")).to_have_attribute("data-whole", "true")
