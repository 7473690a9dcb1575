"""The office's pages of stations."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import translation

from cloud_sync.ledger.communities.facts import Facts
from cloud_sync.ledger.communities.register import add_community
from cloud_sync.ledger.fleet.alarms import OTHERS, LedgerFault, Wanted, set_ledger_alarms
from cloud_sync.ledger.fleet.pages import texts
from cloud_sync.ledger.fleet.pages.alarms import fault_mend, fault_title
from cloud_sync.ledger.fleet.pages.listing import A_PAGE, MANY_WAIT
from cloud_sync.ledger.fleet.waiting import FLOOD
from cloud_sync.ledger.officers.rights import OfficerRole
from cloud_sync.wire.facts import AlarmFacts
from cloud_sync.wire.station_state import (
    BinState,
    DoorReading,
    StationState,
    SupplyReading,
    TemperatureReading,
)
from edge.faults import FaultCode
from tests.ledger.fleet.saying import Saying
from tests.ledger.signing_in import new_officer, signed_in
from tests.ledger.town import Town, event, stamp

Get = Callable[[str], str]


def state(**more: object) -> StationState:
    return StationState(online=True, start=7, connection=1, sequence=1, **more)  # type: ignore[arg-type]


@pytest.fixture
def saying(town: Town) -> Saying:
    for slug in ("east", "west", "north"):
        town.station(slug)
    return Saying(town.community.slug, datetime.now(UTC) - timedelta(seconds=5))


@pytest.fixture
def get(town: Town) -> Get:
    new_officer("wang", OfficerRole.INSTALLER, town.community)
    client = signed_in(Client(headers={"accept-language": "en"}))

    def answer(address: str) -> str:
        response = client.get(address)
        assert response.status_code == 200, response.status_code
        return response.content.decode()

    return answer


def names(page: str) -> list[str]:
    return re.findall(r"<h3><a [^>]*>(?:Station )?([^<]*)</a>", page)


def test_stations_that_are_away_come_first_and_the_filters_count(saying: Saying, get: Get) -> None:
    saying.bring("east", state(outbox=MANY_WAIT, bins=(BinState("kitchen", full=True),)))
    saying.bring("west", state(outbox=3))
    saying.write()
    saying.say("west", StationState(online=False, start=7, connection=1))
    page = get("/office/stations/")
    assert names(page) == ["west", "east", "north"]
    assert "Offline, silent since" in page
    assert "Full: kitchen" in page
    counts = dict(re.findall(r">([A-Z][a-z ]+) \((\d)\)</a>", page))
    assert counts == {"All": "3", "Alarm": "0", "Offline": "2", "Bin full": "1", "Records wait": "1"}
    assert names(get("/office/stations/?show=offline")) == ["west", "north"]
    assert names(get("/office/stations/?show=full")) == ["east"]
    assert names(get("/office/stations/?show=nonsense&page=x")) == ["west", "east", "north"]
    assert ">1/3<" in get("/office/").replace("<strong>", ">").replace("</strong>", "<")


def test_many_stations_have_pages(town: Town, saying: Saying, get: Get) -> None:
    for number in range(A_PAGE):
        town.station(f"gate-{number:02}")
    saying.say("east", state())
    first, second = get("/office/stations/"), get("/office/stations/?page=2")
    assert (len(names(first)), len(names(second))) == (A_PAGE, 3)
    assert "?page=2" in first
    assert names(get("/office/stations/?page=99")) == names(second)


def test_a_ledger_without_stations_says_how_to_admit_one(town: Town, get: Get) -> None:
    assert town.community.pk
    page = get("/office/stations/")
    assert "There is no station yet" in page
    assert "tongzhan ledger station add" in page


def test_a_stations_page_shows_what_it_said_and_its_readings(saying: Saying, get: Get) -> None:
    saying.say(
        "east",
        state(
            outbox=4,
            key_retired=True,
            readings=(
                TemperatureReading("mcu", 31.5, 4.0),
                SupplyReading("mcu", 12.1, 0.0),
                DoorReading("mcu", is_open=True, age_s=1.0),
            ),
            wall_s=saying.at.timestamp() + 7200,
            model="waste-0.4",
            versions={"software": "1.2", "roster": "12", "gadget": "3"},
        ),
    )
    page = get("/office/sunny-garden/stations/east/")
    for text in (
        "4 records wait",
        "Its key is retired",
        "mcu: 31.5 °C",
        "mcu: 12.1 V",
        "mcu: door open",
        "Clock 2 hours ahead",
        "waste-0.4",
        "<dt>Roster</dt><dd><code>12</code>",
        "<dt>gadget</dt>",
        "Hottest cabinet: between 31.5 °C and 31.5 °C, last 31.5 °C",
        "tongzhan ledger station show east",
    ):
        assert text in page
    assert page.count("<figure") == 4
    for span in ("week", "quarter", "year", "nonsense"):
        assert page.count("<figure") == get(f"/office/sunny-garden/stations/east/?span={span}").count(
            "<figure"
        )


def test_a_station_that_was_never_heard_has_a_page_too(saying: Saying, get: Get) -> None:
    assert saying.community
    page = get("/office/sunny-garden/stations/north/")
    assert "Not heard yet" in page
    assert "There are no readings of this time" in page


def test_foreign_and_unknown_stations_are_not_there(saying: Saying, town: Town) -> None:
    assert saying.community
    facts = Facts(name_zh="荷花里", name_en="Lotus Lane", timezone="Asia/Shanghai")
    other = add_community("lotus", facts, ())
    new_officer("wang", OfficerRole.ADMIN, other)
    client = signed_in(Client())
    assert client.get("/office/sunny-garden/stations/east/").status_code == 404
    assert client.get("/office/lotus/stations/east/").status_code == 404
    assert "east" not in client.get("/office/stations/").content.decode()
    assert client.get("/office/stations/?community=sunny-garden").status_code == 404
    assert Client().get("/office/stations/").status_code == 302
    assert town.community.pk


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.5, "0 seconds"), (59, "59 seconds"), (60, "1 minute"), (7300, "2 hours"), (1e6, "11 days")],
)
def test_a_span_is_said_in_its_largest_unit(seconds: float, said: str) -> None:
    with translation.override("en"):
        assert texts.duration(seconds) == said


def an_alarm(town: Town, *faults: str) -> None:
    now = datetime.now(UTC)
    facts = [AlarmFacts(fault, "kitchen", raised=True) for fault in faults]
    town.deliver(*(event(n, one, at=stamp(now)) for n, one in enumerate(facts, 1)), station="east", now=now)


def officer(role: OfficerRole) -> Client:
    new_officer("wang", role)
    return signed_in(Client(headers={"accept-language": "en"}))


def action_urls(page: str) -> list[str]:
    return re.findall(r'action="(/office/[^"]*(?:acknowledge|close|maintenance)/)"', page)


def test_an_alarm_is_acknowledged_closed_and_silenced_on_the_stations_page(
    saying: Saying, town: Town
) -> None:
    an_alarm(town, "camera_failed", "panic")
    client = officer(OfficerRole.INSTALLER)
    address = f"/office/{saying.community}/stations/east/"
    page = client.get(address).content.decode()
    assert "Camera gives no picture" in page
    acknowledge, close, *_ = sorted(action_urls(page))
    until = (datetime.now(ZoneInfo(town.community.timezone)) + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")

    def send(url: str, **form: str) -> str:
        answered = client.post(url, form, follow=True)
        assert answered.redirect_chain == [(address, 302)]
        return answered.content.decode()

    assert "Give a reason in one line" in send(acknowledge, until="yesterday", reason="x")
    assert "Give a reason in one line" in send(acknowledge, until=until, reason="")
    page = send(acknowledge, until=until, reason="a part is ordered")
    assert "The alarm is acknowledged" in page
    assert "acknowledged by wang" in page
    page = send(f"{address}maintenance/", until=until, reason="new lid")
    assert "In maintenance until" in page
    assert "1 alarm" not in client.get("/office/").content.decode()
    page = send(f"{address}maintenance/", end="1")
    assert "The maintenance is over" in page
    other = next(url for url in action_urls(page) if url.endswith("close/") and url != close)
    for url in (close, other):
        assert "The alarm is closed" in send(url, reason="mended")
    page = client.get(address).content.decode()
    assert "No alarm is open" in page
    assert "closed by wang" in page
    again = client.post(close, {"reason": "mended"}, follow=True).content.decode()
    assert "somebody else has dealt with it" in again


def test_who_may_not_decide_sees_no_forms_and_reaches_none(saying: Saying, town: Town) -> None:
    an_alarm(town, "camera_failed")
    forms = action_urls(
        officer(OfficerRole.INSTALLER).get(f"/office/{saying.community}/stations/east/").content.decode()
    )
    assert len(forms) == 3
    new_officer("zhao", OfficerRole.AUDITOR)
    client = signed_in(Client(), "zhao")
    assert action_urls(client.get(f"/office/{saying.community}/stations/east/").content.decode()) == []
    assert {client.post(url, {"reason": "x"}).status_code for url in forms} == {404}


def test_a_lines_alarm_stands_above_the_list_and_a_flood_is_one_line(saying: Saying, town: Town) -> None:
    assert saying.community
    now = datetime.now(UTC)
    line = Wanted(town.community, None, LedgerFault.LINE_CUT, "8/10")
    away = Wanted(None, None, LedgerFault.BROKER_AWAY, "")
    set_ledger_alarms([line, away], list(LedgerFault), now)
    an_alarm(town, *(f"fault_{number}" for number in range(FLOOD + 1)))
    client = officer(OfficerRole.ADMIN)
    page = client.get("/office/stations/").content.decode()
    assert page.index("cannot reach the message server") < page.index('id="stations"')
    assert "line is cut" in html.unescape(page)
    assert "11 alarms within minutes" in page
    assert "3 alarms" in client.get("/office/").content.decode()
    for url in action_urls(page):
        form = {"reason": "seen", "until": (now + timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M")}
        answered = client.post(url, form, follow=True)
        assert answered.redirect_chain == [("/office/stations/", 302)]
    assert "Alarms of lines" not in client.get("/office/stations/").content.decode()
    set_ledger_alarms([away], list(LedgerFault), now)
    new_officer("zhao", OfficerRole.ADMIN, town.community)
    other = signed_in(Client(headers={"accept-language": "en"}), "zhao")
    assert "message server" not in other.get("/office/stations/").content.decode(), "it is the town's"


def test_every_fault_of_the_catalogue_and_of_the_ledger_has_its_words() -> None:
    with translation.override("zh-hans"):
        for fault in (*FaultCode, *LedgerFault, OTHERS):
            assert re.search(r"[\u4e00-\u9fff]", fault_title(fault))
            assert re.search(r"[\u4e00-\u9fff]", fault_mend(fault))
    assert (fault_title("fault_of_tomorrow"), fault_mend("fault_of_tomorrow")) == ("fault_of_tomorrow", "")
