"""The office's buttons: what each changes, who and why, and what an officer reads afterwards."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import Attribution, bind_card, block_card, find_card, suspect_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.office import decisions
from cloud_sync.ledger.office.items import Item, Page, Shown
from cloud_sync.ledger.office.page import make_page
from cloud_sync.ledger.points.held import refuse
from cloud_sync.ledger.points.models import Card, Debt, Decision, Household, Transfer, VisitSettlement
from cloud_sync.ledger.points.posting import Purpose
from cloud_sync.ledger.settling.rules import add_rules
from cloud_sync.ledger.stations.alarms import Cause, raise_alarm
from cloud_sync.ledger.stations.models import Alarm, Dismissal, Event, EventState
from cloud_sync.ledger.stations.registry import rename_station
from tests.ledger.signing_in import CLERK, new_officer, signed_in
from tests.ledger.town import HAZARDOUS, NOW, RIGHT, Town, card, event, rules, visit_facts

WHY = {"reason": "the camera was checked"}


@pytest.fixture
def officer(database: str) -> Client:
    """A browser in which an officer has signed in; the pages are in English."""
    assert database
    new_officer("wang")
    return signed_in(Client(headers={"accept-language": "en"}))


def shown(town: Town) -> Page:
    with translation.override("en"):
        return make_page(Shown((town.community,), CLERK), (), NOW)


def items(town: Town, anchor: str) -> tuple[Item, ...]:
    return next(section.items for section in shown(town).sections if section.anchor == anchor)


def send(client: Client, item: Item, label: str, **typed: str) -> str:
    """Send the form behind a button; what the page then says."""
    (url,) = [action.url for action in item.actions if action.label == label]
    return post(client, url, **typed)


def post(client: Client, url: str, **typed: str) -> str:
    page = client.post(url, typed, follow=True).content.decode()
    said = re.search(r'<p role="(?:status|alert)">(?:<svg.*?</svg>)?(.*?)</p>', page, re.DOTALL)
    assert said is not None, page
    return said[1].strip()


def limited(town: Town) -> Household:
    """A household of whose three visits two are held for a station's limit."""
    household = add_household(town.community, "3-2-501", "王家")
    bind_card(household, card(1), NOW)
    town.station("east-gate")
    town.limit(3, "east-gate")
    town.deliver(*(event(number, visit_facts(1, RIGHT, provisional=2)) for number in (1, 2, 3)))
    return household


def test_held_visits_of_a_station_are_given_together_and_can_be_taken_back(
    town: Town, officer: Client
) -> None:
    household = limited(town)
    (item,) = items(town, "held")
    assert item.facts[:3] == ("4 points", "2 visits", "3-2-501 · 王家")
    assert send(officer, item, "Give", **WHY) == "Given: 4 points."
    assert town.balance(household) == 6
    assert {(row.by, row.reason) for row in Decision.objects.all()} == {("wang", WHY["reason"])}
    first, _ = shown(town).done
    assert first.what == "Gave 2 points to 3-2-501"
    assert first.decided.startswith("wang, ")
    assert first.decided.endswith(": the camera was checked")
    assert first.undo is not None
    taken = post(officer, first.undo.url, reason="the wrong station")
    assert taken.startswith("Taken back: 2 points.")
    assert town.balance(household) == 4
    latest = shown(town).done[0]
    assert (latest.what, latest.undo) == ("Took back 2 points from 3-2-501", None)
    assert verify().problems == ()


def test_points_that_are_not_given_go_back_and_a_second_click_changes_nothing(
    town: Town, officer: Client
) -> None:
    household = limited(town)
    (item,) = items(town, "held")
    assert send(officer, item, "Do not give", **WHY) == "Not given: 4 points."
    assert send(officer, item, "Give", **WHY).startswith("Nothing was changed")
    assert town.balance(household) == 2
    assert items(town, "held") == ()
    assert verify().problems == ()


def test_of_a_group_those_are_given_that_nobody_decided_on_meanwhile(
    town: Town, officer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    household = limited(town)
    (item,) = items(town, "held")
    as_read = list(VisitSettlement.objects.filter(held__gt=0).order_by("pk"))
    refuse(as_read[0], "li", "seen at the station", NOW)
    monkeypatch.setattr(decisions, "group_of", lambda _: as_read)
    assert send(officer, item, "Give", **WHY) == "Given: 2 points."
    assert send(officer, item, "Give", **WHY).startswith("Nothing was changed")
    assert town.balance(household) == 4
    assert verify().problems == ()


def test_a_stations_group_of_several_cards_names_no_single_household(town: Town, officer: Client) -> None:
    first, second = (add_household(town.community, f"3-2-50{number}") for number in (1, 2))
    bind_card(first, card(1), NOW)
    bind_card(second, card(2), NOW)
    town.station("east-gate")
    town.limit(0, "east-gate")
    for number in (1, 2, 3):
        town.deliver(event(number, visit_facts(number, RIGHT, provisional=2)))
    (item,) = items(town, "held")
    assert item.facts[1:3] == ("3 visits", "3 cards")
    assert send(officer, item, "Give", **WHY) == "Given: 4 points."
    assert (town.balance(first), town.balance(second)) == (2, 2)
    (unknown,) = items(town, "held")
    assert unknown.facts[1:3] == ("1 visit", "card not registered")


def test_what_came_after_the_page_was_read_is_not_decided_with_it(town: Town, officer: Client) -> None:
    household = limited(town)
    (item,) = items(town, "held")
    town.deliver(event(4, visit_facts(1, RIGHT, provisional=2)))
    assert send(officer, item, "Give", **WHY) == "Given: 4 points."
    assert town.balance(household) == 6
    (later,) = items(town, "held")
    assert later.facts[0] == "2 points"


def test_an_unknown_card_is_registered_from_the_office_and_that_can_be_undone(
    town: Town, officer: Client
) -> None:
    household = add_household(town.community, "3-2-501")
    town.station("east-gate")
    rename_station(
        town.community, "east-gate", name_zh="东门桶站", name_en="East Gate", by="Li", reason="sign", now=NOW
    )
    for number in (1, 2):
        town.deliver(event(number, visit_facts(7, RIGHT, provisional=2)))
    (item,) = items(town, "held")
    assert item.facts[:3] == ("4 points", "2 visits", "card not registered")
    assert "This card was last tapped today 12:00 at East Gate." in item.hint
    assert [one.value for one in item.technical if one.name == "Card code"] == ["0000 0000 0000"]
    wrong = send(officer, item, "Register this card", household="9-9-999", **WHY)
    assert wrong.startswith("No household has the code 9-9-999.")
    given = send(officer, item, "Register this card", household="3-2-501", **WHY)
    assert given == "The card is registered to 3-2-501. Given: 4 points."
    assert town.balance(household) == 4
    found = Card.objects.get(hash=card(7))
    undone = post(officer, f"/office/sunny-garden/cards/{found.pk}/unregister/", reason="another door")
    assert undone.startswith("The card belongs to 3-2-501 no longer.")
    found.refresh_from_db()
    assert found.household is None
    assert verify().problems == ()


def test_a_blocked_card_is_not_registered_and_the_page_says_why(town: Town, officer: Client) -> None:
    add_household(town.community, "3-2-501")
    town.deliver(event(1, visit_facts(7, RIGHT, provisional=2)))
    block_card(find_card(town.community, card(7)), Attribution("Li", "lost"), NOW)
    (item,) = items(town, "held")
    assert "it is blocked" in send(officer, item, "Register this card", household="3-2-501", **WHY)


def test_a_suspected_cards_points_are_given_by_a_person(town: Town, officer: Client) -> None:
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    suspect_card(find_card(town.community, card(1)), "Li", "two places at once", NOW)
    town.deliver(event(1, visit_facts(1, HAZARDOUS, provisional=5)))
    (item,) = items(town, "held")
    assert send(officer, item, "Give", **WHY) == "Given: 5 points."
    assert town.balance(household) == 5


@pytest.mark.parametrize("reason", ["", "  ", "x" * 201])
def test_nothing_is_decided_without_a_reason(town: Town, officer: Client, reason: str) -> None:
    limited(town)
    (item,) = items(town, "held")
    assert send(officer, item, "Give", reason=reason).startswith("Give a reason in one line")
    assert items(town, "held") == (item,)
    assert Decision.objects.count() == 0


def test_an_alarm_is_closed_by_the_officer_who_saw_to_it(town: Town, officer: Client) -> None:
    raise_alarm(town.community.slug, "moon", Cause.UNKNOWN_STATION, "key 12", NOW)
    (item,) = items(town, "alarms")
    assert item.facts[0] == "A station that is not registered"
    assert send(officer, item, "Seen to") == "The alarm is closed."
    assert Alarm.objects.get().closed_by == "wang"
    assert items(town, "alarms") == ()
    (done,) = shown(town).done
    assert done.what == "Closed: A station that is not registered sends messages."


def test_a_record_is_applied_once_it_can_be(town: Town, officer: Client) -> None:
    town.deliver(event(1, visit_facts(2, RIGHT, provisional=2, rules=7)))
    (item,) = items(town, "aside")
    assert send(officer, item, "Apply it now").startswith("It still cannot be applied")
    add_rules(town.community, rules(7))
    assert send(officer, item, "Apply it now") == "The record is applied."
    assert Event.objects.get().state == EventState.APPLIED
    assert items(town, "aside") == ()


def test_evidence_is_taken_off_the_list_and_shown_again(town: Town, officer: Client) -> None:
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=1)))
    (item,) = items(town, "aside")
    assert [action.label for action in item.actions] == ["The first stays"]
    assert send(officer, item, "The first stays", **WHY) == "It is off the list."
    assert items(town, "aside") == ()
    assert (Dismissal.objects.get().by, Dismissal.objects.get().reason) == ("wang", WHY["reason"])
    assert send(officer, item, "The first stays", **WHY).startswith("Nothing was changed")
    done = shown(town).done[0]
    assert done.undo is not None
    assert post(officer, done.undo.url) == "It is on the list again."
    assert post(officer, done.undo.url).startswith("Nothing was changed")
    assert len(items(town, "aside")) == 1
    assert Dismissal.objects.get().ended_by == "wang"
    assert send(officer, item, "The first stays", **WHY) == "It is off the list."
    assert Dismissal.objects.count() == 2
    assert verify().problems == ()


def test_a_households_links_are_taken_back_from_the_office(town: Town, officer: Client) -> None:
    add_household(town.community, "3-2-501")
    action = shown(town).unlink
    assert action is not None
    unlink = action.url
    assert post(officer, unlink, household="9-9", **WHY).startswith("No household has the code 9-9.")
    assert post(officer, unlink, household="3-2-501", **WHY) == "No link of 3-2-501 works any more."
    assert shown(town).links[0].startswith("3-2-501: ")


@pytest.mark.parametrize(
    "path",
    [
        "held/1/give/",
        "held/1/withhold/",
        "held/1/register/",
        "cards/1/unregister/",
        "alarms/1/close/",
        "transfers/1/take-back/",
        "aside/e1/apply/",
        "aside/e1/dismiss/",
        "aside/e1/show/",
        "links/take-back/",
    ],
)
def test_a_button_wants_an_officer_a_form_of_ours_and_post(town: Town, officer: Client, path: str) -> None:
    limited(town)
    url = f"/office/sunny-garden/{path}"
    assert officer.get(url).status_code == 405
    assert Client().post(url, WHY).status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get())
    assert strict.post(url, WHY).status_code == 403
    assert VisitSettlement.objects.filter(held__gt=0).count() == 2
    assert not Debt.objects.exists()
    assert not Transfer.objects.filter(purpose__in=[Purpose.RELEASE, Purpose.RETURN]).exists()


@pytest.mark.usefixtures("town")
def test_a_wrong_password_keeps_the_user_name() -> None:
    new_officer("wang")
    page = Client().post("/office/login/", {"username": "wang", "password": "x"}).content.decode()
    assert re.search(r'<input name="username" value="wang"', page)
    assert not re.search(r'name="password"[^>]* value=', page)


def test_no_slug_of_a_station_is_shown_outside_the_technical_details(town: Town, officer: Client) -> None:
    limited(town)
    rename_station(
        town.community, "east-gate", name_zh="东门桶站", name_en="East Gate", by="Li", reason="sign", now=NOW
    )
    raise_alarm(town.community.slug, "east-gate", Cause.SILENT, "last heard", datetime.now(UTC))
    page = officer.get("/office/").content.decode()
    outside = re.sub(r'<details class="technical">.*?</details>', "", page, flags=re.DOTALL)
    assert "East Gate" in outside
    assert "east-gate" not in outside
    assert "east-gate" in page
