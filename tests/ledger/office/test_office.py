"""What waits for a person: by command, and on the office's page, which only officers see."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import translation

from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.intake.apply import apply_batch
from cloud_sync.ledger.intake.parse import Reason
from cloud_sync.ledger.office import page, texts
from cloud_sync.ledger.office.items import Shown
from cloud_sync.ledger.office.pending import STRAY, held
from cloud_sync.ledger.officers.register import officers, remove_officer, rename_old_officers, renew_password
from cloud_sync.ledger.officers.rights import OfficerRole
from cloud_sync.ledger.points.models import Transfer
from cloud_sync.ledger.settling.rules import add_rules
from cloud_sync.ledger.statement.links import end_links
from cloud_sync.ledger.stations.alarms import Cause, raise_alarm
from cloud_sync.ledger.stations.models import Alarm, Event, EventState
from cloud_sync.rules.award_rules import HeldBy
from cloud_sync.wire.facts import AlarmFacts
from config.errors import InputError
from tests.ledger.signing_in import CLERK, new_officer
from tests.ledger.town import EPOCH, NOW, RIGHT, Town, card, event, rules, stamp, visit_facts

CLERKS = ("--role", "clerk", "--reason", "new here")
Run = Callable[..., subprocess.CompletedProcess[str]]


def done(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def troubled(town: Town) -> Town:
    """A town with one of everything that waits."""
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=1)))
    town.deliver(event(2, visit_facts(2, RIGHT, provisional=2, rules=7)))
    town.deliver(b'{"epoch":"' + EPOCH.encode() + b'","sequence":3,"nonsense":true}')
    town.deliver(b'{"nonsense":true}')
    assert apply_batch(b"noise", town.community.slug, "east-gate", NOW) is None
    assert (
        apply_batch(town.seal(event(9, visit_facts(1, provisional=0))), "sunny-garden", "moon", NOW) is None
    )
    connection.close()
    return town


def test_every_reason_has_its_words_in_both_languages() -> None:
    assert set(texts.ASIDE) == {*Reason, STRAY}
    assert set(texts.HELD) == set(HeldBy)
    assert set(texts.ALARMS) == set(Cause)
    for table in (texts.ASIDE, texts.HELD, texts.ALARMS):
        for reason in table:
            with translation.override("zh-hans"):
                chinese = texts.explained(reason, table)
            assert re.search(r"[\u4e00-\u9fff]", chinese.what)
            assert re.search(r"[\u4e00-\u9fff]", chinese.todo)


def test_the_page_names_all_that_waits_with_its_reason(troubled: Town) -> None:
    with translation.override("en"):
        shown = page.make_page(Shown((troubled.community,), CLERK), (), NOW)
    told = {section.anchor: [item.said.what for item in section.items] for section in shown.sections}
    assert sorted(told["aside"]) == sorted(
        texts.ASIDE[reason].what
        for reason in (Reason.CONFLICT, Reason.UNKNOWN_RULES, Reason.MALFORMED, STRAY)
    )
    assert told["held"] == [texts.HELD[HeldBy.UNKNOWN_CARD].what]
    assert texts.ALARMS[Cause.UNKNOWN_STATION].what in told["alarms"]
    assert texts.ALARMS[Cause.CONFLICT].what in told["alarms"]


def test_many_are_cut_off_and_said_to_be_more(town: Town) -> None:
    for start in range(1, 121, 60):
        numbers = range(start, start + 60)
        town.deliver(*(event(number, visit_facts(1, provisional=0, rules=7)) for number in numbers))
    aside = page.make_page(Shown((town.community,), CLERK), (), NOW).sections[2]
    assert (len(aside.items), aside.more) == (page.SHOWN, True)


@pytest.mark.usefixtures("town")
def test_a_ledger_without_a_community_has_a_page_on_which_nothing_waits() -> None:
    raise_alarm("*", "*", Cause.CERTIFICATE, "soon over", NOW)
    assert page.make_page(Shown((), CLERK), (), NOW).sections == ()


def test_the_page_tells_whose_links_were_taken_back(town: Town) -> None:
    with translation.override("en"):
        assert page.make_page(Shown((town.community,), CLERK), (), NOW).links == ()
    for code in ("3-2-501", "3-2-502"):
        end_links(add_household(town.community, code), "wang", "sent to the wrong number", NOW)
    with translation.override("en"):
        latest, first = page.make_page(Shown((town.community,), CLERK), (), NOW).links
    assert latest.startswith("3-2-502: ")
    assert latest.endswith("by wang. sent to the wrong number")
    assert first.startswith("3-2-501: ")


@pytest.fixture
def browser_client() -> Client:
    return Client(enforce_csrf_checks=True)


def sign_in(client: Client, name: str, password: str) -> int:
    shown = client.get("/office/login/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', shown)
    assert token is not None
    form = {"username": name, "password": password, "csrfmiddlewaretoken": token[1]}
    return client.post("/office/login/", form).status_code


def test_nobody_sees_the_page_without_signing_in(troubled: Town, browser_client: Client) -> None:
    answer = browser_client.get("/office/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/office/login/?next=/office/")
    assert troubled.community.name_zh.encode() not in answer.content


@pytest.mark.usefixtures("troubled")
def test_an_officer_signs_in_looks_and_signs_out(browser_client: Client) -> None:
    password = new_officer("wang")
    assert sign_in(browser_client, "Wang", password) == 302
    answer = browser_client.get("/office/")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"].startswith("no-store")
    assert texts.ASIDE[Reason.CONFLICT].what not in answer.content.decode()
    assert "以第一次为准" in answer.content.decode()
    token = browser_client.cookies["csrftoken"].value
    assert browser_client.post("/office/logout/", {"csrfmiddlewaretoken": token}).status_code == 302
    assert browser_client.get("/office/").status_code == 302


@pytest.mark.usefixtures("town")
def test_a_wrong_password_and_a_form_from_elsewhere_are_refused(browser_client: Client) -> None:
    password = new_officer("wang")
    assert sign_in(browser_client, "wang", password + "x") == 200
    assert sign_in(browser_client, "li", password) == 200
    form = {"username": "wang", "password": password}
    assert browser_client.post("/office/login/", form).status_code == 403
    assert browser_client.get("/office/").status_code == 302


@pytest.mark.usefixtures("town")
def test_a_new_password_or_removal_ends_what_an_officer_sees_at_once(browser_client: Client) -> None:
    password = new_officer("wang")
    new_officer("li", OfficerRole.ADMIN)
    sign_in(browser_client, "wang", password)
    assert browser_client.get("/office/").status_code == 200
    fresh = renew_password("wang")
    assert browser_client.get("/office/").status_code == 302
    sign_in(browser_client, "wang", fresh)
    assert browser_client.get("/office/").status_code == 200
    remove_officer("wang", "li", "moved away", NOW)
    assert browser_client.get("/office/").status_code == 302
    with pytest.raises(InputError, match="no officer wang"):
        remove_officer("wang", "li", "moved away", NOW)


@pytest.mark.usefixtures("town")
def test_officers_of_an_older_version_sign_in_by_their_names_alone() -> None:
    for name in ("sunny-garden/wang", "blue-garden/wang", "sunny-garden/li"):
        User.objects.create(username=name)
    (line,) = rename_old_officers()
    assert line == "officer blue-garden/wang: another is called wang; add them under another name"
    assert [user.username for user in officers()] == ["blue-garden/wang", "li", "wang"]
    assert rename_old_officers() == [line]


def test_what_was_set_aside_is_listed_shown_and_applied_once_it_can_be(
    troubled: Town, tongzhan: Run, config: Path
) -> None:
    listed = json.loads(done(tongzhan("ledger", "aside", "list", "--json", "--config", config)))
    by_reason = {row["reason"]: row["number"] for row in listed}
    assert set(by_reason) == {"conflict", "unknown_rules", "malformed", STRAY}
    assert "nonsense" in done(tongzhan("ledger", "aside", "show", by_reason[STRAY], "--config", config))
    refused = tongzhan("ledger", "aside", "apply", by_reason["unknown_rules"], "--config", config)
    assert (refused.returncode, "give the community the rules of its version" in refused.stderr) == (
        2,
        True,
    ), refused.stderr
    add_rules(troubled.community, rules(7))
    connection.close()
    result = tongzhan("ledger", "aside", "apply", "--all", "--config", config)
    assert result.returncode == 1
    assert f"{by_reason['unknown_rules']} is applied" in result.stdout
    assert len(result.stderr.splitlines()) == 3
    assert Event.objects.filter(state=EventState.REFUSED).count() == 1
    assert troubled.suspense == 4


def test_held_points_are_listed_and_released_or_refused_by_a_person_with_a_reason(
    town: Town, tongzhan: Run, config: Path
) -> None:
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    town.community.stations.update(daily_mint_limit=3)
    town.station("east-gate")
    town.community.stations.update(daily_mint_limit=3)
    town.deliver(*(event(number, visit_facts(1, RIGHT, provisional=2)) for number in (1, 2, 3)))
    connection.close()
    listed = json.loads(done(tongzhan("ledger", "held", "list", "--json", "--config", config)))
    assert [(row["points"], row["reason"], row["household"]) for row in listed] == [
        (2, "mint_limit", "3-2-501")
    ] * 2
    why = ("--by", "Li", "--reason", "the sensor was checked", "--config", config)
    first, second = (str(row["number"]) for row in listed)
    assert "2 points given" in done(tongzhan("ledger", "held", "release", first, *why))
    assert "2 points withheld" in done(tongzhan("ledger", "held", "refuse", second, *why))
    again = tongzhan("ledger", "held", "release", first, *why)
    assert (again.returncode, "holds no points" in again.stderr) == (2, True)
    now = datetime.now(UTC)
    town.deliver(event(4, AlarmFacts("lid_stuck", "kitchen", raised=True), at=stamp(now)), now=now)
    connection.close()
    assert "0 points given" in done(tongzhan("ledger", "held", "expire", "--config", config))
    assert town.balance(household) == 4


def test_a_correction_leaves_a_debt_that_can_be_forgiven(town: Town, tongzhan: Run, config: Path) -> None:
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    town.deliver(
        event(1, visit_facts(1, RIGHT, provisional=2)), event(2, visit_facts(1, RIGHT, provisional=2))
    )
    connection.close()
    history = json.loads(
        done(tongzhan("ledger", "household", "history", "3-2-501", "--json", "--config", config))
    )
    assert [row["points"] for row in history] == [2, 2]
    why = ("--by", "Li", "--reason", "another household's bag", "--config", config)
    assert "2 points taken back" in done(tongzhan("ledger", "correct", str(history[0]["position"]), *why))
    twice = tongzhan("ledger", "correct", str(history[0]["position"]), *why)
    assert (twice.returncode, "corrected before" in twice.stderr) == (2, True)
    assert town.balance(household) == 2
    assert "nobody owes anything" in done(tongzhan("ledger", "debt", "list", "--config", config))
    assert "no debt 1" in tongzhan("ledger", "debt", "forgive", "1", *why).stderr
    assert Transfer.objects.filter(purpose="correction").count() == 1


@pytest.mark.usefixtures("troubled")
def test_alarms_are_listed_and_closed_by_name(tongzhan: Run, config: Path) -> None:
    listed = tongzhan("ledger", "alarm", "list", "--json", "--config", config)
    assert listed.returncode == 1
    alarms = json.loads(listed.stdout)
    assert {row["reason"] for row in alarms} >= {"unknown_station", "conflict", "set_aside", "unreadable"}
    for row in alarms:
        done(tongzhan("ledger", "alarm", "close", str(row["pk"]), "--by", "Li", "--config", config))
    assert "no alarm is open" in done(tongzhan("ledger", "alarm", "list", "--config", config))
    assert set(Alarm.objects.values_list("closed_by", flat=True)) == {"Li"}


@pytest.mark.usefixtures("town")
def test_officers_are_added_listed_and_removed(tongzhan: Run, config: Path, browser_client: Client) -> None:
    told = done(tongzhan("ledger", "officer", "add", "wang", *CLERKS, "--config", config))
    assert sign_in(browser_client, "wang", told.split()[-1]) == 302
    assert done(tongzhan("ledger", "officer", "list", "--config", config)) == "wang: clerk of the town\n"
    assert "/office/ with this password: " in told
    done(tongzhan("ledger", "officer", "remove", "wang", "--reason", "moved away", "--config", config))
    assert json.loads(done(tongzhan("ledger", "officer", "list", "--json", "--config", config))) == []
    assert (
        "not an officer's name"
        in tongzhan("ledger", "officer", "add", "Wang Li", *CLERKS, "--config", config).stderr
    )


def test_a_wait_is_said_to_end_by_itself_only_if_it_does(troubled: Town) -> None:
    (row,) = held([troubled.community])
    assert row.until == row.since + timedelta(days=90)


def test_other_rules_are_tried_without_changing_anything(town: Town, tongzhan: Run, config: Path) -> None:
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    town.deliver(*(event(number, visit_facts(1, RIGHT, provisional=2)) for number in (1, 2)))
    connection.close()
    file = config.with_name("generous.toml")
    shipped = Path("config/award_rules.v1.toml").read_text(encoding="utf-8")
    file.write_text(re.sub(r"(?m)^(version|kitchen) = .*", lambda key: f"{key[1]} = 9", shipped), "utf-8")
    days = ("--since", "2026-11-20", "--until", "2026-11-21")
    told = json.loads(
        done(tongzhan("ledger", "preview", "--rules", file, *days, "--json", "--config", config))
    )
    assert (told["version"], told["visits"], told["before"], told["after"]) == (9, 2, 4, 18)
    assert town.balance(household) == 4
    wrong = ("--since", "2026-11-21", "--until", "2026-11-20")
    refused = tongzhan("ledger", "preview", "--rules", file, *wrong, "--config", config)
    assert (refused.returncode, "there is no day" in refused.stderr) == (2, True)
