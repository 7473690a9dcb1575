"""The table of rights: what each role may do in its own and in a foreign community, and that pages ask it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from cloud_sync.ledger.communities.facts import Facts
from cloud_sync.ledger.communities.register import add_community
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.officers.confirm import CONFIRMED_AT, LASTS_S, is_confirmed
from cloud_sync.ledger.officers.grants import rights_of
from cloud_sync.ledger.officers.guard import GUARDED_BY, permitted
from cloud_sync.ledger.officers.register import add_officer
from cloud_sync.ledger.officers.rights import (
    KEYS,
    LIDS,
    MONEY,
    TABLE,
    Deed,
    OfficerRole,
    Rights,
    Scope,
    allows,
)
from cloud_sync.ledger.points.models import Decision
from cloud_sync.ledger.stations.alarms import Cause, raise_alarm
from cloud_sync.ledger.stations.models import Alarm, Community
from tests.ledger.signing_in import new_officer, signed_in
from tests.ledger.town import NOW, RIGHT, Town, card, event, visit_facts

OPEN = {
    "home": "says what this is, and nothing of anybody",
    "health": "says whether the database answers",
    "colours": "a stylesheet",
    "statement": "its address is its key",
    "office-login": "where everybody begins",
    "office-second-factor": "comes after the password and before every other page",
    "office-logout": "ends one's own session",
}
"""Addresses that no deed guards, and why."""
SCOPES = list(Scope)


@pytest.fixture
def lotus(town: Town) -> Community:
    """A second community of the town."""
    facts = Facts(name_zh="荷花里", name_en="Lotus Lane", timezone="Asia/Shanghai")
    assert town.community.pk
    return add_community("lotus", facts, ())


def patterns(resolver: URLResolver | None = None) -> Iterator[URLPattern]:
    """Yield every address but those of the API, whose routes have an authentication of their own."""
    for one in (resolver or get_resolver()).url_patterns:
        if isinstance(one, URLPattern):
            yield one
        elif not (one.namespace or "").startswith("api"):
            yield from patterns(one)


def test_every_address_is_guarded_by_a_deed_or_is_open_for_a_reason() -> None:
    unguarded = {
        one.name for one in patterns() if not isinstance(getattr(one.callback, GUARDED_BY, None), Deed)
    }
    assert unguarded - OPEN.keys() == set()
    assert OPEN.keys() - unguarded == set()


@pytest.mark.parametrize("role", OfficerRole)
@pytest.mark.parametrize("scope", SCOPES)
def test_a_page_lets_in_whom_the_table_lets_in_and_is_404_for_others(
    lotus: Community, town: Town, role: OfficerRole, scope: Scope
) -> None:
    new_officer("wang", role, town.community)
    there, session = town.community if scope is Scope.OWN else lotus, signed_in(Client()).session
    for deed in Deed:
        view = permitted(deed)(lambda _request, community: HttpResponse(community.slug))
        request = RequestFactory().get("/")
        request.user, request.session = User.objects.get(username="wang"), session
        try:
            answered = view(request, community=there.slug).status_code
        except Http404:
            answered = 404
        assert answered == (200 if allows(role, deed, scope) else 404), deed


@pytest.mark.parametrize("role", OfficerRole)
def test_who_is_of_the_whole_town_has_every_community_as_their_own(
    lotus: Community, town: Town, role: OfficerRole
) -> None:
    new_officer("wang", role)
    rights = rights_of(User.objects.get(username="wang"))
    for deed in Deed:
        expected = allows(role, deed, Scope.OWN)
        assert [rights.may(deed, place) for place in (town.community.pk, lotus.pk, None)] == [expected] * 3


def test_the_town_itself_is_foreign_to_who_has_one_community(town: Town) -> None:
    own = town.community.pk
    for role in OfficerRole:
        rights = Rights(frozenset({(role, own)}))
        foreign = {deed for deed in Deed if rights.may(deed, None)}
        assert foreign == {deed for deed in Deed if allows(role, deed, Scope.FOREIGN)}
        assert foreign == {Deed.SEE_RIGHTS, Deed.KEEP_SIGN_IN}


def test_two_roles_add_up(town: Town, lotus: Community) -> None:
    rights = Rights(frozenset({(OfficerRole.CLERK, town.community.pk), (OfficerRole.AUDITOR, lotus.pk)}))
    assert rights.may(Deed.FORGIVE_DEBT, town.community.pk)
    assert not rights.may(Deed.FORGIVE_DEBT, lotus.pk)
    assert rights.may(Deed.READ_AUDIT, lotus.pk)
    assert not rights.may(Deed.READ_AUDIT, town.community.pk)


def test_nobody_without_a_role_may_do_anything(town: Town) -> None:
    assert not any(Rights().may(deed, place) for deed in Deed for place in (None, town.community.pk))
    assert rights_of(AnonymousUser()) == Rights()


def test_least_rights_in_words() -> None:
    """What a person would say of each role; the table may grow, but not beyond these."""
    who = {deed: {role for role in OfficerRole if allows(role, deed, Scope.OWN)} for deed in Deed}
    admin, clerk, installer = OfficerRole.ADMIN, OfficerRole.CLERK, OfficerRole.INSTALLER
    assert all(admin in roles for roles in who.values()), "an admin may do everything of their own place"
    assert all(who[deed] == {admin, clerk} for deed in MONEY), "points are moved by clerks and admins"
    assert all(who[deed] == {admin, installer} for deed in LIDS | {Deed.ADD_STATION})
    assert who[Deed.NAME_OFFICERS] == who[Deed.ISSUE_TOKEN] == {admin}
    auditor = {deed for deed in Deed if OfficerRole.AUDITOR in who[deed]}
    reading = {deed for deed in Deed if deed.startswith(("see_", "read_"))}
    assert auditor - reading == {Deed.KEEP_SIGN_IN}, "an auditor changes nothing"
    assert Deed.SEE_HOUSEHOLDS not in auditor


def test_the_page_shows_the_same_table(town: Town) -> None:
    new_officer("wang", OfficerRole.INSTALLER, town.community)
    shown = signed_in(Client(headers={"accept-language": "en"})).get("/office/rights/").content.decode()
    reaches = [row.split('data-reach="')[1:] for row in shown.split("<tr>")[2:]]
    assert [[cell.partition('"')[0] for cell in row] for row in reaches] == [
        [TABLE[deed][role].value for role in OfficerRole] for deed in Deed
    ]
    assert shown.count("#asks-again") == len(MONEY | LIDS | KEYS)
    assert "<li>Installer · Sunny Garden</li>" in shown


def test_an_address_of_a_community_that_is_not_ones_own_looks_like_one_that_is_not_there(
    town: Town, lotus: Community
) -> None:
    new_officer("wang", OfficerRole.CLERK, town.community)
    client = signed_in(Client(headers={"accept-language": "en"}))
    foreign, unknown = (
        client.post(f"/office/{slug}/links/take-back/", {"household": "1", "reason": "x"})
        for slug in (lotus.slug, "elsewhere")
    )
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content
    for query in (lotus.slug, "elsewhere"):
        assert client.get(f"/office/?community={query}").status_code == 404
    shown = client.get("/office/").content.decode()
    assert "Lotus Lane" not in shown
    assert client.post("/office/sunny-garden/links/take-back/", {"reason": "x"}).status_code == 302


def test_an_alarm_of_the_whole_town_is_for_officers_of_the_town(town: Town) -> None:
    raise_alarm("*", "*", Cause.CERTIFICATE, "in 3 days", NOW)
    alarm = Alarm.objects.get()
    new_officer("wang", OfficerRole.CLERK, town.community)
    new_officer("li", OfficerRole.CLERK)
    of_one, of_town = (signed_in(Client(headers={"accept-language": "en"}), name) for name in ("wang", "li"))
    path = f"/office/sunny-garden/alarms/{alarm.pk}/close/"
    assert path not in of_one.get("/office/").content.decode()
    of_one.post(path)
    alarm.refresh_from_db()
    assert alarm.closed_at is None
    assert path in of_town.get("/office/").content.decode()
    of_town.post(path)
    alarm.refresh_from_db()
    assert alarm.closed_by == "li"


@pytest.mark.parametrize("role", OfficerRole)
def test_the_office_shows_only_what_a_role_may_see_and_do(town: Town, role: OfficerRole) -> None:
    household = add_household(town.community, "3-2-501", "王家")
    bind_card(household, card(1), NOW)
    town.station("east-gate")
    town.limit(0, "east-gate")
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=1)))
    raise_alarm("sunny-garden", "east-gate", Cause.SILENT, "for days", NOW)
    new_officer("wang", role, town.community)
    shown = signed_in(Client(headers={"accept-language": "en"})).get("/office/").content.decode()
    deeds = {"/close/": Deed.CLOSE_ALARM, "/give/": Deed.DECIDE_HELD, "/dismiss/": Deed.DECIDE_ASIDE}
    for path, deed in deeds.items():
        assert (path in shown) == allows(role, deed, Scope.OWN), path
    assert ("王家" in shown) == allows(role, Deed.SEE_HOUSEHOLDS, Scope.OWN)
    assert ("3-2-501" in shown) == allows(role, Deed.SEE_POINTS, Scope.OWN)
    assert ('id="aside"' in shown) == allows(role, Deed.SEE_ASIDE, Scope.OWN)


def confirmable(town: Town) -> str:
    """The address of a form that gives held points."""
    bind_card(add_household(town.community, "3-2-501"), card(1), NOW)
    town.station("east-gate")
    town.limit(0, "east-gate")
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    return "/office/sunny-garden/held/1/give/"


def test_who_moves_points_says_again_who_they_are_and_what_was_typed_is_kept(town: Town) -> None:
    path = confirmable(town)
    password = new_officer("wang")
    client = signed_in(Client(headers={"accept-language": "en"}), confirmed=False)
    asked = client.post(path, {"reason": 'it was "full"'}).content.decode()
    assert 'name="reason" value="it was &quot;full&quot;"' in asked
    assert "Give points on hold, or not" in asked
    typed = {"reason": 'it was "full"', "confirmation": "guessed"}
    assert "That password is wrong" in client.post(path, typed).content.decode()
    assert not Decision.objects.exists()
    assert client.post(path, typed | {"confirmation": password}).status_code == 302
    assert Decision.objects.get().reason == 'it was "full"'
    assert client.post(path, {"reason": "again"}).status_code == 302, "not asked again for five minutes"


def test_a_deed_that_moves_nothing_asks_nothing(town: Town) -> None:
    new_officer("wang")
    add_household(town.community, "3-2-501")
    client = signed_in(Client(headers={"accept-language": "en"}), confirmed=False)
    form = {"household": "3-2-501", "reason": "sent to a wrong number"}
    assert client.post("/office/sunny-garden/links/take-back/", form).status_code == 302
    assert Decision.objects.get().reason == "sent to a wrong number"


@pytest.mark.parametrize(("ago_s", "is_it"), [(0, True), (LASTS_S, True), (LASTS_S + 1, False), (-60, False)])
def test_a_confirmation_lasts_five_minutes(database: str, ago_s: float, *, is_it: bool) -> None:
    assert database
    session = Client().session
    assert not is_confirmed(session, NOW)
    session[CONFIRMED_AT] = (NOW - timedelta(seconds=ago_s)).timestamp()
    assert is_confirmed(session, NOW) is is_it


def test_who_just_signed_in_is_not_asked_again(town: Town) -> None:
    path = confirmable(town)
    password = new_officer("wang")
    client = Client()
    client.post("/office/login/", {"username": "wang", "password": password})
    assert is_confirmed(client.session, datetime.now(UTC))
    assert client.post(path, {"reason": "seen at the station"}).status_code == 302
    assert Decision.objects.get().by == "wang"


def test_an_officer_without_a_role_is_told_so_and_can_leave(town: Town) -> None:
    assert town.community.pk
    add_officer("wang")
    answer = signed_in(Client(headers={"accept-language": "en"})).get("/office/")
    assert answer.status_code == 404
    assert "You have no role here" in answer.content.decode()
    assert re.search(r'action="/office/logout/"', answer.content.decode())


def test_a_form_of_who_is_signed_out_leads_to_the_office_and_a_page_to_itself(town: Town) -> None:
    path = confirmable(town)
    client = Client()
    assert client.post(path, {"reason": "x"}).headers["Location"] == "/office/login/?next=/office/"
    assert client.get("/office/debts/").headers["Location"] == "/office/login/?next=/office/debts/"


def seen(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.path)


def test_a_view_is_marked_with_its_deed() -> None:
    assert getattr(permitted(Deed.READ_AUDIT)(seen), GUARDED_BY) is Deed.READ_AUDIT
