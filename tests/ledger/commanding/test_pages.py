"""The office's page of a station's commands: who sees which buttons, and what a form does."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client

from cloud_sync.ledger.commanding.models import Command
from cloud_sync.ledger.officers.rights import OfficerRole
from cloud_sync.wire.commands import VERBS
from tests.ledger.signing_in import new_officer, signed_in
from tests.ledger.town import Town

PAGE = "/office/sunny-garden/stations/east/commands/"


@pytest.fixture
def client(town: Town) -> Client:
    town.station("east")
    new_officer("wang", OfficerRole.INSTALLER, town.community)
    return signed_in(Client(headers={"accept-language": "en"}))


def give(client: Client, kind: str, **fields: str) -> HttpResponse:
    form = {"form": "f1", "verb": "identify", "about": "", "reason": "where is it?"} | fields
    response = client.post(f"{PAGE}{kind}/", form)
    assert isinstance(response, HttpResponse)
    return response


def test_an_installer_sees_a_button_for_every_command(client: Client) -> None:
    page = client.get(PAGE).content.decode()
    assert all(f'value="{verb}"' in page for verb in VERBS)
    assert "No command was given to this station yet." in page


def test_a_form_makes_one_command_with_the_officers_name_however_often_it_is_sent(client: Client) -> None:
    for _ in range(2):
        assert give(client, "station").status_code == 302
    made = Command.objects.get()
    assert (made.verb, made.issuer, made.reason, made.state) == (
        "identify",
        "wang",
        "where is it?",
        "waiting",
    )
    page = client.get(PAGE).content.decode()
    assert "Under way" in page
    assert "where is it?" in page


def test_a_lid_asks_again_who_the_officer_is_and_keeps_the_form(town: Town) -> None:
    town.station("east")
    password = new_officer("wang", OfficerRole.INSTALLER, town.community)
    client = signed_in(Client(headers={"accept-language": "en"}), confirmed=False)
    asked = give(client, "lid", verb="open", about="kitchen")
    assert "Confirm that it is you" in asked.content.decode()
    assert not Command.objects.exists()
    assert give(client, "lid", verb="open", about="kitchen", confirmation=password).status_code == 302
    assert Command.objects.get().about == "kitchen"


def test_a_lid_is_no_matter_of_the_other_form(client: Client) -> None:
    assert give(client, "station", verb="open", about="kitchen").status_code == 404
    assert give(client, "lid", verb="identify").status_code == 404
    assert give(client, "station", verb="launch").status_code == 404
    assert not Command.objects.exists()


def test_a_form_without_a_reason_or_a_bin_says_what_is_wrong(client: Client) -> None:
    for kind, fields in (("station", {"reason": " "}), ("lid", {"verb": "open", "about": " "})):
        answer = give(client, kind, **fields)
        assert answer.status_code == 400
        assert "Nothing was sent." in answer.content.decode()
    assert not Command.objects.exists()


def test_who_may_only_look_has_no_button_and_no_form_works(town: Town) -> None:
    town.station("east")
    new_officer("wang", OfficerRole.CLERK, town.community)
    client = signed_in(Client(headers={"accept-language": "en"}))
    assert "but not give any" in client.get(PAGE).content.decode()
    assert give(client, "station").status_code == 404
    assert give(client, "lid", verb="open", about="kitchen").status_code == 404


def test_an_unknown_station_is_not_there(client: Client) -> None:
    assert client.get(PAGE.replace("east", "west")).status_code == 404
    assert client.get(PAGE.replace("sunny-garden", "lotus")).status_code == 404


def test_a_stations_page_leads_to_its_commands(client: Client) -> None:
    assert PAGE in client.get("/office/sunny-garden/stations/east/").content.decode()
