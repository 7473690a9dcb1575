"""What programs read over the API, by the right of their token."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from cloud_sync.ledger.api.rates import ORDINARY
from cloud_sync.ledger.communities.facts import Facts
from cloud_sync.ledger.communities.register import add_community
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.stations.models import Community
from cloud_sync.ledger.tokens.register import NOTED, TokenScope, add_token, revoke_token, tokens
from cloud_sync.wire.facts import AlarmFacts
from cloud_sync.wire.station_state import BinState, StationState
from tests.engines import BOTH
from tests.ledger.fleet.saying import Saying
from tests.ledger.town import RIGHT, Town, card, event, stamp, visit_facts

pytestmark = BOTH
HERE = "/api/v1/communities/sunny-garden"
Read = Callable[..., tuple[int, Any]]
WHY = ("li", "the city's map")


@pytest.fixture(autouse=True)
def nobody_asked_yet(database: str) -> None:
    """Count nobody's requests of an earlier test."""
    assert database
    cache.clear()


def made(
    *scopes: TokenScope, community: Community | None = None, days: int = 30, now: datetime | None = None
) -> str:
    return add_token("map", scopes or tuple(TokenScope), community, days, *WHY, now or datetime.now(UTC))


def read(path: str, token: str) -> tuple[int, Any]:
    answer = Client().get(path, headers={"authorization": f"Bearer {token}"})
    return answer.status_code, json.loads(answer.content)


def test_stations_alarms_and_balances_are_read(town: Town) -> None:
    now = datetime.now(UTC)
    town.station("east-gate")
    said = StationState(online=True, start=7, outbox=2, bins=(BinState("kitchen", full=True),))
    Saying(town.community.slug, now).say("east-gate", said)
    bind_card(add_household(town.community, "3-2-501", "刘敏"), card(1), now)
    facts = AlarmFacts("camera_failed", "kitchen", raised=True)
    visit = visit_facts(1, RIGHT, provisional=2)
    town.deliver(event(1, visit, at=stamp(now)), event(2, facts, at=stamp(now)), now=now)
    token = made()
    status, stations = read(f"{HERE}/stations", token)
    assert status == HTTPStatus.OK
    (station,) = stations["items"]
    assert (station["slug"], station["condition"], station["full"]) == ("east-gate", "online", ["kitchen"])
    assert read(f"{HERE}/stations/east-gate", token) == (HTTPStatus.OK, station)
    _, alarms = read(f"{HERE}/alarms", token)
    assert [(one["station"], one["fault"]) for one in alarms["items"]] == [("east-gate", "camera_failed")]
    status, balances = read(f"{HERE}/balances", token)
    assert balances == {"items": [{"household": "3-2-501", "points": 2}], "next": None}


def test_a_long_list_is_read_in_pages(town: Town) -> None:
    for number in range(7):
        town.station(f"gate-{number}")
        add_household(town.community, f"3-2-50{number}")
    facts = [AlarmFacts(f"fault_{number}", "mcu", raised=True) for number in range(7)]
    now = datetime.now(UTC)
    town.deliver(*(event(n, one, at=stamp(now)) for n, one in enumerate(facts, 1)), station="gate-0", now=now)
    token = made()
    for what, key in (("stations", "slug"), ("alarms", "fault"), ("balances", "household")):
        seen, after = [], ""
        for _ in range(4):
            _, page = read(f"{HERE}/{what}?limit=3{after}", token)
            seen += [one[key] for one in page["items"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert len(seen) == len(set(seen)) == 7, what


@pytest.mark.parametrize("scope", TokenScope)
def test_a_token_reads_what_its_scope_names_and_nothing_else(town: Town, scope: TokenScope) -> None:
    assert town.community.pk
    token = made(scope)
    found = {what: read(f"{HERE}/{what}", token)[0] for what in ("stations", "alarms", "balances")}
    allowed = scope.value.partition(":")[0]
    assert found == {what: 200 if what == allowed else 403 for what in found}


def test_a_communitys_token_reads_no_other_and_a_towns_reads_all(town: Town) -> None:
    lotus = add_community("lotus", Facts(name_zh="荷花里", name_en="Lotus", timezone="Asia/Shanghai"), ())
    own, foreign, towns = made(community=town.community), made(community=lotus), made()
    assert [read(f"{HERE}/stations", token)[0] for token in (own, foreign, towns)] == [200, 404, 200]
    assert read(f"{HERE}/stations", foreign) == read("/api/v1/communities/moon/stations", foreign)
    assert read(f"{HERE}/stations/moon", own)[0] == HTTPStatus.NOT_FOUND


def test_unknown_ended_and_revoked_tokens_are_told_the_same(town: Town) -> None:
    assert town.community.pk
    ended = made(days=1, now=datetime.now(UTC) - timedelta(days=2))
    revoked = made()
    key = revoked.split("_")[1]
    assert read(f"{HERE}/stations", revoked)[0] == HTTPStatus.OK
    revoke_token(key, *WHY, datetime.now(UTC))
    good = made()
    answers = [
        read(f"{HERE}/stations", token)
        for token in (
            ended,
            revoked,
            good[:-1] + ("0" if good[-1] != "0" else "1"),
            good + "0",
            "tz_",
            "x" * 9000,
        )
    ]
    assert {status for status, _ in answers} == {401}
    assert len({answer["error"] for _, answer in answers}) == 1


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Bearer", "bearer "])
def test_a_request_without_a_token_is_told_how_to_send_one(town: Town, header: str | None) -> None:
    assert town.community.pk
    answer = Client().get(f"{HERE}/stations", headers={} if header is None else {"authorization": header})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "after=%00", "after=" + "a" * 33])
def test_a_question_out_of_bounds_is_refused(town: Town, query: str) -> None:
    assert town.community.pk
    assert read(f"{HERE}/stations?{query}", made())[0] == HTTPStatus.UNPROCESSABLE_ENTITY


def test_a_token_is_stored_as_a_digest_and_its_last_use_is_noted(town: Town) -> None:
    assert town.community.pk
    token = made()
    (row,) = tokens()
    secret = token.rpartition("_")[2]
    assert secret not in " ".join(str(value) for value in vars(row).values())
    assert row.used_at is None
    read(f"{HERE}/stations", token)
    used_at = tokens()[0].used_at
    assert used_at is not None
    read(f"{HERE}/stations", token)
    assert tokens()[0].used_at == used_at, f"noted once in {NOTED}"


def test_a_program_that_asks_too_often_is_told_when_to_ask_again(town: Town) -> None:
    assert town.community.pk
    token, other = made(), made()
    statuses = [read(f"{HERE}/stations", token)[0] for _ in range(int(ORDINARY.partition("/")[0]) + 1)]
    assert statuses[-1] == HTTPStatus.TOO_MANY_REQUESTS
    assert read(f"{HERE}/stations", other)[0] == HTTPStatus.OK
