"""The screen in a real browser: what is large, what fits, and what moves without a reload."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from config.reading.load_sorting import load_sorting
from config.sorting import Category
from config.station import Language
from config.words import load_words
from edge.panel.sse import MOST_STREAMS
from edge.screen.state import LINK_FILE, STATE_FILE, LidPhase, LiveText
from scripts.testbed.ports import free_port
from tests.edge.panel.conftest import Panel, running
from tests.edge.panel.scenes import SCENES, bin_of, bins, live

MOST_WORDS = 12
KIOSK = ViewportSize(width=1280, height=800)
SMALL_KIOSK = ViewportSize(width=1024, height=600)
PHONE = ViewportSize(width=390, height=844)
SIZES = (KIOSK, SMALL_KIOSK, PHONE)

HERE = Path(__file__).parent
LARGE_TEXTS = (HERE / "large_texts.js").read_text("utf-8")
MISPLACED = (HERE / "misplaced.js").read_text("utf-8")
SMALLEST_TEXT = """() => Math.min(...[...document.querySelectorAll(".voice p")].map(
  (line) => parseFloat(getComputedStyle(line).fontSize)))"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Give a page that fails its test if the browser complains of anything but a lost panel."""
    context = browser.new_context(viewport=KIOSK)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert [complaint for complaint in complaints if "Failed to load resource" not in complaint] == []


@pytest.fixture(scope="module")
def onlooker(browser: Browser) -> Iterator[Page]:
    """Give a page for all tests that only look at what stands still."""
    context = browser.new_context()
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture(scope="module")
def city(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with running(tmp_path_factory.mktemp("run"), city=request.param) as panel:
        yield panel


def visit(onlooker: Page, panel: Panel, scene: str, language: Language) -> None:
    """Open a scene, and wait until it is the one that is shown: a page may be a tenth of a second old."""
    panel.folder.write_state(msgspec.structs.replace(SCENES[scene](), station=scene, name=LiveText("", "")))
    onlooker.goto(f"{panel.url}/?lang={language}")
    expect(onlooker.locator(".place")).to_contain_text(scene)


@pytest.mark.parametrize("city", ["beijing", "shanghai"], indirect=True)
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("scene", SCENES)
def test_at_most_twelve_words_are_large_and_all_that_matters_is_among_them(
    city: Panel, onlooker: Page, scene: str, language: Language
) -> None:
    visit(onlooker, city, scene, language)
    for size in SIZES:
        onlooker.set_viewport_size(size)
        large = onlooker.evaluate(LARGE_TEXTS)
        assert len(" ".join(large).split()) <= MOST_WORDS, large
        shown = [onlooker.locator(place).all_inner_texts() for place in (".tile strong", ".next strong")]
        shown += [
            onlooker.locator(place).all_inner_texts() for place in (".verdict strong", ".points strong")
        ]
        assert {text for texts in shown for text in texts if text} <= set(large)


@pytest.mark.parametrize("city", ["beijing"], indirect=True)
@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (Language.ENGLISH, "Food Right_bin +12 Tap_card"),
        (Language.CHINESE, "厨余垃圾 投对了 +12 请刷卡"),
    ],
)
def test_bin_verdict_points_and_next_action_are_large_together(
    city: Panel, onlooker: Page, language: Language, expected: str
) -> None:
    visit(onlooker, city, "points", language)
    assert {text.replace("_", " ") for text in expected.split()} <= set(onlooker.evaluate(LARGE_TEXTS))


@pytest.mark.parametrize("city", ["beijing", "shanghai"], indirect=True)
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("scene", SCENES)
def test_nothing_overlaps_is_cut_off_or_needs_scrolling(
    city: Panel, onlooker: Page, scene: str, language: Language
) -> None:
    visit(onlooker, city, scene, language)
    for size in SIZES:
        onlooker.set_viewport_size(size)
        assert onlooker.evaluate(MISPLACED) == [], size
        assert onlooker.evaluate("document.documentElement.scrollWidth") <= size["width"]
        if size is not PHONE:
            assert onlooker.evaluate("document.documentElement.scrollHeight") <= size["height"], size


@pytest.mark.parametrize("city", ["beijing"], indirect=True)
def test_what_the_voice_says_is_at_least_twenty_pixels_high(city: Panel, onlooker: Page) -> None:
    visit(onlooker, city, "right", Language.CHINESE)
    for size in SIZES:
        onlooker.set_viewport_size(size)
        assert onlooker.evaluate(SMALLEST_TEXT) >= 20


def test_a_change_reaches_the_page_without_a_reload(panel: Panel, page: Page) -> None:
    panel.folder.write_state(live())
    page.goto(f"{panel.url}/?lang=en")
    page.evaluate("window.loadedOnce = true")
    panel.folder.write_state(SCENES["held"]())
    expect(page.locator(".verdict strong")).to_have_text("Food Waste")
    expect(page.locator(".points strong")).to_have_text("+2")
    expect(page.locator(".held")).to_have_text("on hold")
    assert page.evaluate("window.loadedOnce") is True


def test_a_lid_moves_rather_than_jumps(panel: Panel, page: Page) -> None:
    panel.folder.write_state(live())
    page.goto(panel.url)
    page.evaluate(
        """() => {
          window.moves = [];
          document.addEventListener("transitionrun", (event) => {
            if (event.target.classList.contains("lid")) {
              window.moves.push([event.target.closest(".bin").dataset.lid, event.propertyName]);
            }
          });
        }"""
    )
    for phase in (LidPhase.OPENING, LidPhase.OPEN, LidPhase.CLOSING, LidPhase.SHUT):
        panel.folder.write_state(live(shown=bins(bin_of(Category.KITCHEN, phase))))
        page.wait_for_function(
            "phase => window.moves.some(([lid, what]) => lid === phase && what === 'transform')",
            arg=phase.value,
        )
    assert {lid for lid, _ in page.evaluate("window.moves")} == {phase.value for phase in LidPhase}


def test_those_who_want_less_motion_get_none(panel: Panel, browser: Browser) -> None:
    panel.folder.write_state(SCENES["opening"]())
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(panel.url)
    page.locator(".lid").first.wait_for(state="attached")
    assert page.evaluate("document.getAnimations().length") == 0
    moving = "getComputedStyle(document.querySelector('[data-lid=opening] .lid')).transitionDuration"
    assert page.evaluate(moving) == "0s"
    context.close()


def test_a_new_picture_replaces_the_one_before(panel: Panel, page: Page, jpeg: bytes) -> None:
    panel.folder.write_picture(jpeg)
    panel.folder.write_state(live())
    page.goto(panel.url)
    eye = page.locator(".eye img")
    expect(eye).to_have_attribute("src", re.compile(r"\?v=1-"))
    with page.expect_response(re.compile(r"/picture\.jpg\?v=2-")) as fetched:
        panel.folder.write_picture(jpeg)
        panel.folder.write_state(msgspec.structs.replace(live(), picture=2))
    assert fetched.value.ok
    page.wait_for_function("() => document.querySelector('.eye img').naturalWidth === 64")


def test_a_station_that_goes_and_comes_back_is_shown_so(panel: Panel, page: Page) -> None:
    page.goto(panel.url)
    expect(page.locator(".away")).to_be_visible()
    panel.folder.write_state(live())
    expect(page.locator(".away")).to_be_hidden()
    expect(page.locator(".next")).to_be_visible()
    (panel.path / STATE_FILE).unlink()
    expect(page.locator(".away")).to_be_visible()
    assert len(" ".join(page.evaluate(LARGE_TEXTS)).split()) <= MOST_WORDS


def test_a_panel_that_goes_and_comes_back_is_found_again(tmp_path: Path, page: Page) -> None:
    port = free_port()  # nobody else is given it while the panel is away
    with running(tmp_path, port) as panel:
        panel.folder.write_state(live())
        page.goto(f"{panel.url}/?lang=en")
        expect(page.locator(".next strong")).to_have_text("Tap card")
    expect(page.locator(".away")).to_be_visible()
    with running(tmp_path, port) as panel:
        panel.folder.write_state(SCENES["opening"]())
        expect(page.locator(".next strong")).to_have_text("Drop it in")
        expect(page.locator(".away")).to_be_hidden()


def test_a_page_of_another_version_loads_anew(panel: Panel, page: Page) -> None:
    panel.folder.write_state(live())
    page.goto(panel.url)
    page.route("**/events*", lambda route: route.abort())
    page.reload()
    page.evaluate("document.body.dataset.build = 'older'; window.older = true")
    page.unroute("**/events*")
    page.wait_for_function("() => window.older === undefined")
    assert page.evaluate("document.body.dataset.build") != "older"


def test_a_screen_too_many_still_follows_though_more_slowly(panel: Panel, browser: Browser) -> None:
    panel.folder.write_state(live())
    context = browser.new_context()
    page = context.new_page()
    page.route("**/events*", lambda route: route.fulfill(status=503, body=f"{MOST_STREAMS} screens"))
    page.goto(f"{panel.url}/?lang=en")
    panel.folder.write_state(SCENES["opening"]())
    expect(page.locator(".next strong")).to_have_text("Drop it in")
    context.close()


def test_the_language_button_is_large_and_its_choice_lasts(panel: Panel, page: Page) -> None:
    panel.folder.write_state(live())
    page.goto(panel.url)
    button = page.get_by_role("link", name="English")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 48
    button.click()
    expect(page.locator(".next strong")).to_have_text(load_words().asked("tap").en)
    page.goto(panel.url)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("link", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_the_statement_can_be_opened_from_the_screen(panel: Panel, page: Page) -> None:
    panel.folder.write_state(live())
    left = {"url": f"{panel.url}/faults?lang=en", "name": "3-201"}
    (panel.path / LINK_FILE).write_text(json.dumps(left), encoding="utf-8")
    page.goto(f"{panel.url}/?lang=en")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Statement · 3-201").click()
    expect(opened.value.locator("h1")).to_have_text("Faults")


def test_the_faults_line_leads_the_installer_to_their_mend(panel: Panel, page: Page) -> None:
    panel.folder.write_state(SCENES["full and faulty"]())
    page.goto(f"{panel.url}/?lang=en")
    page.get_by_role("link", name=re.compile("lid_stuck_shut · hazardous")).click()
    expect(page.locator(".fault")).to_have_count(3)


def test_without_scripts_the_screen_still_shows_the_state(panel: Panel, browser: Browser) -> None:
    panel.folder.write_state(SCENES["points"]())
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{panel.url}/?lang=en")
    expect(page.locator(".points strong")).to_have_text("+12")
    panel.folder.write_state(SCENES["opening"]())
    expect(page.locator(".next strong")).to_have_text("Drop it in")
    context.close()


def test_verdict_and_next_action_are_read_out_when_they_change(panel: Panel, page: Page) -> None:
    panel.folder.write_state(live())
    page.goto(panel.url)
    handle = page.locator(".verdict").element_handle()
    assert page.locator(".next").get_attribute("aria-live") == "assertive"
    assert page.locator(".verdict").get_attribute("aria-live") == "polite"
    panel.folder.write_state(SCENES["right"]())
    expect(page.locator(".verdict strong")).to_have_text("投对了")
    # A region that is replaced is not read out, so the one that was there must have stayed.
    assert page.evaluate("region => region.isConnected", handle)


def test_each_tile_wears_the_citys_colour(panel: Panel, page: Page) -> None:
    panel.folder.write_state(live())
    page.goto(panel.url)
    drawn = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.tile')].map("
        "(tile) => [tile.dataset.category, getComputedStyle(tile).backgroundColor]))"
    )
    faces = load_sorting("beijing").category
    assert drawn == {
        category.value: "rgb({}, {}, {})".format(*bytes.fromhex(face.hex[1:]))
        for category, face in faces.items()
    }
