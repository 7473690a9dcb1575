"""The officers' own pages in a real browser: sign-in with a phone, confirming, rights, and who did what."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, Page, ViewportSize, expect

from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.officers.register import add_officer
from cloud_sync.ledger.officers.rights import OfficerRole
from tests.ledger.browser.test_looks import every_size, look_at
from tests.ledger.signing_in import code_of, new_officer, signed_in
from tests.ledger.town import RIGHT, Town, card, event, stamp, visit_facts
from tests.looks import look


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="zh-CN", viewport={"width": 320, "height": 740})
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert [line for line in complaints if "404" not in line] == []


def enter(page: Page, served: str, client: Client) -> None:
    """Let the browser go on with a session that a test began."""
    value = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": value, "url": served}])
    connection.close()


def is_within(page: Page) -> bool:
    width = page.evaluate("document.documentElement.scrollWidth")
    return bool(width <= (page.viewport_size or {"width": 0})["width"])


def test_an_admin_sets_up_a_phone_on_a_small_screen_and_signs_in_with_it(
    served: str, page: Page, town: Town
) -> None:
    assert town.community.pk
    password = new_officer("wang", OfficerRole.ADMIN)
    connection.close()

    def sign_in() -> None:
        page.goto(f"{served}/office/")
        page.get_by_label("用户名").fill("wang")
        page.get_by_label("密码").fill(password)
        page.locator("form.login button").click()

    sign_in()
    expect(page.get_by_role("heading", name="设置二次验证")).to_be_visible()
    expect(page.get_by_role("img", name="身份验证器应用用的二维码")).to_be_visible()
    assert is_within(page)
    look(page, "second-factor-setup-zh-320")
    page.locator(".language").click()
    look(page, "second-factor-setup-en-320")
    page.locator(".language").click()
    letters = page.locator(".steps code").inner_text().replace(" ", "")
    page.get_by_label("验证码").fill("000000")
    page.get_by_role("button", name="继续").click()
    expect(page.get_by_role("alert")).to_have_text("验证码不对、已过期，或已经用过。")
    look(page, "second-factor-wrong-zh-320")
    page.get_by_label("验证码").fill(shown_by_phone(letters))
    page.get_by_role("button", name="继续").click()
    expect(page.get_by_role("heading", name="请抄下恢复码")).to_be_visible()
    assert is_within(page)
    look(page, "recovery-codes-zh-320")
    recovery = page.locator(".recovery code").first.inner_text()
    page.get_by_role("link", name="我已经抄好").click()
    expect(page.locator(".counts")).to_be_visible()
    page.get_by_role("button", name="退出").click()
    sign_in()
    expect(page.get_by_role("heading", name="手机上的验证码")).to_be_visible()
    expect(page.get_by_label("验证码")).to_be_focused()
    assert is_within(page)
    look(page, "second-factor-zh-320")
    page.locator(".language").click()
    look(page, "second-factor-en-320")
    page.get_by_label("Code").fill(recovery.upper())
    page.keyboard.press("Enter")
    expect(page.locator(".counts")).to_be_visible()


def shown_by_phone(letters: str) -> str:
    return code_of(base64.b32decode(letters).hex(), datetime.now(UTC))


def test_what_was_typed_goes_on_after_the_password_was_asked_again(
    served: str, page: Page, town: Town
) -> None:
    now = datetime.now(UTC)
    password = new_officer("wang")
    bind_card(add_household(town.community, "3-2-501"), card(1), now)
    town.station("east-gate")
    town.limit(0, "east-gate")
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2), at=stamp(now)), now=now)
    enter(page, served, signed_in(Client(), confirmed=False))
    page.goto(f"{served}/office/")
    page.locator("#held summary.button").first.click()
    page.locator("#held form input[name=reason]").first.fill("现场核对过")
    page.locator("#held form button").first.click()
    expect(page.get_by_role("heading", name="请确认是您本人")).to_be_visible()
    expect(page.get_by_label("密码")).to_be_focused()
    assert is_within(page)
    look(page, "confirm-zh-320")
    page.get_by_label("密码").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("密码不对。")
    look(page, "confirm-wrong-zh-320")
    page.get_by_label("密码").fill(password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text(re.compile("已发放 2 分"))
    expect(page.locator("#done")).to_contain_text("现场核对过")


@every_size
def test_the_table_of_rights_and_who_did_what_in_every_size(
    served: str, page: Page, town: Town, sizes: tuple[ViewportSize, ...]
) -> None:
    new_officer("wang", OfficerRole.ADMIN)
    new_officer("li", OfficerRole.AUDITOR, town.community)
    add_household(town.community, "3-2-501", "王家")
    enter(page, served, signed_in(Client()))
    look_at(page, f"{served}/office/rights/", "office-rights", sizes)
    look_at(page, f"{served}/office/audit/", "office-audit", sizes)
    look_at(page, f"{served}/office/audit/?by=nobody", "office-audit-empty", sizes) if len(
        sizes
    ) < 3 else None
    add_officer("zhao")
    enter(page, served, signed_in(Client(), "zhao"))
    look_at(page, f"{served}/office/", "office-no-role", sizes)
