"""The page of who did what: for admins and auditors, each of their own places, in pages, without names."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from cloud_sync.ledger.audit import listing
from cloud_sync.ledger.audit.write import note
from cloud_sync.ledger.communities.facts import Facts
from cloud_sync.ledger.communities.register import add_community
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.officers.register import find_officer
from cloud_sync.ledger.officers.rights import Deed, OfficerRole
from cloud_sync.ledger.stations.models import Community
from tests.ledger.signing_in import new_officer, signed_in
from tests.ledger.town import Town


@pytest.fixture
def lotus(town: Town) -> Community:
    """A second community of the town."""
    assert town.community.pk
    facts = Facts(name_zh="荷花里", name_en="Lotus Lane", timezone="Asia/Shanghai")
    return add_community("lotus", facts, ())


def reader(role: OfficerRole, community: Community | None = None, name: str = "wang") -> Client:
    new_officer(name, role, community)
    return signed_in(Client(headers={"accept-language": "en"}), name)


def entries(client: Client, query: str = "") -> list[tuple[str, str]]:
    """Who, when and why of each entry shown."""
    answer = client.get(f"/office/audit/{query}")
    assert answer.status_code == 200
    found = re.finditer(r'<p class="said">(.*?), .*?: (.*?)</p>', answer.content.decode())
    return [(one[1], one[2]) for one in found]


def test_an_auditor_reads_own_places_and_filters_by_who_and_what(town: Town, lotus: Community) -> None:
    for number in range(2):
        note(Deed.CLOSE_ALARM, town.community, by="li", reason=f"ours {number}")
        note(Deed.BLOCK_CARD, lotus, by="zhao", reason=f"theirs {number}")
    note(Deed.NAME_OFFICERS, an_officer(), by="li", reason="of the town")
    of_one = reader(OfficerRole.AUDITOR, town.community)
    shown = entries(of_one)
    assert ("li", "ours 1") in shown
    assert not {("zhao", "theirs 0"), ("li", "of the town")} & set(shown)
    assert entries(of_one, "?by=li&deed=close_alarm") == [("li", "ours 1"), ("li", "ours 0")]
    assert entries(of_one, "?by=nobody") == []
    assert of_one.get("/office/audit/?community=lotus").status_code == 404
    assert of_one.get("/office/audit/?community=*").status_code == 404
    of_town = reader(OfficerRole.AUDITOR, name="qian")
    assert entries(of_town, "?community=lotus&by=zhao") == [("zhao", "theirs 1"), ("zhao", "theirs 0")]
    assert ("li", "of the town") in entries(of_town, "?community=*")


def an_officer() -> User:
    new_officer("sun")
    return find_officer("sun")


@pytest.mark.parametrize("query", ["?before=x", "?before=-1", "?before=" + "9" * 19, "?deed=unknown"])
def test_an_address_that_no_link_of_ours_holds_is_404(town: Town, query: str) -> None:
    assert reader(OfficerRole.AUDITOR, town.community).get(f"/office/audit/{query}").status_code == 404


def test_pages_follow_each_other_and_keep_the_filter(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "SHOWN", 2)
    for number in range(5):
        note(Deed.CLOSE_ALARM, town.community, by="li", reason=str(number))
    client, query, found = reader(OfficerRole.AUDITOR, town.community), "?by=li", []
    while query:
        found += [why for _, why in entries(client, query)]
        page = client.get(f"/office/audit/{query}").content.decode()
        link = re.search(r'onward" href="([^"]*before=\d+)"', page)
        query = link[1].replace("&amp;", "&") if link else ""
    assert found == ["4", "3", "2", "1", "0"]


def test_an_auditor_reads_that_a_household_was_added_and_not_its_name(town: Town) -> None:
    add_household(town.community, "3-2-501", "王家")
    page = reader(OfficerRole.AUDITOR, town.community).get("/office/audit/").content.decode()
    assert "Add, rename and erase households" in page
    assert "王家" not in page
    assert "Your role does not show what names a household." in page


@pytest.mark.parametrize("role", [OfficerRole.CLERK, OfficerRole.INSTRUCTOR, OfficerRole.INSTALLER])
def test_others_see_neither_page_nor_link(town: Town, role: OfficerRole) -> None:
    client = reader(role, town.community)
    assert client.get("/office/audit/").status_code == 404
    assert "/office/audit/" not in client.get("/office/").content.decode()


def test_the_empty_page_says_so_in_both_languages(town: Town) -> None:
    client = reader(OfficerRole.AUDITOR, town.community)
    assert "/office/audit/" in client.get("/office/").content.decode()
    for language, said in (("en", "Nobody did anything like that."), ("zh", "没有这样的操作。")):
        assert said in client.get(f"/office/audit/?by=nobody&lang={language}").content.decode()
