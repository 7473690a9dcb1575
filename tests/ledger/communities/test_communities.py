from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from django.db import connection

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.communities.facts import Facts, facts_of, sorting_of
from cloud_sync.ledger.communities.register import (
    add_community,
    change_community,
    find_community,
    one_community,
)
from cloud_sync.ledger.points.models import Account, Record
from cloud_sync.ledger.stations.models import Community, CommunityChange
from config.errors import InputError
from config.reading.load_sorting import load_sorting
from tests.engines import BOTH
from tests.ledger.town import NOW, Town, rules

pytestmark = BOTH
LOTUS = Facts(name_zh="荷花里", name_en="Lotus Lane", timezone="Asia/Urumqi", sorting="shanghai")
WHO = ("Wang", "the sign at the gate says so")


def test_a_community_is_added_once_with_all_that_hangs_on_it(town: Town) -> None:
    for _ in range(2):
        lotus = add_community(" Ｌotus-lane", LOTUS, [rules(1)])
    assert lotus.slug == "lotus-lane"
    assert Account.objects.filter(community=lotus).count() == 2
    assert facts_of(find_community("LOTUS-LANE")) == LOTUS
    with pytest.raises(InputError, match="here already, as another; change it"):
        add_community("lotus-lane", msgspec.structs.replace(LOTUS, name_en="Lily Lane"), [rules(1)])
    with pytest.raises(InputError, match="name one with --community: lotus-lane, sunny-garden"):
        one_community(None)
    assert one_community("sunny-garden") == town.community
    assert verify().ok


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"timezone": "Mars/Olympus"}, "the time zone: no zone 'Mars/Olympus'"),
        ({"language": "fr"}, "no language 'fr'; use zh or en"),
        ({"daily_mint_limit": -1}, "-1 is no limit"),
        ({"name_zh": " "}, "the Chinese name"),
        ({"name_en": "a\nb"}, "the English name"),
        ({"sorting": "/nowhere"}, "no sorting rules /nowhere"),
        ({"sorting": "{"}, "rules of sorting cannot be read"),
    ],
)
def test_what_will_not_do_is_named_and_changes_nothing(wrong: dict[str, object], said: str) -> None:
    before = Community.objects.count(), Record.objects.count()
    with pytest.raises(InputError) as caught:
        add_community("lotus-lane", msgspec.structs.replace(LOTUS, **wrong), [rules(1)])
    assert said in str(caught.value)
    community = Community.objects.get()
    with pytest.raises(InputError) as caught:
        change_community(community, wrong, [], *WHO, NOW)
    assert said in str(caught.value)
    assert (Community.objects.count(), Record.objects.count()) == before
    assert not CommunityChange.objects.exists()


def test_a_change_keeps_who_when_why_and_what_was_before_and_after(town: Town) -> None:
    wanted = {"name_en": "Sunnier Garden", "timezone": "Asia/Tokyo"}
    assert change_community(town.community, wanted, [], *WHO, NOW)
    assert not change_community(town.community, wanted, [], *WHO, NOW)
    assert change_community(town.community, {}, [rules(2)], *WHO, NOW)
    first, second = CommunityChange.objects.order_by("pk")
    assert (first.by, first.reason, first.changed_at) == (*WHO, NOW)
    assert json.loads(first.before) == {"name_en": "Sunny Garden", "timezone": "Asia/Shanghai"}
    assert json.loads(first.after) == wanted
    assert (json.loads(second.before), json.loads(second.after)) == ({"rules": [1]}, {"rules": [1, 2]})
    with pytest.raises(InputError, match="who decides"):
        change_community(town.community, {"name_en": "x"}, [], "", "because", NOW)
    assert verify().ok


def test_rules_of_sorting_of_its_own_are_kept_with_the_community(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "sorting.toml"
    own = (Path(load_sorting.__code__.co_filename).parents[1] / "sorting.beijing.toml").read_text()
    file.write_text(own.replace('en = "Beijing"', 'en = "Harbin"'))
    change_community(town.community, {"sorting": str(file)}, [], *WHO, NOW)
    file.unlink()
    town.community.refresh_from_db()
    assert sorting_of(town.community).en == "Harbin"
    assert sorting_of(town.community).category == load_sorting("beijing").category
    assert verify().ok


@pytest.mark.usefixtures("town")
def test_communities_are_added_listed_shown_and_changed_by_commands(
    tongzhan: Callable[..., subprocess.CompletedProcess[str]], config: Path
) -> None:
    connection.close()

    def said(*words: str) -> str:
        done = tongzhan("ledger", "community", *words, "--config", config)
        assert done.returncode == 0, done.stderr
        return done.stdout

    names = ("--name-zh", "荷花里", "--name-en", "Lotus Lane")
    add = ("add", "Lotus", *names, "--timezone", "Asia/Urumqi", "--language", "en", "--sorting", "shanghai")
    for _ in range(2):
        told = said(*add, "--mint-limit", "77")
    shown = json.loads(said("show", "lotus", "--json"))
    assert f"its card key is {shown['card_key']}\n" in told
    assert Path(shown["card_key"]).stat().st_mode & 0o777 == 0o600
    assert (shown["timezone"], shown["language"], shown["sorting"]) == ("Asia/Urumqi", "en", "shanghai")
    assert (shown["daily_mint_limit"], shown["rules"], shown["changes"]) == (77, [1], [])
    assert said("set", "lotus", "--mint-limit", "78", *("--by", "Li", "--reason", "more homes")).startswith(
        "lotus ("
    )
    assert 'Li: more homes  {"daily_mint_limit": 77} -> {"daily_mint_limit": 78}' in said("show", "lotus")
    assert [row["slug"] for row in json.loads(said("list", "--json"))] == ["lotus", "sunny-garden"]
    for words, why in (
        (("add", "lotus", *names), "community lotus is here already, as another"),
        (("add", "Lotus Lane", *names), "is no name for a topic"),
        (("add", "lily", *names, "--rules", "/nowhere"), "no file /nowhere"),
        (("add", "lily", *names, "--timezone", "Mars"), "the time zone: no zone 'Mars'"),
        (("show", "lily"), "no community 'lily' in this ledger; see: tongzhan ledger community list"),
        (("set", "lotus", "--by", "Li", "--reason", "none"), "Give at least one option"),
    ):
        refused = tongzhan("ledger", "community", *words, "--config", config)
        assert refused.returncode == 2
        assert why in refused.stderr
    assert Community.objects.count() == 2
