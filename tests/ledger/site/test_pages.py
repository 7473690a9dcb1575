"""What a resident reads, in both languages."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import NoReturn

import pytest
from django.core import signing
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from cloud_sync.ledger.households.cards import bind_card, set_staff_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.points.corrections import correct, forgive
from cloud_sync.ledger.points.models import Account, Household, Transfer, VisitSettlement
from cloud_sync.ledger.points.posting import Purpose
from cloud_sync.ledger.statement.links import LINK_AGE, SALT, end_links, statement_link
from cloud_sync.wire.facts import DepositFacts, VerdictFacts
from config.errors import InputError
from config.sorting import Category
from models.bundle import load_labels
from models.verdict import VerdictState
from tests.ledger.town import (
    HAZARDOUS,
    NOTHING,
    NOW,
    RIGHT,
    UNSEEN,
    UNSURE,
    WRONG,
    Town,
    card,
    event,
    stamp,
    thrown,
    visit_facts,
)


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays noon: "today" must not end between a visit and the page that shows it."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def household(town: Town) -> Household:
    made = add_household(town.community, "3-2-501", "Wang")
    bind_card(made, card(1), NOW)
    return made


def address(household: Household) -> str:
    """The path of a statement."""
    return "/" + statement_link(household).split("/", 3)[3]


def read(household: Household, language: str, **query: str) -> str:
    """A statement's words, without its tags."""
    response = Client().get(address(household), {"lang": language, **query})
    assert response.status_code == 200
    return words(response.content.decode())


def words(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def test_the_balance_and_each_outcome_are_said_in_plain_words(town: Town, household: Household) -> None:
    deposits = (RIGHT, WRONG, UNSURE, UNSEEN, NOTHING)
    town.deliver(event(1, visit_facts(1, *deposits, provisional=4), at=stamp(NOW)), now=NOW)
    chinese, english = read(household, "zh"), read(household, "en")
    for said in (
        "阳光花园",
        "您的积分 4",
        "今天",
        "+4 分",
        "厨余垃圾 投对了",
        "下次请投到可回收物桶。 可回收物",
        "看不清是什么，照样给您积分。",
        "摄像头没看到，照样给您积分。",
        "这次没看到投放。",
    ):
        assert said in chinese
    for said in (
        "Sunny Garden",
        "Your points 4",
        "Today",
        "+4 points",
        "Food Waste Right bin",
        "Next time, please use the Recyclable bin. Recyclable",
        "Could not tell what it was. You get points all the same.",
        "The camera did not see it. You get points all the same.",
        "Nothing was seen going in",
    ):
        assert said in english


def test_a_point_is_singular_and_things_that_ended_alike_are_counted(
    town: Town, household: Household
) -> None:
    town.deliver(event(1, visit_facts(1, WRONG, WRONG, WRONG, UNSURE, provisional=1)), now=NOW)
    english = read(household, "en")
    assert "+1 point " in english
    assert "Food Waste ×3 Next time, please use the Recyclable bin." in english


def labelled(label: str, category: Category, into: Category) -> DepositFacts:
    """A sure deposit whose label is one of the shipped model's, or is not."""
    verdict = VerdictFacts(VerdictState.OK, 0.97, "waste-1", category, label=label)
    return DepositFacts(f"{into}-bin", into, 3.0, verdict)


def test_a_thing_is_named_beside_where_it_belongs(town: Town, household: Household) -> None:
    deposits = (
        labelled("orange_peel", Category.KITCHEN, Category.KITCHEN),
        labelled("orange_peel", Category.KITCHEN, Category.KITCHEN),
        labelled("shoes", Category.RECYCLABLE, Category.KITCHEN),
        labelled("somebody_elses_label", Category.RECYCLABLE, Category.KITCHEN),
    )
    town.deliver(event(1, visit_facts(1, *deposits, provisional=4), at=stamp(NOW)), now=NOW)
    chinese, english = read(household, "zh"), read(household, "en")
    labels = load_labels()
    orange, shoes = labels["orange_peel"], labels["shoes"]
    assert f"厨余垃圾 ×2 {orange.zh}，投对了" in chinese
    assert f"{shoes.zh}，下次请投到可回收物桶。" in chinese
    assert f"Food Waste ×2 {orange.en}: right bin" in english
    assert f"{shoes.en}: next time, please use the Recyclable bin." in english
    assert "Food Waste Next time, please use the Recyclable bin." in english
    assert "somebody" not in english


def test_a_correction_of_points_that_were_spent_shows_how_many(town: Town, household: Household) -> None:
    town.deliver(event(1, visit_facts(1, HAZARDOUS, provisional=5), at=stamp(NOW)), now=NOW)
    Account.objects.filter(household=household).update(balance=0)  # gifts come later
    award = Transfer.objects.get(purpose=Purpose.AWARD)
    corrected = correct(award, "wang", "the photo was another's", NOW)
    assert "12:00 待扣 5 分 社区更正，扣回积分：the photo was another's" in read(household, "zh")
    assert "12:00 5 points to deduct The office took back points: the photo" in read(household, "en")
    assert corrected.debt is not None
    forgive(corrected.debt, "wang", "no fault of the family", NOW + timedelta(minutes=1))
    assert "12:01 免扣 5 分 社区已免扣这笔积分：no fault of the family" in read(household, "zh")


def test_every_reason_for_fewer_points_is_explained(town: Town, household: Household) -> None:
    today = stamp(NOW)
    town.deliver(
        event(1, visit_facts(1, *[HAZARDOUS] * 7, provisional=35), at=today),
        event(2, visit_facts(1, *[NOTHING] * 2, *[RIGHT] * 6, provisional=20), at=today),
        now=NOW,
    )
    set_staff_card(town.community, card(5))
    town.deliver(event(3, visit_facts(5, RIGHT, provisional=2), at=today), now=NOW)
    town.deliver(event(4, visit_facts(6, RIGHT, provisional=9), at=today), now=NOW)
    VisitSettlement.objects.filter(household=None).update(household=household)
    chinese, english = read(household, "zh"), read(household, "en")
    assert "您家当天的积分已到上限，有 5 分没有计入。" in chinese
    assert "Your home has reached the day's limit of points, so 5 points were not added." in english
    assert "工作人员的卡不计积分。" in chinese
    assert "A staff card earns no points." in english
    assert "桶站多报了 7 分" in chinese
    assert "The station said 7 points too many." in english
    assert "有 2 分先暂存，这张卡登记到您家后到账。" in chinese
    assert "2 points are on hold until this card is registered to your home." in english


def test_too_many_things_in_a_day_are_explained(town: Town, household: Household) -> None:
    town.deliver(event(1, visit_facts(1, *[UNSURE] * 13, provisional=13), at=stamp(NOW)), now=NOW)
    assert "您家当天的投放件数已到上限，有 1 分没有计入。" in read(household, "zh")
    assert "the day's limit of items, so 1 point was not added." in read(household, "en")


def test_before_the_first_visit_the_page_says_what_to_do(household: Household) -> None:
    assert "还没有投放记录" in read(household, "zh")
    assert "No visits yet Tap your card" in read(household, "en")


def test_a_visit_without_a_deposit_says_so(town: Town, household: Household) -> None:
    town.deliver(event(1, visit_facts(1, provisional=0)), now=NOW)
    assert "这次没看到投放。" in read(household, "zh")
    assert "0 points Nothing was seen going in." in read(household, "en")


def test_days_are_named_as_people_name_them(town: Town, household: Household) -> None:
    when = datetime(2026, 3, 5, 1, 30, tzinfo=UTC)
    visit = visit_facts(1, RIGHT, provisional=2)
    town.deliver(
        event(1, visit, at=stamp(when)),
        event(2, visit, at=stamp(NOW - timedelta(days=1))),
        now=NOW,
    )
    chinese, english = read(household, "zh"), read(household, "en")
    assert chinese.index("昨天") < chinese.index("3月5日 星期四")
    assert "09:30" in chinese
    assert english.index("Yesterday") < english.index("Thursday 5 March")


def test_every_category_has_a_shape_and_a_word_beside_its_colour(town: Town, household: Household) -> None:
    deposits = [thrown(category, into=category) for category in Category]
    town.deliver(event(1, visit_facts(1, *deposits, provisional=8)), now=NOW)
    page = Client().get(address(household), {"lang": "zh"}).content.decode()
    bins = re.findall(
        r'<span class="bin" data-category="(\w+)"><svg[^>]*><use href="#([\w-]+)"/></svg>(\w+)</span>', page
    )
    assert {category for category, _, _ in bins} == {category.value for category in Category}
    assert len({shape for _, shape, _ in bins}) == len({word for _, _, word in bins}) == 4
    assert all(f'<symbol id="{shape}"' in page for _, shape, _ in bins)
    colours = Client().get("/colours/sunny-garden.css").content.decode()
    assert all(f'[data-category="{category}"]' in colours for category in Category)


def test_older_visits_are_a_page_away(town: Town, household: Household) -> None:
    visit = visit_facts(1, RIGHT, provisional=2)
    start = NOW - timedelta(days=40)
    days = [stamp(start + timedelta(days=number)) for number in range(35)]
    town.deliver(*(event(number + 1, visit, at=at) for number, at in enumerate(days)), now=NOW)
    page = Client().get(address(household), {"lang": "en"}).content.decode()
    assert page.count('class="visit card"') == 30
    (before,) = re.findall(r"\?before=(\d+)", page)
    older = Client().get(address(household), {"lang": "en", "before": before}).content.decode()
    assert older.count('class="visit card"') == 5
    assert "statement.js" in page
    assert "statement.js" not in older
    assert "Nothing older" in read(household, "en", before="1")
    for typed in ("nonsense", "9" * 30, "²"):
        assert "Your points" in read(household, "en", before=typed)


def test_the_chosen_language_is_remembered(household: Household) -> None:
    client = Client()
    assert 'lang="zh-CN"' in client.get("/").content.decode()
    client.get("/", {"lang": "en"})
    assert '<html lang="en">' in client.get(address(household)).content.decode()
    client.get("/", {"lang": "zh"})
    assert '<html lang="zh-CN">' in client.get(address(household)).content.decode()
    assert '<html lang="zh-CN">' in client.get("/", {"lang": "klingon"}).content.decode()
    assert '<html lang="en">' in Client(headers={"accept-language": "en-GB"}).get("/").content.decode()


def test_another_households_name_in_a_link_opens_nothing(town: Town, household: Household) -> None:
    other = add_household(town.community, "3-2-502")
    mine, theirs = address(household), address(other)
    forged = theirs.rsplit(":", 1)[0] + ":" + mine.rsplit(":", 1)[1]
    for path in (forged, "/statement/x/", "/statement/MQ:a:b/", "/nowhere"):
        response = Client().get(path, {"lang": "en"})
        assert response.status_code == 404
        assert "This link does not work any more" in words(response.content.decode())


def test_a_link_ends_after_its_time(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    path = address(household)
    later = datetime.now(UTC) + LINK_AGE + timedelta(minutes=1)
    monkeypatch.setattr("django.core.signing.time.time", later.timestamp)
    assert Client().get(path).status_code == 404


def test_a_link_that_was_taken_back_opens_nothing_at_once_and_a_new_one_does(
    town: Town, household: Household
) -> None:
    other = address(add_household(town.community, "3-2-502"))
    sent_astray = address(household)
    end_links(household, "wang", "sent to the wrong number", NOW)
    fresh = address(household)
    assert Client().get(sent_astray).status_code == 404
    assert fresh != sent_astray
    assert [Client().get(path).status_code for path in (fresh, other)] == [200, 200]
    end_links(household, "wang", "sent to the wrong number again", NOW)
    assert [Client().get(path).status_code for path in (sent_astray, fresh)] == [404, 404]


def test_a_link_made_before_links_could_be_taken_back_opens_until_it_is(household: Household) -> None:
    old = reverse("statement", args=[signing.dumps(household.pk, salt=SALT)])
    assert Client().get(old).status_code == 200
    end_links(household, "wang", "the phone was sold", NOW)
    assert Client().get(old).status_code == 404


def test_nobody_takes_a_link_back_without_saying_who_and_why(household: Household) -> None:
    path = address(household)
    with pytest.raises(InputError, match="the reason"):
        end_links(household, "wang", "  ", NOW)
    assert Client().get(path).status_code == 200


def test_every_page_keeps_to_itself(household: Household) -> None:
    for path in ("/", "/nowhere", address(household)):
        headers = Client().get(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'")
        assert "unsafe" not in policy
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Robots-Tag"] == "noindex, nofollow"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"


def test_no_page_has_anything_inline_that_its_own_policy_would_block(household: Household) -> None:
    page = Client().get(address(household)).content.decode()
    assert " style=" not in page
    assert re.findall(r"<script(?![^>]* src=)", page) == []


def test_the_front_door_tells_nothing_private(town: Town, household: Household) -> None:
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)), now=NOW)
    page = words(Client().get("/", {"lang": "en"}).content.decode())
    assert "Sunny Garden" in page
    assert household.code not in page
    assert household.name not in page


@pytest.mark.parametrize(("language", "sentence"), [("zh", "您的积分都在"), ("en", "your points are safe")])
def test_pages_say_in_a_sentence_that_the_database_is_away_and_the_log_says_it_once(
    household: Household,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    language: str,
    sentence: str,
) -> None:
    path = address(household)

    def refuse(*_: object) -> NoReturn:
        raise OperationalError("connection refused\nIs the server running?")

    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", refuse)
    client = Client(raise_request_exception=False)
    for _ in range(3):
        response = client.get(path, {"lang": language})
        assert (response.status_code, response.headers["Retry-After"]) == (503, "60")
        assert sentence in response.content.decode()
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert lines == ["the database cannot be used (connection refused); pages show this until it can"]
    assert "Traceback" not in caplog.text


@pytest.mark.usefixtures("database")
def test_health_follows_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}

    def fail(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(connection, "cursor", fail)
    assert Client().get("/healthz").status_code == 503


def test_a_failure_tells_nothing_but_that_points_are_safe(
    household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("private")

    monkeypatch.setattr("cloud_sync.ledger.statement.views.make_statement", fail)
    response = Client(raise_request_exception=False).get(address(household))
    assert response.status_code == 500
    page = response.content.decode()
    assert "您的积分都在" in page
    assert "Your points are safe" in page
    assert "private" not in page


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_pages_can_only_be_read(household: Household, method: str) -> None:
    for path in ("/", "/healthz", address(household)):
        assert getattr(Client(), method)(path).status_code == 405


def test_a_name_that_looks_like_markup_stays_text(town: Town) -> None:
    sly = add_household(town.community, "1-1-101", "<script>alert(1)</script>")
    page = Client().get(address(sly)).content.decode()
    assert "<script>alert" not in page
