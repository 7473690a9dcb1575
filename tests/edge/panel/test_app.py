"""The panel's routes, without a server or a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import msgspec
import pytest
from starlette.testclient import TestClient

from cloud_sync.wire.station_state import DoorReading, SupplyReading, TemperatureReading
from config.errors import InputError
from config.reading.load_sorting import load_sorting, shipped_sortings
from config.sorting import Category
from config.station import Language
from config.words import load_words
from edge.faults import FaultCode
from edge.panel.app import create_app
from edge.panel.names import names_of
from edge.screen.state import LiveFault, LiveFolder, LiveState, LiveText
from tests.edge.panel.conftest import application
from tests.edge.panel.scenes import NOW, SCENES, live


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    return TestClient(application(tmp_path))


@pytest.fixture
def folder(tmp_path: Path) -> LiveFolder:
    return LiveFolder(tmp_path)


def words_of(html: str) -> str:
    """Give a page's text with single spaces."""
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", html).split()))


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("language", Language)
def test_the_page_shows_every_kind_of_state_without_scripts(
    client: TestClient, folder: LiveFolder, name: str, language: Language
) -> None:
    state = SCENES[name]()
    folder.write_state(state)
    text = words_of(client.get(f"/?lang={language}").text)
    sorting = load_sorting("beijing")
    for face in sorting.category.values():
        assert (face.zh if language is Language.CHINESE else face.en) in text
    assert load_words().asked(state.next).within(language) in text
    if state.said is not None:
        assert state.said.zh in text
        assert state.said.en in text
    if state.points is not None and state.points.points:
        assert f"+{state.points.points}" in text


def test_a_browser_without_scripts_asks_again_by_itself(client: TestClient) -> None:
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in client.get("/").text


@pytest.mark.parametrize("age_s", [None, 6.0])
def test_a_station_that_is_not_writing_is_said_to_be_down_in_both_languages(
    client: TestClient, folder: LiveFolder, age_s: float | None
) -> None:
    if age_s is not None:
        folder.write_state(msgspec.structs.replace(live(), written_s=NOW - age_s))
    page = client.get("/").text
    assert 'id="screen" data-away="true"' in page
    assert "桶站正在启动" in page
    assert "The station is starting" in page


def test_the_capture_notice_stands_in_both_languages(client: TestClient, folder: LiveFolder) -> None:
    folder.write_state(live())
    text = words_of(client.get("/?lang=en").text)
    assert "正在采集图像，仅用于垃圾分类识别" in text
    assert "Camera in use, only to sort waste" in text


def test_the_first_page_is_in_the_settings_language(client: TestClient) -> None:
    assert '<html lang="zh-CN">' in client.get("/").text


def test_a_chosen_language_is_remembered_in_a_cookie(client: TestClient) -> None:
    chosen = client.get("/?lang=en")
    assert '<html lang="en">' in chosen.text
    assert "SameSite=lax" in chosen.headers["set-cookie"]
    assert '<html lang="en">' in client.get("/").text
    assert '<html lang="zh-CN">' in client.get("/?lang=zh").text
    assert '<html lang="zh-CN">' in client.get("/").text


@pytest.mark.parametrize("asked", ["fr", "", "zh-CN", "../../etc"])
def test_a_language_that_it_does_not_have_is_ignored(client: TestClient, asked: str) -> None:
    answer = client.get("/", params={"lang": asked})
    assert '<html lang="zh-CN">' in answer.text
    assert "set-cookie" not in answer.headers


def test_a_cookie_that_it_did_not_write_is_ignored(tmp_path: Path) -> None:
    client = TestClient(application(tmp_path), cookies={"lang": "klingon"})
    assert '<html lang="zh-CN">' in client.get("/").text


ROUTES = ["/", "/faults", "/colours.css", "/static/panel.css", "/static/panel.js", "/nowhere", "/picture.jpg"]


@pytest.mark.parametrize("path", ROUTES)
def test_every_answer_forbids_what_is_not_its_own(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", [*ROUTES, "/events"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(client: TestClient, path: str, method: str) -> None:
    assert client.request(method, path).status_code in {404, 405}


def test_no_page_has_a_script_or_a_style_within(client: TestClient, folder: LiveFolder) -> None:
    folder.write_state(SCENES["eight bins"]())
    for page in (client.get("/").text, client.get("/faults").text):
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page)


def test_nothing_is_fetched_from_elsewhere(client: TestClient, folder: LiveFolder) -> None:
    folder.write_state(live())
    for path in ("/", "/faults", "/static/panel.css", "/static/panel.js", "/colours.css"):
        addresses = re.findall(r"(?:https?:)?//[^\s\"')]+", client.get(path).text)
        assert {"http://www.w3.org/2000/svg"}.issuperset(address for address in addresses if "." in address)


def test_the_pages_files_are_all_there(client: TestClient) -> None:
    page = client.get("/").text
    addresses = re.findall(r'(?:href|src)="(/[^"]+)"', page)
    assert len(addresses) >= 4
    assert {address: client.get(address).status_code for address in addresses} == dict.fromkeys(
        addresses, 200
    )


def test_the_picture_is_the_stations_last_and_is_never_kept(
    client: TestClient, folder: LiveFolder, jpeg: bytes
) -> None:
    folder.write_picture(jpeg)
    folder.write_state(SCENES["right"]())
    answer = client.get("/picture.jpg?v=1")
    assert (answer.content, answer.headers["content-type"]) == (jpeg, "image/jpeg")
    assert answer.headers["cache-control"] == "no-store"


def test_without_a_picture_there_is_none(client: TestClient) -> None:
    assert client.get("/picture.jpg").status_code == 404


@pytest.mark.parametrize(
    "change", [{"picture": 0}, {"written_s": NOW - 6}], ids=["forgotten", "the station is down"]
)
def test_a_picture_that_is_not_on_the_screen_is_not_given(
    client: TestClient, folder: LiveFolder, jpeg: bytes, change: dict[str, float]
) -> None:
    folder.write_picture(jpeg)
    folder.write_state(msgspec.structs.replace(live(), **change))
    assert client.get("/picture.jpg").status_code == 404


@pytest.mark.parametrize("host", ["localhost:8765", "LOCALHOST", "127.0.0.1", "[::1]:8765", "gate.local."])
def test_it_answers_to_its_own_names(tmp_path: Path, host: str) -> None:
    names = names_of("gate.lan")
    client = TestClient(
        create_app(tmp_path, load_words(), load_sorting("beijing"), Language.CHINESE, names=names)
    )
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    ("framed_by", "ancestors"), [((), "'none'"), (("http://a:1", "http://b"), "http://a:1 http://b")]
)
def test_only_pages_that_it_was_told_of_may_frame_it(
    tmp_path: Path, framed_by: tuple[str, ...], ancestors: str
) -> None:
    app = create_app(tmp_path, load_words(), load_sorting("beijing"), Language.CHINESE, framed_by=framed_by)
    policy = TestClient(app, base_url="http://localhost").get("/").headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors {ancestors}")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "192.0.2.7", "", "[", "::1:8765"])
@pytest.mark.parametrize("path", ["/", "/faults", "/picture.jpg", "/events", "/static/panel.js"])
def test_any_other_name_is_refused_in_both_languages(tmp_path: Path, host: str, path: str) -> None:
    client = TestClient(create_app(tmp_path, load_words(), load_sorting("beijing"), Language.CHINESE))
    answer = client.get(path, headers={"host": host})
    assert answer.status_code == 421
    assert "--name" in answer.text
    assert "请用" in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("hosts", [("localhost", "evil.example"), ("evil.example", "localhost")])
def test_one_of_its_own_names_beside_another_is_refused(tmp_path: Path, hosts: tuple[str, str]) -> None:
    client = TestClient(create_app(tmp_path, load_words(), load_sorting("beijing"), Language.CHINESE))
    assert client.get("/", headers=[("host", host) for host in hosts]).status_code == 421


def test_what_the_station_writes_cannot_become_markup(client: TestClient, folder: LiveFolder) -> None:
    evil = '<img src=x onerror=alert(1)>"'
    folder.write_state(
        msgspec.structs.replace(
            live(said=LiveText(evil, evil)), community=evil, station=evil, name=LiveText("", "")
        )
    )
    page = client.get("/").text
    assert evil not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;&#34;") == 6


@pytest.mark.parametrize("code", FaultCode)
def test_the_installers_page_says_what_each_fault_means_and_its_mend(
    client: TestClient, folder: LiveFolder, code: FaultCode
) -> None:
    folder.write_state(live(faults=(LiveFault(code.value, "kitchen-2"),)))
    words = load_words().fault[code]
    for language in Language:
        text = words_of(client.get(f"/faults?lang={language}").text)
        for expected in (
            code.value,
            "kitchen-2",
            words.title.within(language),
            words.meaning.within(language),
            words.mend.within(language),
        ):
            assert expected in text


def test_the_installers_page_shows_what_cabinets_measure(client: TestClient, folder: LiveFolder) -> None:
    readings = (
        TemperatureReading("mcu", 31.46, 59.9),
        SupplyReading("mcu", 12.0, 119.9),
        DoorReading("left", is_open=True, age_s=7_200.0),
        DoorReading("right", is_open=False, age_s=3 * 86_400.0),
    )
    folder.write_state(msgspec.structs.replace(live(), readings=readings))
    english = words_of(client.get("/faults?lang=en").text)
    for row in (
        "Cabinet temperature mcu 31.5 °C reported just now",
        "Motor supply mcu 12.0 V reported 1 min ago",
        "Cabinet door left open reported 2 h ago",
        "Cabinet door right shut reported 3 days ago",
    ):
        assert row in english
    chinese = words_of(client.get("/faults?lang=zh").text)
    for row in (
        "机柜温度 mcu 31.5 °C 刚刚上报",
        "电机供电 mcu 12.0 V 1 分钟前上报",
        "机柜门 left 开着 2 小时前上报",
        "机柜门 right 关着 3 天前上报",
    ):
        assert row in chinese


def test_without_a_sensor_the_installers_page_speaks_of_none(client: TestClient, folder: LiveFolder) -> None:
    folder.write_state(live())
    assert "Readings" not in client.get("/faults?lang=en").text


@pytest.mark.parametrize("icon", ["temperature", "supply", "door"])
def test_every_reading_has_a_drawing(client: TestClient, icon: str) -> None:
    assert f'id="reading-{icon}"' in client.get("/faults").text


def test_the_installers_page_names_a_fault_that_it_does_not_know(
    client: TestClient, folder: LiveFolder
) -> None:
    folder.write_state(live(faults=(LiveFault("invented_later", "roof"),)))
    text = words_of(client.get("/faults?lang=en").text)
    assert "invented_later" in text
    assert "This version has no description of this fault" in text


def faultless(state: LiveState | None) -> str:
    return "No faults" if state else "The station's program is not running"


@pytest.mark.parametrize("state", [None, live])
def test_the_installers_page_tells_no_faults_from_no_station(
    client: TestClient, folder: LiveFolder, state: Callable[[], LiveState] | None
) -> None:
    if state is not None:
        folder.write_state(state())
    assert faultless(state() if state else None) in words_of(client.get("/faults?lang=en").text)


@pytest.mark.parametrize(
    ("code", "words"),
    [("lid_stuck_shut", "尽快处理"), ("lid_forced", "留意"), ("invented_later", "尽快处理")],
)
def test_the_installers_page_says_in_words_how_soon_to_look(
    client: TestClient, folder: LiveFolder, code: str, words: str
) -> None:
    folder.write_state(live(faults=(LiveFault(code, "hazardous", "bin"),)))
    assert words in words_of(client.get("/faults").text)


def test_the_installers_page_counts_what_waits_for_the_ledger(client: TestClient, folder: LiveFolder) -> None:
    folder.write_state(live())
    assert "Events waiting for the ledger: 3" in words_of(client.get("/faults?lang=en").text)


@pytest.mark.parametrize("city", shipped_sortings())
def test_every_shipped_city_has_its_icons(tmp_path: Path, city: str) -> None:
    assert TestClient(application(tmp_path, city)).get("/").status_code == 200


def test_an_icon_that_the_screen_does_not_have_is_refused_by_its_key(tmp_path: Path) -> None:
    sorting = load_sorting("beijing")
    faces = sorting.category | {
        Category.OTHER: msgspec.structs.replace(sorting.category[Category.OTHER], icon="cat")
    }
    with pytest.raises(InputError, match=r"category\.other\.icon.*cat; use one of bin, food") as refused:
        create_app(tmp_path, load_words(), msgspec.structs.replace(sorting, category=faces), Language.CHINESE)
    assert "recycle" in refused.value.mend


def test_prompts_that_lack_an_action_are_refused_by_its_key(tmp_path: Path) -> None:
    words = load_words()
    lacking = msgspec.structs.replace(
        words, action={name: both for name, both in words.action.items() if name != "wait"}
    )
    with pytest.raises(InputError, match=r"action\.wait"):
        create_app(tmp_path, lacking, load_sorting("beijing"), Language.CHINESE)


@pytest.mark.parametrize(
    ("age_s", "english", "chinese"),
    [
        (3.0, "List of cards: checked with the ledger just now", "卡名单：刚刚与账本核对过"),
        (600.0, "List of cards: checked with the ledger 10 min ago", "卡名单：10 分钟前与账本核对过"),
        (90_000.0, "List of cards: checked with the ledger 25 h ago", "卡名单：25 小时前与账本核对过"),
        (6e5, "List of cards: not checked with the ledger for 6 days", "卡名单：6 天没有与账本核对"),
    ],
)
def test_the_installers_page_says_how_old_the_list_of_cards_is(
    client: TestClient, folder: LiveFolder, age_s: float, english: str, chinese: str
) -> None:
    folder.write_state(msgspec.structs.replace(live(), roster_age_s=age_s))
    assert english in words_of(client.get("/faults?lang=en").text)
    assert chinese in words_of(client.get("/faults?lang=zh").text)


def test_where_no_list_has_come_from_a_ledger_the_installers_page_says_nothing_of_one(
    client: TestClient, folder: LiveFolder
) -> None:
    folder.write_state(live())
    assert "List of cards" not in words_of(client.get("/faults?lang=en").text)
