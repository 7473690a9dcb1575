"""Debts on the office's pages: who owes, why, what paid it, and waiving a debt."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import translation

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.office.debts import DebtsPage, Standing, debts_page
from cloud_sync.ledger.office.items import Shown
from cloud_sync.ledger.points.corrections import correct, forgive
from cloud_sync.ledger.points.models import Account, Debt, Household, Transfer
from cloud_sync.ledger.points.posting import Purpose
from tests.ledger.signing_in import CLERK, new_officer, signed_in
from tests.ledger.town import HAZARDOUS, NOW, RIGHT, UNSURE, Town, card, event, visit_facts

LATER = NOW + timedelta(hours=1)
FORGIVE = "/office/sunny-garden/debts/{}/forgive/"


def owing(town: Town, number: int = 1, *, left: int = 0) -> Household:
    """Correct a visit's 5 points after all but `left` were spent; the household owes the rest."""
    household = add_household(town.community, f"3-2-50{number}", "王家")
    bind_card(household, card(number), NOW)
    town.deliver(event(number, visit_facts(number, HAZARDOUS, provisional=5)))
    Account.objects.filter(household=household).update(balance=left)  # gifts come later
    award = Transfer.objects.get(event__sequence=number, purpose=Purpose.AWARD)
    correct(award, "officer Li", "the photo was another's", NOW)
    return household


def looked_at(town: Town) -> DebtsPage:
    with translation.override("en"):
        return debts_page(Shown((town.community,), CLERK), (), LATER)


def test_nobody_owes_anything_at_first(town: Town) -> None:
    assert looked_at(town) == DebtsPage("Sunny Garden", (), (), (), more=False)


def test_a_debt_shows_who_owes_which_correction_caused_it_and_what_paid_it(town: Town) -> None:
    owing(town)
    (item,) = looked_at(town).owed
    assert (item.household, item.standing, item.points) == ("3-2-501 · 王家", Standing.OWED, "5 points")
    assert item.correction == "A correction took back transfer 1, 5 points; all was spent."
    assert item.decided == "officer Li, today 12:00: the photo was another's"
    assert (item.payments, item.earlier, item.forgiven) == ((), "", "")
    town.deliver(event(8, visit_facts(1, RIGHT, provisional=2)), now=LATER)
    (item,) = looked_at(town).owed
    assert (item.points, item.payments) == (
        "3 points",
        ("Today 13:00: 2 points, from a visit to Station east-gate",),
    )


def test_a_debt_is_only_what_was_spent(town: Town) -> None:
    owing(town, left=3)
    (item,) = looked_at(town).owed
    assert item.points == "2 points"
    assert item.correction == "A correction took back transfer 1, 5 points; 2 points had been spent."


def test_paid_and_forgiven_debts_are_listed_as_ended_and_say_how(town: Town) -> None:
    owing(town)
    owing(town, 2)
    town.deliver(event(8, visit_facts(1, HAZARDOUS, provisional=5)), now=LATER)
    town.deliver(event(9, visit_facts(2, RIGHT, provisional=2)), now=LATER)
    forgive(Debt.objects.get(household__code="3-2-502"), "wang", "our mistake", LATER)
    page = looked_at(town)
    assert page.owed == ()
    let_off, paid = page.ended
    assert (paid.standing, paid.word, paid.points) == (Standing.PAID, "Paid", "5 points")
    assert (let_off.standing, let_off.word) == (Standing.FORGIVEN, "Waived")
    assert let_off.forgiven == "3 points waived. wang, today 13:00: our mistake"
    assert len(let_off.payments) == 1


def test_long_lists_of_debts_and_payments_are_cut_and_say_that_there_are_more(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud_sync.ledger.office.debts.SHOWN", 1)
    monkeypatch.setattr("cloud_sync.ledger.office.debts.PAYMENTS", 2)
    owing(town)
    owing(town, 2)
    town.deliver(*(event(number, visit_facts(1, UNSURE, provisional=1)) for number in (8, 9, 10)))
    page = looked_at(town)
    assert (len(page.owed), page.more) == (1, True)
    assert (len(page.owed[0].payments), page.owed[0].earlier) == (2, "and 1 earlier payment")


@pytest.fixture
def officer(database: str) -> Client:
    """A browser in which an officer has signed in."""
    assert database
    new_officer("wang")
    return signed_in(Client(enforce_csrf_checks=True, headers={"Accept-Language": "en"}))


def token(client: Client) -> str:
    shown = client.get("/office/debts/").content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', shown)
    assert found is not None
    return found[1]


def test_an_officer_waives_a_debt_with_a_reason(town: Town, officer: Client) -> None:
    owing(town)
    debt = Debt.objects.get()
    form = {"reason": "  our mistake ", "csrfmiddlewaretoken": token(officer)}
    answer = officer.post(FORGIVE.format(debt.pk), form)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/office/debts/#debt-{debt.pk}")
    debt.refresh_from_db()
    assert (debt.left, debt.forgiven, str(debt.forgiveness)) == (0, 5, "wang: our mistake")
    assert officer.post(FORGIVE.format(debt.pk), form).status_code == 302
    assert str(Debt.objects.get().forgiveness) == "wang: our mistake"
    assert "Nobody owes anything." in officer.get("/office/debts/").content.decode()
    assert "our mistake" in officer.get("/office/debts/").content.decode()
    assert [line for line in verify().problems if "debt" in line] == []


@pytest.mark.parametrize("reason", ["", "  ", "x" * 201, "two\nlines"])
def test_an_invalid_reason_is_asked_for_again(town: Town, officer: Client, reason: str) -> None:
    owing(town)
    form = {"reason": reason, "csrfmiddlewaretoken": token(officer)}
    answer = officer.post(FORGIVE.format(Debt.objects.get().pk), form, follow=True)
    assert (answer.status_code, Debt.objects.get().left) == (200, 5)
    assert "Give a reason in one line" in answer.content.decode()


def test_only_an_officer_decides_and_on_what_is_there(town: Town, officer: Client) -> None:
    owing(town)
    path = FORGIVE.format(Debt.objects.get().pk)
    assert officer.post(path, {"reason": "no token"}).status_code == 403
    assert officer.get(path).status_code == 405
    form = {"reason": "mine", "csrfmiddlewaretoken": token(officer)}
    assert officer.post(FORGIVE.format(987654), form).status_code == 404
    assert officer.post(path.replace("sunny-garden", "elsewhere"), form).status_code == 404
    stranger = Client()
    for answer in (stranger.post(path, {"reason": "mine"}), stranger.get("/office/debts/")):
        assert (answer.status_code, answer.headers["Location"][:15]) == (302, "/office/login/?")
    assert Debt.objects.get().left == 5


def test_the_office_counts_debts_and_leads_to_them(town: Town, officer: Client) -> None:
    owing(town)
    shown = officer.get("/office/").content.decode()
    assert re.search(r'href="/office/debts/" data-waits>\s*<strong>1</strong>\s*<span>Debts</span>', shown)


def test_every_standing_has_its_icon(officer: Client) -> None:
    shown = officer.get("/office/debts/").content.decode()
    for standing in Standing:
        assert f'<symbol id="debt-{standing}"' in shown
