"""Cards and households as the office changes them: every state has a way in and a way out, and a history."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import (
    Attribution,
    add_with_cards,
    bind_card,
    block_card,
    clear_card,
    end_staff_card,
    find_card,
    replace_card,
    set_staff_card,
    suspect_card,
    unbind_card,
    unblock_card,
)
from cloud_sync.ledger.households.erasure import erase_household
from cloud_sync.ledger.households.export import export_household, history
from cloud_sync.ledger.households.register import add_household, find_household, rename_household
from cloud_sync.ledger.points.models import Card, Household, Record
from config.errors import InputError
from tests.engines import BOTH
from tests.ledger.town import NOW, RIGHT, Town, card, event, visit_facts

Run = Callable[..., subprocess.CompletedProcess[str]]
LI = Attribution("Li", "the office asked for it")
DIGITS = "a1b2c3d4e5f6"


def hash_of(start: str) -> str:
    return start.ljust(64, "0")


def both(test: object) -> object:
    for mark in BOTH:
        test = mark(test)
    return test


def acts(community_card: Card) -> list[object]:
    return [line["what"] for line in history(None, [community_card])]


@both
def test_a_card_bound_by_mistake_moves_on_and_its_household_keeps_what_it_earned(town: Town) -> None:
    wrong, right = (add_household(town.community, code) for code in ("3-2-501", "3-2-502"))
    bind_card(wrong, card(1), NOW, LI)
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    with pytest.raises(InputError, match="tongzhan ledger card unbind 000000000000"):
        bind_card(right, card(1), NOW, LI)
    found = find_card(town.community, card(1))
    assert unbind_card(found, LI, NOW) == "3-2-501"
    town.deliver(event(2, visit_facts(1, RIGHT, provisional=2)))
    assert town.suspense == 2
    assert bind_card(right, card(1), NOW, LI) == 2
    town.deliver(event(3, visit_facts(1, RIGHT, provisional=2)))
    assert (town.balance(wrong), town.balance(right)) == (2, 4)
    assert acts(found) == ["bound", "unbound", "bound"]
    assert verify().ok, verify().problems


@both
def test_a_lost_card_is_replaced_and_opens_nothing(town: Town) -> None:
    home = add_household(town.community, "3-2-501")
    bind_card(home, card(1), NOW)
    town.deliver(event(1, visit_facts(2, RIGHT, provisional=2)))
    old = find_card(town.community, card(1))
    assert replace_card(old, card(2), LI, NOW) == 2
    old.refresh_from_db()
    assert (old.household, old.status) == (None, "blocked")
    assert find_card(town.community, card(2)).household == home
    with pytest.raises(InputError, match="is blocked; unblock it"):
        bind_card(home, card(1), NOW, LI)
    assert verify().ok, verify().problems


@both
def test_every_state_of_a_card_has_a_way_back(town: Town) -> None:
    row = set_staff_card(town.community, card(7), LI)
    assert end_staff_card(row, LI, NOW)
    assert not end_staff_card(row, LI, NOW)
    assert block_card(row, LI, NOW)
    assert not block_card(row, LI, NOW)
    assert unblock_card(row, LI, NOW)
    assert suspect_card(row, "Li", "two places", NOW)
    assert not suspect_card(row, "Li", "two places", NOW)
    assert clear_card(row, "Li", "a twin", NOW)
    row.refresh_from_db()
    assert (row.role, row.status, row.suspected_at) == ("resident", "active", None)
    assert acts(row) == ["staff", "resident", "blocked", "unblocked", "suspected", "cleared"]
    assert {line["by"] for line in history(None, [row])} == {"Li"}
    assert verify().ok, verify().problems


@pytest.mark.parametrize(
    "attribution",
    [
        Attribution("", "why"),
        Attribution("Li", ""),
        Attribution("Li", "x" * 201),
        Attribution("L\u200bi", "why"),
    ],
)
def test_a_change_needs_who_and_why(town: Town, attribution: Attribution) -> None:
    row = set_staff_card(town.community, card(7))
    with pytest.raises(InputError):
        block_card(row, attribution, NOW)
    row.refresh_from_db()
    assert row.status == "active"


def test_a_card_is_found_by_the_digits_that_a_list_prints(town: Town) -> None:
    first, second = hash_of(DIGITS), hash_of(f"{DIGITS}77")
    Card.objects.create(community=town.community, hash=first)
    assert find_card(town.community, DIGITS.upper()).hash == first
    Card.objects.create(community=town.community, hash=second)
    with pytest.raises(InputError, match="begins the hashes of several cards; give more"):
        find_card(town.community, DIGITS)
    assert find_card(town.community, f"{DIGITS}77").hash == second
    with pytest.raises(InputError, match="no card ffffffffffff"):
        find_card(town.community, "f" * 12)


def test_no_record_tells_a_hash_a_code_or_a_name(town: Town) -> None:
    home = add_household(town.community, "3-2-501", "王家")
    bind_card(home, hash_of(DIGITS), NOW, LI)
    rename_household(home, code="3-2-777", name="李家", by="Li", reason="they married", now=NOW)
    suspect_card(find_card(town.community, DIGITS), "Li", "two places", NOW)
    said = b"".join(bytes(body) for body in Record.objects.values_list("body", flat=True)).decode()
    for private in (DIGITS, "3-2-501", "3-2-777", "王家", "李家"):
        assert private not in said


def test_a_household_with_a_card_that_is_refused_is_not_half_made(town: Town) -> None:
    taken = add_household(town.community, "3-2-501")
    bind_card(taken, card(1), NOW)
    for bad in ("1234", card(1)):
        with pytest.raises(InputError):
            add_with_cards(town.community, "9-9-999", "", [card(2), bad], NOW)
    assert list(Household.objects.values_list("code", flat=True)) == ["3-2-501"]
    assert not Card.objects.filter(hash=card(2)).exists()


def test_a_household_is_the_same_however_its_code_is_typed(town: Town) -> None:
    home = add_household(town.community, "a-1 ", "王家")
    assert home.code == "A-1"
    for text in ("A-1", "ａ－１", " a – 1"):
        assert find_household(town.community, text) == add_household(town.community, text) == home
    assert Household.objects.count() == 1


def test_households_are_listed_by_code_with_cards_and_points_page_by_page(
    town: Town, tongzhan: Run, config: Path
) -> None:
    def listed(*more: str) -> str:
        done = tongzhan("ledger", "household", "list", "--config", config, *more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    add = "tongzhan ledger household add CODE --community sunny-garden --config F"
    assert listed() == f"no household yet; add one: {add}\n"
    for code, name in (("B-1", "王家"), ("C-1", ""), ("A-1", "")):
        add_household(town.community, code, name)
    home = find_household(town.community, "B-1")
    bind_card(home, card(1), NOW)
    bind_card(home, card(2), NOW)
    erase_household(add_household(town.community, "A-0"), "Li", "moved away", NOW)
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    connection.close()
    first = "A-1  -  0 cards  0 points\nB-1  王家  2 cards  2 points\n"
    assert listed() == f"{first}C-1  -  0 cards  0 points\n"
    more = "there are more: tongzhan ledger household list --after B-1 --config F\n"
    assert listed("--most", "2") == first + more
    assert json.loads(listed("--after", "b–1", "--json")) == [
        {"community": "sunny-garden", "code": "C-1", "name": "", "cards": 0, "points": 0}
    ]
    assert listed("--after", "C-1") == ""
    unknown = tongzhan("ledger", "household", "export", "9-9", "--config", config)
    assert "no household 9-9; see: tongzhan ledger household list" in unknown.stderr


def test_another_name_for_a_household_that_is_here_is_told_and_a_rename_is_kept(town: Town) -> None:
    home = add_household(town.community, "3-2-501", "王家")
    assert add_household(town.community, "3-2-501", " 王家 ") == home
    with pytest.raises(
        InputError, match="is here as '王家', not as '李家'; rename it: tongzhan ledger household rename"
    ):
        add_household(town.community, "3-2-501", "李家")
    told = {"by": "Li", "reason": "they married", "now": NOW}
    assert rename_household(home, code=None, name="李家", **told)  # type: ignore[arg-type]
    assert not rename_household(home, code="3-2-501", name="李家", **told)  # type: ignore[arg-type]
    add_household(town.community, "3-2-502")
    with pytest.raises(InputError, match="choose a code that is free"):
        rename_household(home, code="3-2-502", name=None, **told)  # type: ignore[arg-type]
    home.refresh_from_db()
    assert (home.code, home.name) == ("3-2-501", "李家")
    assert verify().ok, verify().problems


@both
def test_a_name_too_long_is_refused_by_the_database_too(town: Town) -> None:
    home = add_household(town.community, "3-2-501")
    with pytest.raises(Exception, match=r"household_texts_fit|too long"):
        Household.objects.filter(pk=home.pk).update(name="x" * 65)
    with pytest.raises(InputError, match="1 to 64 characters"):
        rename_household(home, code=None, name="x" * 5000, by="Li", reason="why", now=NOW)


def test_an_export_holds_all_that_is_held(town: Town) -> None:
    home = add_household(town.community, "3-2-501", "王家")
    bind_card(home, card(1), NOW, LI)
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    told = json.loads(json.dumps(export_household(home)))
    assert (told["code"], told["name"], told["balance"]) == ("3-2-501", "王家", 2)
    assert [one["hash"] for one in told["cards"]] == [card(1)]
    assert told["visits"][0]["facts"]["facts"]["card"] == card(1)
    assert [(one["purpose"], one["points"]) for one in told["transfers"]] == [("award", 2)]
    assert [one["what"] for one in told["history"]] == ["added", "bound"]


def done(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_what_held_list_prints_is_what_card_bind_takes(tongzhan: Run, config: Path, town: Town) -> None:
    add_household(town.community, "3-2-501")
    town.deliver(event(1, visit_facts(int(hash_of(DIGITS), 16), RIGHT, provisional=2)))
    connection.close()
    listed = done(tongzhan("ledger", "held", "list", "--config", config))
    assert DIGITS in listed
    why = ("--by", "Li", "--reason", "moved in", "--config", config)
    told = done(tongzhan("ledger", "card", "bind", DIGITS, "3–2–501", *why))
    assert told == f"card {DIGITS} is household 3-2-501's; 2 points that waited for it are released\n"
    shown = json.loads(done(tongzhan("ledger", "card", "show", DIGITS, "--json", "--config", config)))
    assert (shown["household"], [line["what"] for line in shown["history"]]) == ("3-2-501", ["bound"])
    assert "was not blocked" in done(tongzhan("ledger", "card", "unblock", DIGITS, *why))
    assert done(tongzhan("ledger", "card", "list", "--config", config)) == f"{DIGITS}  household 3-2-501\n"
