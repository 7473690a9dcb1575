"""The demo's strip as axe-core sees it, over a real panel, in every size and language.

With TONGZHAN_SHOTS each is kept as a picture for a person to look at (tests/looks.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from config.sorting import Category
from config.station import Language
from edge.sim.people.town import Neighbourhood
from scripts.demonstration.day import CategoryDay
from scripts.demonstration.folder import Ports
from scripts.demonstration.live import serving
from scripts.demonstration.strip.app import create_app
from scripts.demonstration.strip.state import Strip
from scripts.testbed.ports import free_ports
from tests.edge.panel.conftest import Panel, running
from tests.edge.panel.scenes import SCENES
from tests.looks import look

SIZES = tuple(
    ViewportSize(width=width, height=height)
    for width, height in ((320, 640), (360, 740), (479, 800), (800, 480), (1280, 800), (720, 1280))
)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def framed(tmp_path: Path) -> Iterator[tuple[Ports, Panel]]:
    """A panel that the strip's origin may frame."""
    ports = Ports(*range(first := free_ports(5), first + 5))
    with running(tmp_path, ports.panel, framed_by=(f"http://127.0.0.1:{ports.page}",)) as panel:
        panel.folder.write_state(SCENES["points"]())
        yield ports, panel


def at_every_size(page: Page, name: str, language: Language) -> None:
    for size in SIZES:
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], size
        look(page, f"strip-{name}.{language}.{size['width']}x{size['height']}")


@pytest.mark.parametrize("language", Language)
def test_nobody_is_kept_from_reading_the_strip(
    framed: tuple[Ports, Panel], page: Page, strip: Strip, people: Neighbourhood, language: Language
) -> None:
    ports, _ = framed
    with serving(create_app(strip, ports, lambda: ("sessionid", "signed-in")), ports):
        page.goto(f"http://127.0.0.1:{ports.page}/?lang={language}")
        page.frame_locator("iframe").locator(".bins").wait_for()
        at_every_size(page, "before", language)
        resident = people.residents[0]
        strip.visitors.links = {resident.card: "http://ledger/s/"}
        strip.visitors.tapped("reader-kitchen", resident.card)
        strip.visitors.recorded(resident.card)
        strip.visitors.balance = 1234
        strip.visitors.day = {category: CategoryDay(123, 12) for category in Category}
        strip.comparison.refresh()
        expect(page.locator("#day")).to_be_visible()
        at_every_size(page, "busy", language)
        page.locator("#network").click()
        page.locator("#ledger").click()
        expect(page.locator("#ledger")).to_have_attribute("data-down", "true")
        at_every_size(page, "broken", language)
    expect(page.locator("#gone")).to_be_visible()
    at_every_size(page, "gone", language)
