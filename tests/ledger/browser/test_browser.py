"""The statement in a real browser, served by the real server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import connection
from playwright.sync_api import Browser, Page, expect

from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.officers.throttle import ACCOUNT
from cloud_sync.ledger.statement.links import end_links, statement_link
from tests.ledger.points.test_debts import owing
from tests.ledger.signing_in import new_officer
from tests.ledger.town import HAZARDOUS, NOTHING, RIGHT, WRONG, Town, card, event, stamp, visit_facts
from tests.looks import look


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A page as wide as a small phone; whatever its console complains of fails the test."""
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 360, "height": 740}, locale="zh-CN")
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    assert complaints == []


def font_sizes(page: Page, selector: str) -> list[float]:
    """In pixels, of every element that the selector finds."""
    script = "found => found.map(one => parseFloat(getComputedStyle(one).fontSize))"
    sizes: list[float] = page.locator(selector).evaluate_all(script)
    return sizes


def test_a_resident_reads_switches_language_and_sees_the_balance_rise(
    served: str, phone: Page, town: Town
) -> None:
    now = datetime.now(UTC)
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), now)
    town.deliver(event(1, visit_facts(1, *[HAZARDOUS] * 5, WRONG, provisional=25), at=stamp(now)), now=now)
    link = statement_link(household).replace(settings.LEDGER.url, served)
    connection.close()

    phone.goto(link)
    expect(phone.locator(".points")).to_have_text("25")
    expect(phone.locator("body")).to_contain_text("下次请投到可回收物桶。")
    assert min(font_sizes(phone, "header *, main *")) >= 18
    assert min(font_sizes(phone, ".points")) >= 48
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    target = phone.locator(".language").bounding_box()
    assert target is not None
    assert target["height"] >= 48

    phone.locator(".language").click()
    expect(phone.locator("h1")).to_have_text("Your points")
    phone.evaluate("window.sameDocument = true")
    phone.evaluate("window.sameBalance = document.getElementById('balance')")
    phone.locator(".language").focus()
    town.deliver(event(2, visit_facts(1, RIGHT, provisional=2), at=stamp(now)), now=now)
    connection.close()
    expect(phone.locator(".points")).to_have_text("27")
    assert phone.evaluate("window.sameDocument") is True
    assert phone.evaluate("window.sameBalance.isConnected") is True
    expect(phone.locator("h1")).to_have_text("Your points")


def test_focus_stays_on_a_link_while_the_statement_is_updated(served: str, phone: Page, town: Town) -> None:
    now = datetime.now(UTC)
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), now)
    numbers = range(1, 33)
    town.deliver(*(event(n, visit_facts(1, NOTHING, provisional=0), at=stamp(now)) for n in numbers), now=now)
    link = statement_link(household).replace(settings.LEDGER.url, served)
    connection.close()
    phone.goto(link)
    older = phone.locator("#older a")
    before = older.get_attribute("href")
    older.focus()
    town.deliver(event(33, visit_facts(1, RIGHT, provisional=2), at=stamp(now)), now=now)
    connection.close()
    expect(phone.locator(".points")).to_have_text("2")
    expect(older).to_be_focused()
    assert older.get_attribute("href") != before


@pytest.mark.parametrize("width", [320, 360])
def test_a_long_name_without_a_space_makes_no_page_scroll_sideways(
    served: str, phone: Page, town: Town, width: int
) -> None:
    household = add_household(town.community, "A" * 32, "W" * 64)
    link = statement_link(household).replace(settings.LEDGER.url, served)
    connection.close()
    phone.set_viewport_size({"width": width, "height": 740})
    phone.goto(link)
    assert phone.evaluate("document.documentElement.scrollWidth") <= width


def test_an_officer_gives_held_points_by_keyboard_alone(served: str, browser: Browser, town: Town) -> None:
    now = datetime.now(UTC)
    password = new_officer("wang")
    add_household(town.community, "3-2-501")
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2), at=stamp(now)), now=now)
    connection.close()
    page = browser.new_page(viewport={"width": 360, "height": 740}, locale="zh-CN")
    page.goto(f"{served}/office/")
    expect(page.get_by_label("用户名")).to_be_focused()  # by the page itself, a moment after it is loaded
    page.keyboard.type("wang")
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")
    page.locator("#held summary.button").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("3-2-501")
    page.keyboard.press("Tab")
    page.keyboard.type("住户当面刷卡确认")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("这张卡已登记到 3-2-501，已发放 2 分。")
    expect(page.locator(".outcome-of")).to_be_focused()
    page.close()


@pytest.mark.parametrize("width", [320, 360, 800, 1280])
def test_an_officer_signs_in_and_reads_what_waits_on_a_phone(
    served: str, browser: Browser, town: Town, width: int
) -> None:
    now = datetime.now(UTC)
    password = new_officer("wang")
    connection.close()
    page = browser.new_page(viewport={"width": width, "height": 740}, locale="zh-CN")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{served}/office/")
    look(page, f"login-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_label("用户名").fill("wang")
    page.get_by_label("密码").fill("wrong")
    page.locator("form.login button").click()
    expect(page.get_by_role("alert")).to_have_text("用户名或密码不对。")
    expect(page.get_by_label("用户名")).to_have_value("wang")
    page.get_by_label("密码").fill(password)
    page.locator("form.login button").click()
    expect(page.locator(".nothing")).to_have_count(3)
    look(page, f"office-empty-{width}")

    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2), at=stamp(now)), now=now)
    town.deliver(event(1, visit_facts(1, WRONG, provisional=0), at=stamp(now)), now=now)
    town.deliver(event(2, visit_facts(2, RIGHT, provisional=2, rules=7), at=stamp(now)), now=now)
    connection.close()
    page.reload()
    expect(page.locator("#aside .item")).to_have_count(2)
    expect(page.locator("#held .item")).to_contain_text("这张卡还没有登记到住户。")
    look(page, f"office-zh-{width}")
    assert min(font_sizes(page, "header *, main *:not(.sr-only, [type=hidden])")) >= 18
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".language").click()
    expect(page.locator("#aside .item").first).to_contain_text("rules")
    assert page.locator("#held code").first.is_hidden()
    page.locator("#held .technical summary").first.click()
    assert page.locator("#held code").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    look(page, f"office-en-{width}")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading")).to_have_text("Sign in")
    page.close()
    assert complaints == []


def test_an_officer_reads_whose_links_were_taken_back_and_a_guesser_when_to_try_again(
    served: str, browser: Browser, town: Town
) -> None:
    password = new_officer("wang")
    end_links(add_household(town.community, "3-2-501"), "wang", "发错了手机号", datetime.now(UTC))
    connection.close()
    page = browser.new_page(viewport={"width": 360, "height": 740}, locale="zh-CN")

    def sign_in(typed: str) -> None:
        page.get_by_label("用户名").fill("wang")
        page.get_by_label("密码").fill(typed)
        with page.expect_navigation():
            page.locator("form.login button").click()

    page.goto(f"{served}/office/")
    sign_in(password)
    expect(page.locator("#links .item")).to_contain_text("3-2-501")
    expect(page.locator("#links .item")).to_contain_text("wang。发错了手机号")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    look(page, "office-links-zh-360")
    page.get_by_role("button", name="退出").click()
    alert = page.get_by_role("alert")
    for _ in range(2 * ACCOUNT.free):  # the first waits are over before a slow machine tries again
        sign_in("guessed")
        if "试的次数太多了。请过" in alert.inner_text():
            break
    expect(alert).to_contain_text("试的次数太多了。请过")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    look(page, "login-later-zh-360")
    page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_an_officer_reads_what_is_owed_and_lets_a_household_off(
    served: str, browser: Browser, town: Town, width: int
) -> None:
    password = new_officer("wang")
    connection.close()
    page = browser.new_page(viewport={"width": width, "height": 844}, locale="zh-CN")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{served}/office/debts/")
    page.get_by_label("用户名").fill("wang")
    page.get_by_label("密码").fill(password)
    page.locator("form.login button").click()
    expect(page.locator(".nothing")).to_have_text("没有待扣积分。")
    look(page, f"debts-empty-zh-{width}")
    for number in (1, 2):
        owing(town, number)
    town.deliver(event(8, visit_facts(1, RIGHT, provisional=2)))
    connection.close()
    page.reload()
    expect(page.locator("#owed .debt")).to_have_count(2)
    look(page, f"debts-zh-{width}")
    page.locator(".language").click()
    first = page.locator("#owed .debt").first
    expect(first).to_contain_text("Still owed")
    expect(first).to_contain_text("3 points")
    look(page, f"debts-en-{width}")
    first.locator("summary").click()
    first.get_by_label("Why?").fill("  ")
    first.get_by_role("button", name="Waive 3 points").click()
    expect(page.get_by_role("alert")).to_contain_text("Give a reason")
    look(page, f"debts-wrong-en-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert min(font_sizes(page, "header *, main *:not(.sr-only, [type=hidden])")) >= 18
    first.get_by_label("Why?").fill("the camera was at fault, not the family")
    first.get_by_role("button", name="Waive 3 points").click()
    expect(page.locator("#ended .debt")).to_contain_text("Waived")
    expect(page.locator("#owed .debt")).to_have_count(1)
    look(page, f"debts-ended-en-{width}")
    page.locator(".language").click()
    expect(page.locator("#ended .debt")).to_contain_text("已免扣")
    look(page, f"debts-ended-zh-{width}")
    page.get_by_role("link", name="等您处理的事").click()
    expect(page.locator(".counts .count")).to_have_count(5)
    look(page, f"office-counts-zh-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
    assert complaints == []
