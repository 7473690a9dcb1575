from __future__ import annotations

from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import translation

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import bind_card, set_staff_card
from cloud_sync.ledger.households.register import add_household, find_household
from cloud_sync.ledger.intake.apply import apply_batch
from cloud_sync.ledger.points.models import Account, Card, Household
from cloud_sync.ledger.settling.rules import add_rules, known_rules
from cloud_sync.ledger.stations.models import Station, StationKey
from cloud_sync.ledger.stations.names import station_name
from cloud_sync.ledger.stations.registry import (
    add_station,
    rename_station,
    retire_key,
    retire_station,
    summaries,
)
from config.errors import InputError
from tests.ledger.town import NOW, RIGHT, Town, card, event, rules, visit_facts


def new_key() -> str:
    return Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()


def test_a_station_may_have_a_second_key_while_it_changes_to_it(town: Town) -> None:
    old, new = new_key(), new_key()
    station = add_station(town.community, "east-gate", old)
    assert add_station(town.community, "east-gate", new) == station
    assert station.keys.count() == 2


def test_a_key_belongs_to_one_station(town: Town) -> None:
    key = new_key()
    add_station(town.community, "east-gate", key)
    with pytest.raises(InputError, match="belongs to station east-gate"):
        add_station(town.community, "west-gate", key)
    assert list(Station.objects.values_list("slug", flat=True)) == ["east-gate"]


def test_a_retired_key_does_not_come_back(town: Town) -> None:
    key = new_key()
    add_station(town.community, "east-gate", key)
    StationKey.objects.update(retired_at=NOW)
    with pytest.raises(InputError, match="was retired"):
        add_station(town.community, "east-gate", key)


def test_a_retired_station_is_not_listened_to_and_its_history_stays(town: Town) -> None:
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    assert retire_station(town.community, "east-gate", NOW) == 1
    message = town.seal(event(2, visit_facts(1, RIGHT, provisional=2)))
    assert apply_batch(message, town.community.slug, "east-gate", NOW) is None
    (listed,) = summaries(town.community)
    assert (listed.active, listed.delivered, listed.heard, listed.keys) == (False, 1, NOW, ())
    with pytest.raises(InputError, match="no station north-gate"):
        retire_station(town.community, "north-gate", NOW)


def test_a_key_is_retired_only_when_another_is_there(town: Town) -> None:
    old, new = new_key(), new_key()
    station = add_station(town.community, "east-gate", old)
    first = station.keys.get().key_id
    with pytest.raises(InputError, match="is the only key of station east-gate"):
        retire_key(town.community, "east-gate", first, NOW)
    add_station(town.community, "east-gate", new)
    for _ in range(2):
        assert retire_key(town.community, "east-gate", first, NOW).retired_at == NOW
    (listed,) = summaries(town.community)
    assert first not in listed.keys
    assert len(listed.keys) == 1
    with pytest.raises(InputError, match="has no key 00"):
        retire_key(town.community, "east-gate", "00", NOW)


def test_the_list_of_stations_says_how_each_stands(town: Town) -> None:
    town.station("north-gate")
    town.deliver(
        event(1, visit_facts(1, RIGHT, provisional=2)), event(2, visit_facts(1, provisional=0, rules=9))
    )
    east, north = summaries(town.community)
    assert (east.slug, east.delivered, east.aside, east.heard) == ("east-gate", 2, 1, NOW)
    assert (north.slug, north.delivered, north.aside, north.heard) == ("north-gate", 0, 0, None)
    assert "1 set aside" in east.line()
    assert "never heard" in north.line()


@pytest.mark.parametrize("slug", ["", "east/gate", "+", "#", "-east", "ea st", "e\u200bast", "e" * 33])
def test_a_name_that_could_not_be_a_topic_is_refused(town: Town, slug: str) -> None:
    with pytest.raises(InputError, match="no name for a topic"):
        add_station(town.community, slug, new_key())


def test_adding_a_household_again_finds_the_same_one(town: Town) -> None:
    first = add_household(town.community, "3-2-501")
    assert add_household(town.community, "3-2-501") == find_household(town.community, "3-2-501") == first
    assert Account.objects.filter(household=first).count() == 1


@pytest.mark.parametrize("code", ["", "  ", "x" * 33])
def test_a_code_that_cannot_be_one_is_refused(town: Town, code: str) -> None:
    with pytest.raises(InputError, match="not a household code"):
        add_household(town.community, code)


@pytest.fixture
def household(town: Town) -> Household:
    return add_household(town.community, "3-2-501")


def test_a_card_belongs_to_one_household(town: Town, household: Household) -> None:
    bind_card(household, card(1), NOW)
    neighbour = add_household(town.community, "3-2-502")
    with pytest.raises(InputError, match="is household 3-2-501's"):
        bind_card(neighbour, card(1), NOW)
    with pytest.raises(InputError, match="is household 3-2-501's"):
        set_staff_card(town.community, card(1))


def test_a_staff_card_is_no_households(town: Town, household: Household) -> None:
    set_staff_card(town.community, card(1))
    with pytest.raises(InputError, match="is a staff card"):
        bind_card(household, card(1), NOW)
    assert Card.objects.get(hash=card(1)).household is None


@pytest.mark.parametrize("text", ["", "12", "G" * 64, "0" * 65, "0" * 62 + "\u200b0"])
def test_what_is_no_card_hash_is_refused(household: Household, text: str) -> None:
    with pytest.raises(InputError, match="not a card hash"):
        bind_card(household, text, NOW)


def test_binding_one_card_leaves_what_other_cards_hold(town: Town, household: Household) -> None:
    town.deliver(*(event(n, visit_facts(n, RIGHT, provisional=2)) for n in (1, 2)))
    assert bind_card(household, card(1), NOW) == 2
    assert town.suspense == 2


def test_rules_once_here_do_not_change(town: Town) -> None:
    add_rules(town.community, rules(2))
    add_rules(town.community, rules(2))
    with pytest.raises(InputError, match="version 2 of sunny-garden are already here with other content"):
        add_rules(town.community, rules(2, points=31))
    assert known_rules(town.community, {2, 3}) == {2: rules(2)}


def test_a_station_is_named_and_renamed_by_somebody_for_a_reason(town: Town) -> None:
    town.station("east-gate")
    renamed = partial(rename_station, town.community, "east-gate", by="Li", reason="as on its sign", now=NOW)
    station, changed = renamed(name_zh=" 东门桶站 ", name_en="East Gate")
    assert (station.name_zh, station.name_en, changed) == ("东门桶站", "East Gate", True)
    assert renamed(name_zh="东门桶站", name_en=None)[1] is False
    (listed,) = summaries(town.community)
    assert listed.line().startswith("east-gate (东门桶站 · East Gate): ")
    with pytest.raises(InputError, match="the reason"):
        rename_station(town.community, "east-gate", name_zh="", name_en=None, by="Li", reason=" ", now=NOW)
    with pytest.raises(InputError, match="the station's name"):
        renamed(name_zh="东门\n桶站", name_en=None)
    assert verify().problems == ()


@pytest.mark.parametrize(
    ("names", "chinese", "english"),
    [
        (("东门桶站", "East Gate"), "东门桶站", "East Gate"),
        (("东门桶站", ""), "东门桶站", "东门桶站"),
        (("", ""), "桶站 east-gate", "Station east-gate"),
    ],
)
def test_a_station_is_called_by_its_name_in_the_readers_language(
    names: tuple[str, str], chinese: str, english: str
) -> None:
    station = Station(slug="east-gate", name_zh=names[0], name_en=names[1])
    with translation.override("zh-hans"):
        assert station_name(station) == chinese
    with translation.override("en"):
        assert station_name(station) == english
