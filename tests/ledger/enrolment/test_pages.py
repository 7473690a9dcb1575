"""The office adds a station: a code that is shown once, and what became of it."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from django.test import Client

from cloud_sync.ledger.enrolment.invitations import CodeStanding
from cloud_sync.ledger.enrolment.models import Invitation
from cloud_sync.ledger.enrolment.pages import STANDINGS
from cloud_sync.ledger.officers.rights import OfficerRole
from cloud_sync.ledger.stations.models import Station
from cloud_sync.wire.enrolment_code import parse_code
from tests.ledger.enrolment.enrolling import board, guarded_settings
from tests.ledger.signing_in import new_officer, signed_in
from tests.ledger.town import Town

INVITE = "/office/sunny-garden/enrolment/invite/"
PAGE = "/office/enrolment/"
ASKED = {"station": "east-gate", "name_zh": "东门桶站", "name_en": "East Gate", "reason": "a new station"}


@pytest.fixture
def installer(town: Town) -> Client:
    """A browser in which an installer of the community has signed in; the pages are in English."""
    new_officer("wang", OfficerRole.INSTALLER, town.community)
    return signed_in(Client(headers={"accept-language": "en"}))


def made(installer: Client) -> str:
    """Make a code; its page."""
    return installer.post(INVITE, ASKED).content.decode()


def test_a_station_is_added_by_a_code_that_is_shown_once_as_text_and_as_a_picture(
    installer: Client, tmp_path: Path
) -> None:
    page = made(installer)
    text = html.unescape(re.search(r"<code>(TZ1:.*?)</code>", page)[1])  # type: ignore[index]
    code = parse_code(text)
    assert "<svg" in page[page.index("code-picture") :]
    assert Station.objects.get().name_zh == "东门桶站"
    row = Invitation.objects.get()
    assert (row.by, row.reason, row.number) == ("wang", "a new station", code.number.hex())
    assert text not in installer.get(PAGE).content.decode()
    assert board(code, guarded_settings(tmp_path)).enrol(row.made_at).station == "east-gate"


def test_its_page_says_when_the_code_was_used(installer: Client, tmp_path: Path) -> None:
    page = made(installer)
    url = re.search(r'data-standing-url="(.*?)"', page)[1]  # type: ignore[index]
    assert installer.get(url).json() == {"standing": "open", "said": "Waits for the station."}
    text = re.search(r"<code>(TZ1:.*?)</code>", page)[1]  # type: ignore[index]
    board(parse_code(text), guarded_settings(tmp_path)).ask(Invitation.objects.get().made_at)
    assert installer.get(url).json() == {"standing": "used", "said": "Used: the station has its keys."}
    assert "Used: the station has its keys." in installer.get(PAGE).content.decode()


def test_a_code_can_be_taken_back(installer: Client) -> None:
    made(installer)
    listed = installer.get(PAGE).content.decode()
    url = re.search(r'action="(/office/sunny-garden/enrolment/[0-9a-f]+/take-back/)"', listed)[1]  # type: ignore[index]
    after = installer.post(url, follow=True).content.decode()
    assert "Taken back, or replaced by a newer one." in after
    assert "take-back" not in after
    assert Invitation.objects.get().ended_by == "wang"


@pytest.mark.parametrize("wrong", [{"station": "East Gate!"}, {"reason": ""}, {"station": ""}])
def test_a_mistake_makes_nothing_and_keeps_what_was_typed(installer: Client, wrong: dict[str, str]) -> None:
    answer = installer.post(INVITE, ASKED | wrong)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'role="alert"' in page
    assert 'value="东门桶站"' in page
    assert Invitation.objects.count() == Station.objects.count() == 0


def test_a_clerk_finds_no_such_page_and_the_office_leads_to_it_whom_it_lets_in(
    installer: Client, town: Town
) -> None:
    assert PAGE in installer.get("/office/").content.decode()
    new_officer("li", OfficerRole.CLERK, town.community)
    clerk = signed_in(Client(), "li")
    assert clerk.get(PAGE).status_code == clerk.post(INVITE, ASKED).status_code == 404
    assert PAGE not in clerk.get("/office/").content.decode()


def test_every_standing_has_its_words() -> None:
    assert set(STANDINGS) == set(CodeStanding)
