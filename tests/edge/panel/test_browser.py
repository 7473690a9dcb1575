"""The screen in a real browser: what is large, what fits, and what moves without a reload."""

from __future__ import annotations

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
from edge.panel.colours import contrast
from edge.panel.folder import OUT_OF_SERVICE_S
from edge.panel.sse import MOST_STREAMS
from edge.screen.state import STATE_FILE, STATE_STALE_S, LidPhase, LiveText
from scripts.testbed.ports import free_port
from tests.edge.panel.conftest import Panel, running
from tests.edge.panel.scenes import NOW, SCENES, bin_of, bins, live

MOST_WORDS = 12
KIOSK = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
SCREENS = (
    KIOSK,
    ViewportSize(width=1024, height=600),
    ViewportSize(width=800, height=480),
    ViewportSize(width=480, height=800),
    ViewportSize(width=720, height=1280),
)
"""Screens of stations, lying and upright: nothing on them may need scrolling."""
PHONES = (PHONE, ViewportSize(width=360, height=740), ViewportSize(width=320, height=640))
SIZES = (*SCREENS, *PHONES)
LONG_NAME = "陈" * 40
UNBROKEN = "Llanfairpwllgwyngyllgogerychwyrndrobwllll"

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
        places = (".tile strong", ".next strong", ".verdict strong", ".points strong")
        shown = [text for place in places for text in onlooker.locator(place).all_inner_texts() if text]
        assert {text.removesuffix(" Waste").removesuffix("\nWaste") for text in shown} <= set(large)


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
        assert onlooker.evaluate("document.documentElement.scrollWidth") <= size["width"], size
        if size not in PHONES:
            assert onlooker.evaluate("document.documentElement.scrollHeight") <= size["height"], size


@pytest.mark.parametrize("city", ["beijing"], indirect=True)
@pytest.mark.parametrize("name", [LONG_NAME, UNBROKEN])
def test_long_names_that_cannot_be_broken_push_nothing_off_the_screen(
    city: Panel, onlooker: Page, name: str
) -> None:
    faulty = SCENES["full and faulty"]()
    city.folder.write_state(msgspec.structs.replace(faulty, name=LiveText(name, name)))
    for path in ("/", "/faults"):
        onlooker.goto(f"{city.url}{path}")
        expect(onlooker.locator(".place")).to_contain_text(name)
        for size in SIZES:
            onlooker.set_viewport_size(size)
            assert onlooker.evaluate(MISPLACED) == [], size
            assert onlooker.evaluate("document.documentElement.scrollWidth") <= size["width"], size


@pytest.mark.parametrize("city", ["beijing"], indirect=True)
@pytest.mark.parametrize("language", Language)
def test_the_privacy_notice_is_one_line_of_at_least_24_pixels_above_the_faults(
    city: Panel, onlooker: Page, language: Language
) -> None:
    visit(onlooker, city, "full and faulty", language)
    for size in SCREENS:
        onlooker.set_viewport_size(size)
        notice, faults = onlooker.locator(".notice p").first, onlooker.locator(".button.faults")
        assert onlooker.locator(".notice .icon").is_visible()
        drawn, below = notice.bounding_box(), faults.bounding_box()
        assert drawn is not None
        assert below is not None
        font_px = notice.evaluate("line => parseFloat(getComputedStyle(line).fontSize)")
        assert font_px >= 24
        assert drawn["height"] < 1.6 * font_px, size
        icon = onlooker.locator(".notice .icon").bounding_box()
        assert icon is not None
        assert icon["x"] + icon["width"] <= drawn["x"]
        assert abs(icon["y"] - drawn["y"]) < font_px, size
        assert drawn["y"] + drawn["height"] <= below["y"], size


@pytest.mark.parametrize("city", ["beijing"], indirect=True)
@pytest.mark.parametrize(("scene", "opacity"), [("emergency", "0"), ("right", "1")])
def test_no_arrow_leads_into_a_bin_that_is_out_of_order(
    city: Panel, onlooker: Page, scene: str, opacity: str
) -> None:
    visit(onlooker, city, scene, Language.CHINESE)
    expect(onlooker.locator("[data-lid=open] .into").first).to_have_css("opacity", opacity)


@pytest.mark.parametrize("city", ["beijing"], indirect=True)
def test_what_the_voice_says_is_at_least_twenty_pixels_high_and_grows_with_the_screen(
    city: Panel, onlooker: Page
) -> None:
    visit(onlooker, city, "right", Language.CHINESE)
    for size in SIZES:
        onlooker.set_viewport_size(size)
        assert onlooker.evaluate(SMALLEST_TEXT) >= 20
    onlooker.set_viewport_size(ViewportSize(width=3840, height=2160))
    assert onlooker.evaluate(SMALLEST_TEXT) >= 50


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
    panel.folder.write_state(msgspec.structs.replace(live(), picture=1))
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


def test_the_focus_stays_when_faults_come_and_go(panel: Panel, page: Page) -> None:
    panel.folder.write_state(live())
    page.goto(f"{panel.url}/?lang=en")
    language = page.locator(".button.language")
    language.focus()
    panel.folder.write_state(SCENES["full and faulty"]())
    expect(page.locator(".button")).to_have_count(2)
    expect(language).to_be_focused()
    panel.folder.write_state(live())
    expect(page.locator(".button")).to_have_count(1)
    expect(language).to_be_focused()


def test_the_faults_page_follows_without_a_reload_and_keeps_the_keyboards_focus(
    panel: Panel, page: Page
) -> None:
    panel.folder.write_state(live())
    page.goto(f"{panel.url}/faults?lang=en")
    page.evaluate("window.loadedOnce = true")
    back = page.get_by_role("link", name="Back")
    back.focus()
    panel.folder.write_state(SCENES["full and faulty"]())
    expect(page.locator(".fault")).to_have_count(3)
    expect(page.locator(".fault h2").first).to_have_text("Lid does not open Hazardous Waste bin")
    expect(back).to_be_focused()
    assert page.evaluate("window.loadedOnce") is True


def test_the_faults_button_leads_the_installer_to_their_mend(panel: Panel, page: Page) -> None:
    panel.folder.write_state(SCENES["full and faulty"]())
    page.goto(f"{panel.url}/?lang=en")
    page.get_by_role("link", name="3 faults").click()
    expect(page.locator(".fault")).to_have_count(3)


def test_focus_can_be_seen(panel: Panel, page: Page) -> None:
    panel.folder.write_state(live())
    for path in ("/", "/faults"):
        page.goto(f"{panel.url}{path}")
        page.keyboard.press("Tab")
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineColor")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert contrast(hex_of(ring), hex_of(ground)) >= 3


def hex_of(colour: str) -> str:
    """Turn a browser's rgb(r, g, b) into #RRGGBB."""
    return "#{:02X}{:02X}{:02X}".format(*map(int, re.findall(r"\d+", colour)[:3]))


def test_a_station_that_stays_away_is_said_to_be_out_of_service(tmp_path: Path, page: Page) -> None:
    present = [NOW]
    with running(tmp_path, now=lambda: present[0]) as panel:
        panel.folder.write_state(live())
        page.goto(f"{panel.url}/?lang=en")
        present[0] = NOW + STATE_STALE_S + 1
        expect(page.locator(".away .soon .large")).to_be_visible()
        expect(page.locator(".away .late .large")).to_be_hidden()
        present[0] = NOW + OUT_OF_SERVICE_S
        expect(page.locator(".away .late .large")).to_have_text("暂停服务 Out of service")
        expect(page.locator(".away .soon .large")).to_be_hidden()


def test_before_a_deposit_the_screen_shows_what_goes_where(panel: Panel, page: Page) -> None:
    panel.folder.write_state(live())
    page.goto(f"{panel.url}/?lang=en")
    expect(page.locator(".guide li").nth(1)).to_have_text("leftovers, peel, leaves")
    expect(page.locator(".blind")).to_be_hidden()


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
