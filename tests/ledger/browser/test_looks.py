"""Every page of the ledger as axe-core sees it, in every size and language.

With TONGZHAN_SHOTS each is kept as a picture for a person to look at (tests/looks.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from django.conf import settings
from django.db import connection
from playwright.sync_api import Browser, Page, ViewportSize

from cloud_sync.ledger.enrolment.invitations import take_back
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.officers.rights import OfficerRole
from cloud_sync.ledger.points.models import Household
from cloud_sync.ledger.statement.links import end_links, statement_link
from cloud_sync.wire.enrolment_code import parse_code
from cloud_sync.wire.facts import DepositFacts
from config.station import Language
from edge.enrol.scanning import code_in
from models.pictures import decode
from tests.ledger.points.test_debts import owing
from tests.ledger.signing_in import new_officer
from tests.ledger.town import (
    EPOCH,
    HAZARDOUS,
    NOTHING,
    RIGHT,
    UNSEEN,
    UNSURE,
    WRONG,
    Town,
    card,
    event,
    stamp,
    visit_facts,
)
from tests.looks import look

SIZES = tuple(
    ViewportSize(width=width, height=height)
    for width, height in ((320, 640), (360, 740), (800, 480), (1280, 800), (720, 1280))
)
USUAL = SIZES[:1] + SIZES[3:4]
"""The narrowest and the widest; the others are looked at by scripts/test --full."""
every_size = pytest.mark.parametrize(
    "sizes", [USUAL, pytest.param(SIZES, marks=pytest.mark.full)], ids=["usual", "all"]
)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def look_at(page: Page, address: str, name: str, sizes: Iterable[ViewportSize]) -> None:
    """Open a page in both languages, at every size, as it is and with all its folds open."""
    for language in Language:
        page.goto(f"{address}?lang={language}")
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        for size in sizes:
            page.set_viewport_size(size)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], size
            look(page, f"{name}.{language}.{size['width']}x{size['height']}")


def labelled(deposit: DepositFacts, label: str) -> DepositFacts:
    """The same deposit as a model that knows its labels sends it."""
    assert deposit.verdict is not None
    return msgspec.structs.replace(deposit, verdict=msgspec.structs.replace(deposit.verdict, label=label))


def household_of_everything(town: Town) -> Household:
    """A household whose statement has a line of every kind."""
    household = owing(town, 1, left=1)
    now = datetime.now(UTC)
    bind_card(household, card(2), now)
    peel, bottle = labelled(RIGHT, "banana_peel"), labelled(WRONG, "plastic")
    days = [
        (peel, peel, peel, bottle, UNSURE, UNSEEN, HAZARDOUS),
        (NOTHING,),
        (),
        tuple([peel] * 20),
    ]
    for number, deposits in enumerate(days, 2):
        at = stamp(now - timedelta(days=number - 2))
        points = 2 * sum(deposit is peel for deposit in deposits) + 7 * (HAZARDOUS in deposits)
        town.deliver(event(number, visit_facts(2, *deposits, provisional=points), at=at), now=now)
    return household


@every_size
def test_nobody_is_kept_from_reading_a_statement(
    served: str, page: Page, town: Town, sizes: tuple[ViewportSize, ...]
) -> None:
    def link(household: Household) -> str:
        return statement_link(household).replace(settings.LEDGER.url, served)

    fresh, full = link(add_household(town.community, "3-2-509", "刘敏")), link(household_of_everything(town))
    connection.close()
    look_at(page, fresh, "statement-empty", sizes)
    look_at(page, full, "statement-full", sizes)
    look_at(page, f"{served}/", "statement-home", sizes)
    look_at(page, f"{served}/statement/nothing/", "statement-404", sizes)


@pytest.fixture
def signed_in(served: str, page: Page) -> Callable[[], None]:
    password = new_officer("wang")
    connection.close()

    def sign_in() -> None:
        page.goto(f"{served}/office/?lang=zh")
        page.get_by_label("用户名").fill("wang")
        page.get_by_label("密码").fill(password)
        page.locator("form.login button").click()
        page.locator(".counts").wait_for()

    return sign_in


@every_size
def test_no_officer_is_kept_from_reading_what_waits(
    served: str, page: Page, town: Town, signed_in: Callable[[], None], sizes: tuple[ViewportSize, ...]
) -> None:
    look_at(page, f"{served}/office/login/", "office-login", sizes)
    signed_in()
    look_at(page, f"{served}/office/", "office-empty", sizes)
    look_at(page, f"{served}/office/debts/", "office-no-debts", sizes)
    owing(town, 1)
    owing(town, 2)
    now = datetime.now(UTC)
    town.deliver(event(3, visit_facts(3, RIGHT, provisional=2), at=stamp(now)), now=now)
    town.deliver(event(3, visit_facts(3, RIGHT, provisional=1), at=stamp(now)), now=now)
    town.deliver(event(4, visit_facts(4, RIGHT, provisional=2, rules=7), at=stamp(now)), now=now)
    town.deliver(b'{"epoch":"' + EPOCH.encode() + b'","sequence":5,"nonsense":true}', b'{"nonsense":true}')
    end_links(add_household(town.community, "3-2-509"), "wang", "发错了手机号", now)
    connection.close()
    look_at(page, f"{served}/office/", "office-full", sizes)
    look_at(page, f"{served}/office/debts/", "office-debts", sizes)


@every_size
def test_nobody_is_kept_from_adding_a_station(
    served: str, page: Page, town: Town, sizes: tuple[ViewportSize, ...]
) -> None:
    password = new_officer("wang", OfficerRole.INSTALLER, town.community)
    connection.close()
    page.goto(f"{served}/office/enrolment/?lang=zh")
    page.get_by_label("用户名").fill("wang")
    page.get_by_label("密码").fill(password)
    page.locator("form.login button").click()
    page.get_by_label("短名").wait_for()
    look_at(page, f"{served}/office/enrolment/", "enrolment-empty", sizes)
    page.get_by_label("Short name").fill("east-gate")
    page.get_by_label("Chinese name").fill("东门桶站")
    page.get_by_label("Why?").fill("a new station")
    page.get_by_role("button", name="Make a code").click()
    page.locator(".code-picture svg").wait_for()
    text = page.locator("code").inner_text()
    for size in sizes:
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], size
        look(page, f"enrolment-code.en.{size['width']}x{size['height']}")
    picture = page.locator(".code-picture").screenshot()
    assert code_in(decode(picture)) == parse_code(text)
    take_back(town.community, parse_code(text).number.hex(), "wang", datetime.now(UTC))
    connection.close()
    page.get_by_text("Taken back, or replaced by a newer one.").wait_for()
    assert page.locator(".code-picture").count() == 0
    look_at(page, f"{served}/office/enrolment/", "enrolment-codes", sizes)
