"""`tongzhan ledger token`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cloud_sync.ledger.tokens.register import TokenScope
from scripts.commands.ledger.api.tokens import SCOPES
from tests.ledger.town import Town

Run = Callable[..., subprocess.CompletedProcess[str]]
WHY = ("--by", "li", "--reason", "the city's map")


def test_a_token_is_shown_once_listed_without_its_secret_and_revoked(
    town: Town, config: Path, tongzhan: Run
) -> None:
    assert town.community.pk

    def token(*arguments: str) -> subprocess.CompletedProcess[str]:
        return tongzhan("ledger", "token", *arguments, "--config", config)

    assert "no token was made yet" in token("list").stdout
    made = token("add", "map", "--scope", "stations:read", "--scope", "alarms:read", "--days", "30", *WHY)
    assert made.returncode == 0, made.stderr
    _, key, secret = made.stdout.strip().split("_")
    for_town = token("add", "city", "--town", "--scope", "balances:read", *WHY)
    assert for_town.returncode == 0, for_town.stderr
    lines = token("list").stdout
    assert secret not in lines
    assert f"{key}  map  sunny-garden  alarms:read stations:read  until " in lines
    assert "city  the town  balances:read" in lines
    assert token("revoke", key, *WHY).stdout == f"token {key} is revoked\n"
    rows = {row["key"]: row for row in json.loads(token("list", "--json").stdout)}
    assert rows[key]["revoked_by"] == "li"
    assert token("revoke", key, *WHY).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "map", "--scope", "stations:read", "--days", "0", *WHY), "0 days is no time"),
        (("add", "map", "--scope", "stations:read", "--days", "367", *WHY), "367 days is no time"),
        (("add", "map", *WHY), "Missing option '--scope'"),
        (("add", " ", "--scope", "stations:read", *WHY), "what uses the token"),
        (("add", "map", "--scope", "stations:read", "--by", "li", "--reason", " "), "the reason"),
        (("add", "map", "--scope", "stations:read", "--town", "--community", "x", *WHY), "not both"),
        (("revoke", "moon", *WHY), "no token moon"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    town: Town, config: Path, tongzhan: Run, arguments: tuple[str, ...], said: str
) -> None:
    assert town.community.pk
    refused = tongzhan("ledger", "token", *arguments, "--config", config)
    assert refused.returncode == 2
    assert said in refused.stderr


def test_the_commands_scopes_are_those_of_the_register() -> None:
    assert list(TokenScope) == SCOPES
