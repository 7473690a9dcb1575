"""Two communities with stations, cards and households of equal names never meet: commands, pages, rows."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

from cloud_sync.ledger.communities.facts import Facts
from cloud_sync.ledger.communities.register import add_community, change_community
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household, find_household
from cloud_sync.ledger.points.corrections import correct
from cloud_sync.ledger.points.models import Account, Card, Debt, Household, Transfer, VisitSettlement
from cloud_sync.ledger.statement.links import statement_link
from cloud_sync.ledger.stations.alarms import Cause, raise_alarm
from cloud_sync.ledger.stations.models import Alarm, Community, Event, Station
from tests.ledger.signing_in import new_officer, signed_in
from tests.ledger.town import NOW, RIGHT, Town, card, event, rules, visit_facts

Run = Callable[..., subprocess.CompletedProcess[str]]
GATE = "east-gate"
CODE = "3-2-501"
LOTUS = Facts(
    name_zh="荷花里", name_en="Lotus Lane", timezone="Asia/Urumqi", sorting="shanghai", language="en"
)


@pytest.fixture
def lotus(town: Town) -> Town:
    """The other community: its gate, its household and its card are called as those of the first one."""
    other = Town(add_community("lotus", LOTUS, [rules(1)]))
    for number, one in enumerate((town, other), 1):
        household = add_household(one.community, CODE)
        one.deliver(
            event(1, visit_facts(1, RIGHT, provisional=2)), event(2, visit_facts(9, provisional=0, rules=7))
        )
        one.deliver(event(3, visit_facts(2, *[RIGHT] * number, provisional=2 * number)))
        bind_card(household, card(1), NOW)
        raise_alarm(one.community.slug, GATE, Cause.CONFLICT, "a detail", NOW)
    return other


def owing(one: Town) -> Debt:
    """What the household owes after a correction of what it has spent."""
    household = find_household(one.community, CODE)
    Account.objects.filter(household=household).update(balance=0)
    correct(Transfer.objects.get(household=household, purpose="release"), "Li", "not theirs", NOW)
    return Debt.objects.get(household=household)


def test_points_of_equal_cards_and_households_are_apart(town: Town, lotus: Town) -> None:
    assert Household.objects.filter(code=CODE).count() == 2
    assert [one.balance(find_household(one.community, CODE)) for one in (town, lotus)] == [2, 2]
    assert (town.suspense, lotus.suspense) == (2, 4)
    assert Card.objects.filter(hash=card(1)).count() == 2


def test_either_is_verified_alone(tongzhan: Run, config: Path, town: Town, lotus: Town) -> None:
    connection.close()

    def audit(*options: str) -> dict[str, object]:
        command = ("ledger", "verify", "--json", "--heads", "--config", config, *options)
        found: dict[str, object] = json.loads(tongzhan(*command).stdout)
        return found

    every = audit()
    alone = {one.community.slug: audit("--community", one.community.slug) for one in (town, lotus)}
    assert every["ok"] is True
    assert sum(int(str(one["transfers"])) for one in alone.values()) == every["transfers"]
    assert (alone["lotus"]["settled"], alone["lotus"]["held"]) == (2, 4)
    assert {slug for one in alone.values() for slug in dict(one["heads"])} == {"lotus", "sunny-garden"}  # type: ignore[call-overload]
    Account.objects.filter(community=lotus.community, household__isnull=False).update(balance=9)
    connection.close()
    assert audit("--community", "lotus")["ok"] is False
    assert audit("--community", "sunny-garden")["ok"] is True
    assert audit()["ok"] is False


WHO = ("--by", "Wang", "--reason", "because it is so")
HEX = "ab" * 32
ONE = [
    ["station", "add", "south-gate", "--public-key", "KEY"],
    ["station", "rename", GATE, "--name-en", "East", *WHO],
    ["station", "limit", GATE, "7", *WHO],
    ["station", "rotate-key", GATE, "--public-key", "KEY"],
    ["station", "retire", GATE],
    ["household", "add", "9-9-909"],
    ["household", "link", CODE],
    ["household", "unlink", CODE, *WHO],
    ["household", "rename", CODE, "--name", "Wang", *WHO],
    ["household", "export", CODE],
    ["household", "history", CODE],
    ["household", "erase", CODE, "--yes", *WHO],
    ["household", "list", "--after", CODE],
    ["card", "show", card(1)],
    ["card", "bind", card(2), CODE, *WHO],
    ["card", "unbind", card(1), *WHO],
    ["card", "block", card(1), *WHO],
    ["card", "unblock", card(1), *WHO],
    ["card", "suspect", card(1), *WHO],
    ["card", "clear", card(1), *WHO],
    ["card", "replace", card(1), card(5), *WHO],
    ["card", "staff", card(3), "on", *WHO],
    ["staff", card(4)],
    ["held", "release", "--station", GATE, "--because", "backdated", *WHO],
    ["correct", "1", *WHO],
]
"""Commands that name what two communities may both have."""
LISTS = (["station", "list"], ["card", "list"], ["household", "list"], ["held", "list"], ["aside", "list"])


def rows() -> dict[str, list[object]]:
    """All that commands could touch of the first community."""
    here = Community.objects.get(slug="sunny-garden")
    return {
        "stations": list(Station.objects.filter(community=here).order_by("pk").values()),
        "households": list(Household.objects.filter(community=here).order_by("pk").values()),
        "cards": list(Card.objects.filter(community=here).order_by("pk").values()),
        "accounts": list(Account.objects.filter(community=here).order_by("pk").values()),
        "visits": list(VisitSettlement.objects.filter(community=here).order_by("pk").values()),
        "alarms": list(Alarm.objects.filter(community=here.slug).order_by("pk").values()),
        "keys": list(Station.objects.filter(community=here).values("keys__key_id", "keys__retired_at")),
    }


@pytest.mark.usefixtures("lotus")
@pytest.mark.parametrize("command", ONE, ids=lambda command: "-".join(command[:2]))
def test_a_command_asks_which_community_and_touches_only_that(
    tongzhan: Run, config: Path, command: list[str]
) -> None:
    before = rows()
    connection.close()
    typed = ["ledger", *(HEX if word == "KEY" else word for word in command), "--config", config]
    refused = tongzhan(*typed)
    assert refused.returncode == 2
    assert (
        "this ledger has several communities; name one with --community: lotus, sunny-garden"
        in refused.stderr
    )
    assert rows() == before
    done = tongzhan(*typed, "--community", "lotus")
    told = done.stdout + done.stderr
    assert done.returncode in {0, 2}, told
    if done.returncode == 2:
        assert "in this ledger" not in told
        assert "several communities" not in told
    assert rows() == before
    assert "no community 'elsewhere' in this ledger" in tongzhan(*typed, "--community", "elsewhere").stderr


@pytest.mark.usefixtures("lotus")
@pytest.mark.parametrize("command", LISTS, ids="-".join)
def test_lists_show_one_community_or_all_and_name_each(
    tongzhan: Run, config: Path, command: list[str]
) -> None:
    connection.close()

    def listed(*options: str) -> list[dict[str, object]]:
        done = tongzhan("ledger", *command, "--json", *options, "--config", config)
        assert done.returncode == 0, done.stderr
        found: list[dict[str, object]] = json.loads(done.stdout)
        return found

    every = listed()
    assert {row["community"] for row in every} == {"lotus", "sunny-garden"}
    for slug in ("lotus", "sunny-garden"):
        assert listed("--community", slug) == [row for row in every if row["community"] == slug]
    plain = tongzhan("ledger", *command, "--config", config).stdout
    assert plain.count("lotus  ") == plain.count("sunny-garden  ") > 0


@pytest.mark.usefixtures("lotus")
def test_numbers_of_another_community_are_not_found(tongzhan: Run, config: Path, town: Town) -> None:
    held = VisitSettlement.objects.filter(community=town.community, held__gt=0).values_list("pk", flat=True)[
        0
    ]
    aside = Event.objects.get(station__community=town.community, state="refused").pk
    alarm = Alarm.objects.filter(community=town.community.slug)[0].pk
    debt = owing(town).pk
    before = rows()
    connection.close()
    for command in (
        ["held", "release", str(held), *WHO],
        ["held", "refuse", str(held), *WHO],
        ["aside", "show", f"e{aside}"],
        ["aside", "apply", f"e{aside}"],
        ["aside", "dismiss", f"e{aside}", *WHO],
        ["alarm", "close", str(alarm), "--by", "Wang"],
        ["debt", "forgive", str(debt), *WHO],
    ):
        done = tongzhan("ledger", *command, "--config", config, "--community", "lotus")
        assert done.returncode == 2, command
        assert "see: tongzhan ledger" in done.stderr
    assert rows() == before


@pytest.fixture
def officer(lotus: Town) -> Client:
    assert lotus.community.slug == "lotus"
    new_officer("wang")
    return signed_in(Client(headers={"Accept-Language": "en"}))


def shown(officer: Client, query: str = "") -> str:
    answer = officer.get(f"/office/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_office_shows_both_named_and_either_alone(officer: Client) -> None:
    both = shown(officer)
    assert both.count("<span>Lotus Lane</span>") == both.count("<span>Sunny Garden</span>") > 2
    for slug, other in (("lotus", "sunny-garden"), ("sunny-garden", "lotus")):
        one = shown(officer, f"?community={slug}")
        urls = re.findall(r'action="/office/([\w-]+)/', one)
        assert set(urls) - {"logout"} == {slug}
        assert other not in urls
    assert officer.get("/office/?community=elsewhere").status_code == 404
    assert officer.get("/office/debts/?community=elsewhere").status_code == 404


def test_an_action_is_done_in_its_community_and_leads_back_to_what_was_shown(
    officer: Client, town: Town, lotus: Town
) -> None:
    held = VisitSettlement.objects.get(community=town.community, held__gt=0)
    reason = {"reason": "it is theirs"}
    answer = officer.post(f"/office/lotus/held/{held.pk}/withhold/", reason, follow=True)
    assert "Nothing was changed" in answer.content.decode()
    own = VisitSettlement.objects.get(community=lotus.community, held__gt=0)
    form = {"household": CODE, **reason}
    answer = officer.post(f"/office/lotus/held/{own.pk}/register/?community=lotus", form)
    assert answer.headers["Location"] == "/office/?community=lotus"
    assert lotus.balance(find_household(lotus.community, CODE)) == 6
    assert town.balance(find_household(town.community, CODE)) == 2
    assert officer.post(f"/office/elsewhere/held/{own.pk}/give/", reason).status_code == 404


def test_debts_are_of_both_or_of_one(officer: Client, town: Town, lotus: Town) -> None:
    debts = [owing(one) for one in (town, lotus)]
    page = officer.get("/office/debts/").content.decode()
    assert f"Lotus Lane · {CODE}" in page
    assert f"Sunny Garden · {CODE}" in page
    page = officer.get("/office/debts/?community=lotus").content.decode()
    assert f"/office/lotus/debts/{debts[1].pk}/forgive/?community=lotus" in page
    assert f"debts/{debts[0].pk}/forgive" not in page
    assert officer.post(f"/office/lotus/debts/{debts[0].pk}/forgive/", {"reason": "ours"}).status_code == 404


def test_a_statement_has_its_communitys_zone_language_sorting_and_points(town: Town, lotus: Town) -> None:
    def opened(one: Town, language: str) -> str:
        path = statement_link(find_household(one.community, CODE)).partition("8000")[2]
        return Client(headers={"Accept-Language": language}).get(path).content.decode()

    ours, theirs = opened(town, "de"), opened(lotus, "de")
    assert 'lang="zh-CN"' in ours.split(">")[1]
    assert 'lang="en"' in theirs.split(">")[1]
    assert "12:00" in ours  # noon in Shanghai is ten o'clock in Urumqi
    assert "10:00" in theirs
    assert "/colours/sunny-garden.css" in ours
    assert "/colours/lotus.css" in theirs
    assert "Household Food Waste" in theirs
    assert 'lang="zh-CN"' in opened(lotus, "zh").split(">")[1]  # a browser that asks is answered so
    change_community(lotus.community, {"timezone": "Asia/Shanghai"}, [], "Wang", "they go by it", NOW)
    assert "12:00" in opened(lotus, "de")


@pytest.mark.usefixtures("lotus")
def test_colours_are_the_communitys_own() -> None:
    sheets = [Client().get(f"/colours/{slug}.css").content for slug in ("sunny-garden", "lotus")]
    assert b"#" in sheets[0]
    assert sheets[0] != sheets[1]
    assert Client().get("/colours/elsewhere.css").status_code == 404


@pytest.mark.usefixtures("lotus")
def test_the_front_door_names_the_communities() -> None:
    page = Client(headers={"Accept-Language": "en"}).get("/").content.decode()
    assert "Lotus Lane" in page
    assert "Sunny Garden" in page
