"""Roles are given and ended with who and why; the town keeps an admin; the database holds it too."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, transaction

from cloud_sync.ledger.db import sql
from cloud_sync.ledger.officers.grants import end_role, give_role, rights_of, roles_of
from cloud_sync.ledger.officers.models import Grant
from cloud_sync.ledger.officers.register import add_officer, find_officer, remove_officer
from cloud_sync.ledger.officers.rights import OfficerRole
from config.errors import InputError
from tests.engines import BOTH
from tests.ledger.signing_in import new_officer
from tests.ledger.town import NOW, Town

Run = Callable[..., subprocess.CompletedProcess[str]]
WHY = ("Li", "the year's list")


def on_both(test: Any) -> Any:  # noqa: ANN401 (a test function)
    """Run a test over both tiers."""
    for mark in BOTH:
        test = mark(test)
    return test


def officer(name: str = "wang") -> User:
    add_officer(name)
    return find_officer(name)


def test_a_role_is_given_once_and_ended_once_with_who_and_why(town: Town) -> None:
    wang = officer()
    assert give_role(wang, OfficerRole.CLERK, town.community, *WHY, NOW)
    assert not give_role(wang, OfficerRole.CLERK, town.community, "Zhao", "again", NOW)
    assert give_role(wang, OfficerRole.CLERK, None, *WHY, NOW)
    end_role(wang, OfficerRole.CLERK, town.community, "Zhao", "moved away", NOW)
    with pytest.raises(InputError, match="wang is not clerk of sunny-garden"):
        end_role(wang, OfficerRole.CLERK, town.community, *WHY, NOW)
    assert rights_of(wang).grants == {(OfficerRole.CLERK, None)}
    first = Grant.objects.order_by("pk")[0]
    assert (first.by, first.reason, first.ended_by, first.ended_reason) == (*WHY, "Zhao", "moved away")
    assert give_role(wang, OfficerRole.CLERK, town.community, *WHY, NOW), "an ended role may be given again"


@pytest.mark.parametrize(("by", "reason"), [("", "why"), ("Li", " "), ("Li", "two\nlines")])
def test_no_role_without_who_and_why(town: Town, by: str, reason: str) -> None:
    wang = officer()
    with pytest.raises(InputError):
        give_role(wang, OfficerRole.CLERK, town.community, by, reason, NOW)
    give_role(wang, OfficerRole.CLERK, town.community, *WHY, NOW)
    with pytest.raises(InputError):
        end_role(wang, OfficerRole.CLERK, town.community, by, reason, NOW)
    assert len(roles_of(wang)) == 1


def test_the_last_admin_of_the_town_stays(town: Town) -> None:
    first, second = officer("wang"), officer("li")
    give_role(first, OfficerRole.ADMIN, None, *WHY, NOW)
    give_role(second, OfficerRole.ADMIN, town.community, *WHY, NOW)
    with pytest.raises(InputError, match="the town would have no admin"):
        end_role(first, OfficerRole.ADMIN, None, *WHY, NOW)
    with pytest.raises(InputError, match="the town would have no admin"):
        remove_officer("wang", *WHY, NOW)
    assert find_officer("wang").is_active
    give_role(second, OfficerRole.ADMIN, None, *WHY, NOW)
    end_role(first, OfficerRole.ADMIN, None, *WHY, NOW)
    with pytest.raises(InputError, match="the town would have no admin"):
        remove_officer("li", *WHY, NOW)


@on_both
def test_the_database_holds_grants_too(town: Town) -> None:
    wang = officer()
    row: dict[str, Any] = {"officer": wang, "role": "clerk", "since": NOW, "by": "Li", "reason": "list"}
    for place in (town.community, None):
        Grant.objects.create(**row, community=place)
        with pytest.raises(IntegrityError), transaction.atomic():
            Grant.objects.create(**row, community=place)
    for wrong in ({"role": "king"}, {"by": ""}, {"reason": ""}, {"ended_by": "Li"}, {"until": NOW}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Grant.objects.create(**(row | {"role": "auditor"} | wrong))
    for change in ("role = 'admin'", "community_id = NULL", "by = 'nobody'"):
        with pytest.raises(DatabaseError), transaction.atomic():
            sql.execute(f"UPDATE officers_grant SET {change} WHERE role = 'clerk'", [])  # noqa: S608 (constants)
    with pytest.raises(DatabaseError), transaction.atomic():
        sql.execute("DELETE FROM officers_grant", [])
    end_role(wang, OfficerRole.CLERK, None, *WHY, NOW)
    assert Grant.objects.filter(until=None).count() == 1


@on_both
def test_officers_of_before_there_were_roles_become_admins_of_the_town(town: Town) -> None:
    assert town.community.pk
    add_officer("wang")
    User.objects.create(username="gone", is_active=False)
    import_module("cloud_sync.ledger.officers.migrations.0002_officers_before_roles").give(apps, None)
    (grant,) = Grant.objects.all()
    assert (str(grant.officer), grant.role, grant.community) == ("wang", "admin", None)


def test_officers_and_their_roles_are_kept_by_command(town: Town, tongzhan: Run, config: Path) -> None:
    def run(*words: str, fails: str = "") -> str:
        done = tongzhan("ledger", "officer", *words, "--config", config)
        assert (done.returncode, fails in done.stderr) == (2 if fails else 0, True), done.stderr
        return done.stdout

    why = ("--by", "Li", "--reason", "the year's list")
    assert "no officer yet" in run("list")
    said = run("add", "wang", "--role", "Admin", *why)
    assert said.startswith("wang, admin of the town, signs in at http")
    run("add", "wang", "--role", "clerk", *why, fails="officer wang is here already")
    run("add", "zhao", "--role", "king", *why, fails="no role 'king'")
    run("add", "zhao", "--role", "clerk", "--community", "moon", *why, fails="no community 'moon'")
    assert not User.objects.filter(username="zhao").exists()
    run("add", "zhao", "--role", "clerk", "--community", town.community.slug, *why)
    assert "zhao is now installer of sunny-garden" in run(
        "grant", "zhao", "--role", "installer", "--community", "sunny-garden", *why
    )
    assert "was already" in run("grant", "zhao", "--role", "installer", "--community", "sunny-garden", *why)
    run("revoke", "wang", "--role", "admin", *why, fails="the town would have no admin")
    assert run("revoke", "zhao", "--role", "clerk", "--community", "sunny-garden", *why) == (
        "zhao is no longer clerk of sunny-garden\n"
    )
    listed = json.loads(run("list", "--json"))
    assert [
        (row["name"], [(role["role"], role["community"]) for role in row["roles"]]) for row in listed
    ] == [
        ("wang", [("admin", None)]),
        ("zhao", [("installer", "sunny-garden")]),
    ]
    assert "wang: admin of the town" in run("list")
    assert "zhao has a new password" in run("password", "zhao")
    run("remove", "zhao", *why)
    assert "zhao" not in run("list")
    run("password", "zhao", fails="no officer zhao")


def test_who_runs_a_command_is_who_decides_unless_another_is_named(
    town: Town, tongzhan: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert town.community.pk
    monkeypatch.setenv("SUDO_USER", "operator")
    done = tongzhan(
        "ledger", "officer", "add", "wang", "--role", "clerk", "--reason", "new here", "--config", config
    )
    assert done.returncode == 0, done.stderr
    assert Grant.objects.get().by == "operator"
    new_officer("li")
