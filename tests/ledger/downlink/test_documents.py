"""What the ledger publishes: each change is a version, and a station is brought to it by the shortest way."""

from __future__ import annotations

from typing import cast

import pytest
from django.core.cache import cache
from django.test import Client

from cloud_sync.ledger.api.nonces import new_nonce
from cloud_sync.ledger.downlink.documents import Documents, OlderLedgerError
from cloud_sync.ledger.downlink.models import Published, RosterChange
from cloud_sync.ledger.downlink.notices import LOOK_S, Notices
from cloud_sync.ledger.downlink.versions import present, renew
from cloud_sync.ledger.households.cards import (
    Attribution,
    bind_card,
    block_card,
    end_staff_card,
    find_card,
    set_staff_card,
    suspect_card,
    unbind_card,
    unblock_card,
)
from cloud_sync.ledger.households.erasure import erase_household
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.keys import read_signing_key
from cloud_sync.ledger.points.models import Household
from cloud_sync.ledger.settling.rules import add_rules
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.transport.signed_http import signed
from cloud_sync.wire.api import NONCE, ROOT, publication
from cloud_sync.wire.publication import CURRENT, MAX_BEHIND, PublishedKind, is_current, open_publication
from cloud_sync.wire.roster import CardStanding, unpack
from edge.downlink.applying import Held, taken
from tests.engines import BOTH
from tests.ledger.conftest import PREPARED
from tests.ledger.town import NOW, Town, card, rules

pytestmark = BOTH
KEY = read_signing_key(PREPARED / "state")
WHO = Attribution("Wang", "lost")


@pytest.fixture(autouse=True)
def nobody_asked_yet() -> None:
    cache.clear()


@pytest.fixture
def household(town: Town) -> Household:
    return add_household(town.community, "3-2-501", "Wang")


def raw(number: int) -> bytes:
    return bytes.fromhex(card(number))


class Station:
    """A station as far as its roster goes."""

    def __init__(self, town: Town, kind: PublishedKind = PublishedKind.ROSTER) -> None:
        self._town, self._kind, self._documents = town, kind, Documents(KEY)
        self.held = Held()
        self.bases: list[int] = []

    def fetch(self) -> None:
        document = self._documents.document(self._town.community, self._kind, self.held.version)
        if document.signed is not None:
            sent = open_publication(document.signed, KEY.public_key())
            self.bases.append(sent.statement.base)
            self.held = taken(self.held, sent, self._town.community.slug, self._kind)

    @property
    def roster(self) -> dict[bytes, CardStanding]:
        return unpack(self.held.content)


def test_every_change_of_a_card_reaches_a_station_as_a_change(town: Town, household: Household) -> None:
    station = Station(town)
    station.fetch()
    assert (station.roster, station.bases) == ({}, [0])
    bind_card(household, card(1), NOW)
    station.fetch()
    assert station.roster == {raw(1): CardStanding.RESIDENT}
    block_card(find_card(town.community, card(1)), WHO, NOW)
    set_staff_card(town.community, card(2))
    station.fetch()
    assert station.roster == {raw(1): CardStanding.BLOCKED, raw(2): CardStanding.STAFF}
    unblock_card(find_card(town.community, card(1)), WHO, NOW)
    end_staff_card(find_card(town.community, card(2)), WHO, NOW)
    unbind_card(find_card(town.community, card(1)), WHO, NOW)
    station.fetch()
    assert station.roster == {}
    before = station.held
    station.fetch()
    assert station.held == before
    assert len(station.bases) == 4


def test_a_change_that_stations_need_not_know_brings_them_no_other_roster(
    town: Town, household: Household
) -> None:
    bind_card(household, card(1), NOW)
    station = Station(town)
    station.fetch()
    before = station.roster
    suspect_card(find_card(town.community, card(1)), "Wang", "odd", NOW)
    station.fetch()
    assert station.roster == before


def test_an_erased_households_cards_leave_the_roster(town: Town, household: Household) -> None:
    bind_card(household, card(1), NOW)
    station = Station(town)
    station.fetch()
    erase_household(household, "Wang", "asked for it", NOW)
    station.fetch()
    assert station.roster == {}
    fresh = Station(town)
    fresh.fetch()
    assert fresh.held == station.held


def test_a_station_that_is_far_behind_gets_the_whole(town: Town, household: Household) -> None:
    for number in range(100, 200):
        bind_card(household, card(number), NOW)
    near, far = Station(town), Station(town)
    far.fetch()
    bind_card(household, card(1), NOW)
    near.fetch()
    for number in range(2, 2 + MAX_BEHIND):
        bind_card(household, card(number), NOW)
    near.fetch()
    far.fetch()
    assert near.held == far.held
    assert near.bases[1] > 0
    assert far.bases == [0, 0]
    assert RosterChange.objects.values("version").distinct().count() == MAX_BEHIND


def test_changes_that_are_longer_than_the_whole_come_as_the_whole(town: Town, household: Household) -> None:
    bind_card(household, card(1), NOW)
    station = Station(town)
    station.fetch()
    unbind_card(find_card(town.community, card(1)), WHO, NOW)
    station.fetch()
    assert station.bases == [0, 0]
    assert station.roster == {}


def test_a_station_that_is_ahead_of_a_restored_ledger_is_told_the_mend_which_helps(town: Town) -> None:
    station = Station(town)
    station.fetch()
    station.held = Held(station.held.version + 50, station.held.content)
    with pytest.raises(OlderLedgerError, match="tongzhan ledger published renew"):
        station.fetch()
    Published.objects.update(version=station.held.version)
    renew(town.community, PublishedKind.ROSTER)
    station.fetch()
    assert station.held.version == present(town.community, PublishedKind.ROSTER).version


def test_rules_come_as_a_whole_and_each_version_of_them_is_news(town: Town) -> None:
    station = Station(town, PublishedKind.RULES)
    station.fetch()
    first = station.held
    add_rules(town.community, rules(7))
    station.fetch()
    assert station.held.version > first.version
    assert b'"version":7' in station.held.content


def ask(town: Town, have: int, kind: str = "roster") -> tuple[int, bytes, str, str]:
    key = town.station("east-gate")
    path, nonce = ROOT + publication(kind, have), new_nonce()
    answer = Client().get(path, headers=signed(key, "GET", path, nonce=nonce))
    assert answer.headers[NONCE]
    return answer.status_code, answer.content, answer.headers.get(CURRENT, ""), nonce


def test_over_https_nothing_new_is_304_and_signed_for_this_request(town: Town) -> None:
    status, body, current, nonce = ask(town, 0)
    version = open_publication(body, KEY.public_key()).statement.version
    told = ("sunny-garden", "roster", version)
    assert status == 200
    assert is_current(KEY.public_key(), told, nonce, current)
    status, body, current, nonce = ask(town, version)
    assert (status, body) == (304, b"")
    assert is_current(KEY.public_key(), told, nonce, current)
    assert ask(town, version + 9)[0] == 409
    assert ask(town, 0, "nothing")[0] == 422


class FakeLink:
    """A link to a broker that takes messages, or does not."""

    def __init__(self) -> None:
        self.connected, self.takes, self.connections = True, True, 1
        self.sent: list[tuple[str, bytes]] = []

    def publish(self, topic: str, message: bytes, *, retain: bool) -> int | None:
        assert retain
        if self.takes:
            self.sent.append((topic, message))
        return 1 if self.takes else None


def test_a_notice_goes_out_when_a_version_changes_and_after_a_new_connection(
    town: Town, household: Household
) -> None:
    link, at = FakeLink(), [0.0]
    notices = Notices(cast("MqttLink", link), lambda: at[0])

    def turn() -> int:
        at[0] += LOOK_S
        notices.turn()
        return len(link.sent)

    present(town.community, PublishedKind.ROSTER)
    assert turn() == 1
    assert link.sent[0][0] == "tz/1/sunny-garden/notice"
    assert len(link.sent[0][1]) < 200
    assert turn() == 1
    bind_card(household, card(1), NOW)
    link.takes = False
    assert turn() == 1
    link.takes = True
    assert turn() == 2
    link.connections = 2
    assert turn() == 3
    link.connected = False
    link.connections = 3
    assert turn() == 3
