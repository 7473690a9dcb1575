"""Every scene of the screen and the installer's page as axe-core sees it, in every size and language.

With TONGZHAN_SHOTS each is kept as a picture for a person to look at (tests/looks.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from random import Random

import cv2
import msgspec
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from cloud_sync.wire.station_state import DoorReading, SupplyReading, TemperatureReading
from config.sorting import Category
from config.station import Language
from edge.panel.folder import OUT_OF_SERVICE_S
from edge.screen.state import LiveState, LiveText
from edge.sim.photos.drawn import DrawnThings
from edge.sim.photos.thrown import Particular
from tests.edge.panel.conftest import Panel, running
from tests.edge.panel.scenes import NOW, SCENES, every_fault, live
from tests.looks import complaints, look

SIZES = tuple(
    ViewportSize(width=width, height=height)
    for width, height in ((800, 480), (480, 800), (1280, 800), (720, 1280), (320, 640), (360, 740))
)
USUAL = tuple(size for size in SIZES if size["width"] in {800, 320})
"""The narrowest of either kind; the others are looked at by scripts/test --full."""
every_size = pytest.mark.parametrize(
    "sizes", [USUAL, pytest.param(SIZES, marks=pytest.mark.full)], ids=["usual", "all"]
)
READINGS = (
    TemperatureReading("controller-of-the-left-half", -12.46, 20.0),
    SupplyReading("controller-of-the-left-half", 12.04, 240.0),
    DoorReading("controller-of-the-left-half", is_open=True, age_s=40 * 86_400.0),
)
FAULTS: dict[str, Callable[[], LiveState]] = {
    "no faults": live,
    "every fault": every_fault,
    "readings": lambda: msgspec.structs.replace(live(), readings=READINGS),
    "unknown fault": lambda: live(faults=(msgspec.structs.replace(every_fault().faults[0], code="new"),)),
}


@pytest.fixture(scope="module")
def onlooker(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    """A panel with a real picture."""
    thing = DrawnThings().draw(Random(1), Particular(Category.KITCHEN, "orange", 1))
    encoded = cv2.imencode(".jpg", cv2.cvtColor(np.asarray(thing.picture), cv2.COLOR_RGB2BGR))[1]
    with running(tmp_path_factory.mktemp("looks")) as panel:
        panel.folder.write_picture(encoded.tobytes())
        yield panel


def at_sizes(page: Page, name: str, language: Language, sizes: Iterable[ViewportSize]) -> None:
    for size in sizes:
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], size
        look(page, f"{name.replace(' ', '-')}.{language.value}.{size['width']}x{size['height']}")


@every_size
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("scene", SCENES)
def test_nobody_is_kept_from_reading_the_screen(
    shown: Panel, onlooker: Page, scene: str, language: Language, sizes: tuple[ViewportSize, ...]
) -> None:
    name = LiveText(f"阳光花园 · 东门桶站 {scene}", f"Sunny Garden · East gate {scene}")
    shown.folder.write_state(msgspec.structs.replace(SCENES[scene](), name=name))
    onlooker.goto(f"{shown.url}/?lang={language}")
    expect(onlooker.locator(".place")).to_contain_text(scene)
    at_sizes(onlooker, f"panel-{scene}", language, sizes)


@every_size
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("away_s", [0.0, OUT_OF_SERVICE_S])
def test_nobody_is_kept_from_reading_that_the_station_is_away(
    shown: Panel, onlooker: Page, away_s: float, language: Language, sizes: tuple[ViewportSize, ...]
) -> None:
    shown.folder.write_state(msgspec.structs.replace(live(), written_s=NOW - 100.0 - away_s))
    for path, name in (("/", "panel"), ("/faults", "faults")):
        onlooker.goto(f"{shown.url}{path}?lang={language}")
        expect(onlooker.locator("#screen .away, #screen .none").first).to_be_visible()
        at_sizes(onlooker, f"{name}-{'out of service' if away_s else 'starting'}", language, sizes)


@every_size
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("scene", FAULTS)
def test_nobody_is_kept_from_reading_the_faults(
    shown: Panel, onlooker: Page, scene: str, language: Language, sizes: tuple[ViewportSize, ...]
) -> None:
    shown.folder.write_state(msgspec.structs.replace(FAULTS[scene](), name=LiveText(scene, scene)))
    onlooker.goto(f"{shown.url}/faults?lang={language}")
    expect(onlooker.locator(".place")).to_have_text(scene)
    at_sizes(onlooker, f"faults-{scene}", language, sizes)


def test_a_page_that_keeps_somebody_from_reading_it_is_told(onlooker: Page) -> None:
    onlooker.goto("about:blank")  # the panel's page allows no style of an element's own
    onlooker.set_content("<main><h1>Bins</h1><p style='color: #ccc'>Food</p><img src='data:,'></main>")
    assert {one.partition(" ")[0] for one in complaints(onlooker)} >= {"color-contrast", "image-alt"}
