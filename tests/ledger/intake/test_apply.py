from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from cloud_sync.ledger.households.cards import bind_card, set_staff_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.intake.apply import apply_batch
from cloud_sync.ledger.points.models import Card, Transfer, VisitSettlement
from cloud_sync.ledger.settling.rules import add_rules
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.ledger.stations.models import (
    Alarm,
    Conflict,
    Epoch,
    Event,
    EventKind,
    EventState,
    Station,
    StationKey,
    Stray,
)
from cloud_sync.rules.award_rules import HeldBy, LoweredBy
from cloud_sync.wire import envelope
from cloud_sync.wire.envelope import EpochReceipt
from cloud_sync.wire.facts import AlarmFacts, Role, Stamp
from tests.engines import BOTH
from tests.ledger.town import (
    EPOCH,
    HAZARDOUS,
    NOTHING,
    NOW,
    RIGHT,
    UNSEEN,
    UNSURE,
    WRONG,
    Town,
    card,
    epoch_of,
    event,
    rules,
    stamp,
    visit_facts,
)

pytestmark = BOTH

COMMUNITY = "sunny-garden"
WEST = epoch_of("west-gate")


def test_a_visit_of_a_known_card_is_settled_to_its_household(town: Town) -> None:
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    applied = town.deliver(event(1, visit_facts(1, RIGHT, HAZARDOUS, provisional=7)))
    assert town.balance(household) == 7
    assert town.balances["issuing sunny-garden"] == -7
    assert applied.receipt.epochs == (EpochReceipt(EPOCH, 1),)
    row = VisitSettlement.objects.get()
    assert (row.settled, row.held, row.lowered, row.household) == (7, 0, 0, household)


def test_each_outcome_earns_what_the_rules_say(town: Town) -> None:
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    deposits = (RIGHT, WRONG, UNSURE, UNSEEN, NOTHING)
    town.deliver(event(1, visit_facts(1, *deposits, provisional=4)))
    assert town.balance(household) == 4
    assert VisitSettlement.objects.get().counted == 4


def test_a_replayed_batch_changes_nothing_and_gets_its_receipt_again(town: Town) -> None:
    events = [event(number, visit_facts(1, RIGHT, provisional=2)) for number in (1, 2, 3)]
    first = town.deliver(*events)
    balances = town.balances
    again = town.deliver(*events, now=NOW + timedelta(days=3))
    assert (first.new, again.new, again.known) == (3, 0, 3)
    assert again.receipt == first.receipt
    assert town.balances == balances


def test_an_event_twice_in_one_batch_counts_once(town: Town) -> None:
    same = event(1, visit_facts(1, RIGHT, provisional=2))
    applied = town.deliver(same, same)
    assert (applied.new, applied.known) == (1, 1)
    assert town.suspense == 2


def test_through_stops_at_a_gap_and_goes_on_when_it_is_filled(town: Town) -> None:
    one, two, three = (event(number, visit_facts(1, RIGHT, provisional=2)) for number in (1, 2, 3))
    assert town.deliver(one, three).receipt.epochs[0].through == 1
    assert town.deliver(two).receipt.epochs[0].through == 3


def test_a_receipt_names_every_epoch_of_the_last_month_newest_first(town: Town) -> None:
    old, recent = "00000000000000b1", "00000000000000b2"
    visit = visit_facts(1, RIGHT, provisional=2)
    town.deliver(event(1, visit, epoch=old), now=NOW - timedelta(days=31))
    town.deliver(event(1, visit, epoch=recent), now=NOW - timedelta(days=1))
    receipt = town.deliver(event(1, visit)).receipt
    assert [entry.epoch for entry in receipt.epochs] == [EPOCH, recent]
    again = town.deliver(event(1, visit, epoch=old), now=NOW + timedelta(minutes=1)).receipt
    assert again.epochs[0] == EpochReceipt(old, 1)


def fill_with_epochs(town: Town, count: int) -> None:
    """As many earlier openings of the journal, the last one the newest."""
    town.station("east-gate")
    station = Station.objects.get()
    Epoch.objects.bulk_create(
        Epoch(station=station, epoch=f"{n:016x}", updated=NOW - timedelta(hours=count - n))
        for n in range(count)
    )


def test_a_receipt_names_at_most_64_epochs(town: Town) -> None:
    fill_with_epochs(town, 70)
    applied = town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    assert [entry.epoch for entry in applied.receipt.epochs] == [
        EPOCH,
        *(f"{n:016x}" for n in range(69, 6, -1)),
    ]


def test_a_batch_sent_again_is_named_by_its_receipt_however_many_epochs_are_newer(town: Town) -> None:
    visit = visit_facts(1, RIGHT, provisional=2)
    old = "f" * 16
    town.deliver(event(1, visit, epoch=old), now=NOW - timedelta(minutes=70))
    fill_with_epochs(town, 70)
    Epoch.objects.exclude(epoch=old).update(updated=NOW - timedelta(minutes=30))
    again = town.deliver(event(1, visit, epoch=old), now=NOW - timedelta(minutes=20)).receipt
    assert again.epochs[0] == EpochReceipt(old, 1)


def test_the_fullest_receipt_fits_the_smallest_message(town: Town) -> None:
    fill_with_epochs(town, 64)
    for epoch in range(5):
        bad = (b'{"epoch":"%016x","sequence":%d}' % (epoch, 2**53 - number) for number in range(100))
        applied = town.deliver(*bad)
    sealed = envelope.seal_receipt(town.station("east-gate"), applied.receipt)
    assert len(sealed) < 20_480
    assert sum(len(entry.refused) for entry in applied.receipt.epochs) == 400
    assert len(applied.receipt.epochs[0].refused) == 100


def test_a_replayed_refusal_is_named_even_behind_hundreds_of_later_ones(town: Town) -> None:
    first = event(1, visit_facts(1, RIGHT, provisional=2, rules=9))
    town.deliver(first)
    for start in range(2, 602, 100):
        later = (visit_facts(1, RIGHT, provisional=2, rules=9) for _ in range(100))
        town.deliver(*(event(start + number, facts) for number, facts in enumerate(later)))
    assert (1, "unknown_rules") in town.deliver(first).receipt.epochs[0].refused


def test_a_batch_of_more_epochs_than_a_receipt_has_room_for_earns_none(town: Town) -> None:
    few, many = (
        [event(1, visit_facts(1, RIGHT, provisional=2), epoch=f"{n:016x}") for n in range(count)]
        for count in (envelope.MAX_BATCH_EPOCHS, envelope.MAX_BATCH_EPOCHS + 1)
    )
    assert apply_batch(town.seal(*many), "sunny-garden", "east-gate", NOW) is None
    alarm = Alarm.objects.get()
    assert (alarm.reason, alarm.times) == (Cause.UNREADABLE, 1)
    assert alarm.detail == "events of 17 epochs, at most 16 in a batch"
    assert town.deliver(*few).new == envelope.MAX_BATCH_EPOCHS


def test_a_batch_without_events_still_gets_a_receipt(town: Town) -> None:
    assert town.deliver().receipt.epochs == ()


def test_the_same_id_with_other_content_is_refused_and_kept_as_evidence(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    true, forged = (event(1, visit_facts(1, RIGHT, provisional=points)) for points in (2, 1))
    town.deliver(true)
    balances = town.balances
    applied = town.deliver(forged)
    assert applied.receipt.epochs == (EpochReceipt(EPOCH, 1, ((1, "conflict"),)),)
    assert bytes(Event.objects.get().body) == true
    assert bytes(Conflict.objects.get().body) == forged
    assert town.balances == balances
    assert "ALARM: east-gate: conflict: other content as" in caplog.text


def test_a_conflict_within_one_batch_keeps_the_first(town: Town) -> None:
    true, forged = (event(1, visit_facts(1, RIGHT, provisional=points)) for points in (2, 1))
    applied = town.deliver(true, forged, forged)
    assert (applied.new, applied.refused) == (1, 2)
    assert bytes(Event.objects.get().body) == true
    assert Conflict.objects.count() == 1


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b',"facts":{"kind":"weather"}',
        b',"stamp":1',
        b',"facts":"\xff"',
    ],
)
def test_malformed_facts_are_set_aside_with_their_bytes_and_block_nothing(town: Town, rest: bytes) -> None:
    broken = b'{"epoch":"%s","sequence":1%s}' % (EPOCH.encode(), rest)
    applied = town.deliver(broken, event(2, visit_facts(1, RIGHT, provisional=2)))
    assert applied.receipt.epochs == (EpochReceipt(EPOCH, 2, ((1, "malformed"),)),)
    row = Event.objects.get(sequence=1)
    assert (bytes(row.body), row.kind, row.state) == (broken, EventKind.UNREAD, EventState.REFUSED)
    assert town.suspense == 2


def test_a_visit_that_claims_more_than_any_rules_give_is_malformed(town: Town) -> None:
    applied = town.deliver(event(1, visit_facts(1, RIGHT, provisional=2**53)))
    assert applied.receipt.epochs[0].refused == ((1, "malformed"),)


@pytest.mark.parametrize(
    "stray",
    [
        b'{"sequence":1}',
        b'{"epoch":"zz","sequence":1}',
        b'{"epoch":"00000000000000aa","sequence":0}',
        b'{"epoch":"00000000000000aa","sequence":99999999999999999999}',
        b'{"epoch":"\xff","sequence":1}',
        b"7",
    ],
)
def test_what_names_no_event_is_kept_once_and_blocks_nothing(town: Town, stray: bytes) -> None:
    for _ in range(2):
        applied = town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)), stray)
        assert applied.refused == 1
    assert applied.receipt.epochs == (EpochReceipt(EPOCH, 1),)
    assert bytes(Stray.objects.get().body) == stray
    assert Alarm.objects.get(reason=Cause.SET_ASIDE).times == 2


def test_unknown_rules_are_set_aside_until_a_person_brings_them(town: Town) -> None:
    applied = town.deliver(event(1, visit_facts(1, RIGHT, provisional=2, rules=9)))
    assert applied.receipt.epochs == (EpochReceipt(EPOCH, 1, ((1, "unknown_rules"),)),)
    assert not VisitSettlement.objects.exists()


def test_a_visit_is_settled_by_the_rules_it_names(town: Town) -> None:
    add_rules(town.community, rules(2, right=9))
    town.deliver(
        event(1, visit_facts(1, RIGHT, provisional=2, rules=1)),
        event(2, visit_facts(2, RIGHT, provisional=9, rules=2)),
    )
    assert town.suspense == 11


def test_alarms_are_stored(town: Town) -> None:
    town.deliver(event(1, AlarmFacts("lid_stuck", "kitchen", raised=True)))
    row = Event.objects.get()
    assert (row.kind, row.state) == (EventKind.ALARM, EventState.APPLIED)


def test_the_daily_cap_holds_across_stations_and_says_why(town: Town) -> None:
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    bind_card(household, card(2), NOW)
    full = visit_facts(1, *[HAZARDOUS] * 5, provisional=25)
    town.deliver(event(1, full), station="east-gate")
    town.deliver(event(1, visit_facts(2, *[HAZARDOUS] * 5, provisional=25), epoch=WEST), station="west-gate")
    assert town.balance(household) == 30
    row = VisitSettlement.objects.latest("event_id")
    assert (row.settled, row.lowered, row.lowered_by) == (5, 20, LoweredBy.DAILY_POINTS)


def test_the_cap_on_deposits_counts_within_one_batch(town: Town) -> None:
    visits = [event(number, visit_facts(1, *[RIGHT] * 5, provisional=10)) for number in (1, 2, 3)]
    town.deliver(*visits)
    assert [row.held for row in VisitSettlement.objects.order_by("event_id")] == [10, 10, 4]
    assert VisitSettlement.objects.latest("event_id").lowered_by == LoweredBy.DAILY_DEPOSITS


def test_caps_begin_anew_at_midnight_of_the_community(town: Town) -> None:
    midnight = datetime(2026, 11, 19, 16, 0, tzinfo=UTC)  # in Shanghai
    before, after = stamp(midnight - timedelta(seconds=1)), stamp(midnight)
    visit = visit_facts(1, *[HAZARDOUS] * 6, provisional=30)
    town.deliver(event(1, visit, at=before), event(2, visit, at=after))
    assert town.suspense == 60
    days = VisitSettlement.objects.order_by("event_id").values_list("local_day", flat=True)
    assert list(days) == [date(2026, 11, 19), date(2026, 11, 20)]


def test_an_untrusted_time_counts_on_the_day_of_receipt(town: Town) -> None:
    at = stamp(datetime(1970, 1, 2, tzinfo=UTC), trusted=False)
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2), at=at))
    assert VisitSettlement.objects.get().local_day == date(2026, 11, 20)


def test_an_untrusted_time_counts_on_that_of_its_possible_days_where_it_earns_most(town: Town) -> None:
    yesterday, lost = stamp(NOW - timedelta(days=1)), stamp(trusted=False)
    other_boot = Stamp(lost.wall_s, trusted=False, boot="another", monotonic_s=3.0)
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2), at=yesterday))
    town.deliver(event(2, visit_facts(1, *[HAZARDOUS] * 6, provisional=30)))
    west = [visit_facts(9, RIGHT, provisional=2), visit_facts(1, HAZARDOUS, provisional=5)]
    town.deliver(event(1, west[0], at=yesterday, epoch=WEST), station="west-gate")
    town.deliver(event(2, west[1], at=other_boot, epoch=WEST), station="west-gate")
    row = VisitSettlement.objects.latest("event_id")
    assert (row.timed, row.local_day, row.held) == ("bounded", date(2026, 11, 19), 5)
    assert row.happened_at == NOW - timedelta(days=1)


def test_an_untrusted_time_is_mended_within_its_batch(town: Town) -> None:
    early = Stamp(0.0, trusted=False, boot="boot", monotonic_s=10.0)
    late = Stamp(NOW.timestamp(), trusted=True, boot="boot", monotonic_s=10.0 + 24 * 3600)
    visit = visit_facts(1, RIGHT, provisional=2)
    town.deliver(event(1, visit, at=early), event(2, visit, at=late))
    first = VisitSettlement.objects.earliest("event_id")
    assert (first.timed, first.happened_at) == ("mended", NOW - timedelta(days=1))


def test_a_station_that_spoke_too_much_is_lowered_to_what_its_facts_earn(town: Town) -> None:
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=10)))
    row = VisitSettlement.objects.get()
    assert (row.held, row.lowered, row.lowered_by) == (2, 8, LoweredBy.RECOUNTED)


def test_staff_earn_nothing_whatever_the_station_says(town: Town) -> None:
    set_staff_card(town.community, card(1))
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2, role=Role.RESIDENT)))
    row = VisitSettlement.objects.get()
    assert (row.lowered, row.lowered_by) == (2, LoweredBy.STAFF)
    assert not Transfer.objects.exists()


def test_a_resident_is_no_staff_because_a_station_says_so(town: Town) -> None:
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2, role=Role.STAFF)))
    assert town.balance(household) == 2


def test_an_unknown_cards_points_wait_and_are_released_when_it_is_bound(town: Town) -> None:
    town.deliver(*(event(number, visit_facts(1, RIGHT, provisional=2)) for number in (1, 2)))
    assert town.suspense == 4
    assert {row.held_by for row in VisitSettlement.objects.all()} == {HeldBy.UNKNOWN_CARD}
    household = add_household(town.community, "3-2-501")
    assert bind_card(household, card(1), timezone.now()) == 4
    assert (town.suspense, town.balance(household)) == (0, 4)
    rows = VisitSettlement.objects.values_list("settled", "held", "held_by", "household")
    assert set(rows) == {(2, 0, "", household.pk)}
    assert bind_card(household, card(1), timezone.now()) == 0


def test_what_a_card_earned_before_it_was_bound_counts_against_the_households_day(town: Town) -> None:
    town.deliver(event(1, visit_facts(1, *[HAZARDOUS] * 6, provisional=30)))
    household = add_household(town.community, "3-2-501")
    bind_card(household, card(1), NOW)
    town.deliver(event(2, visit_facts(1, RIGHT, provisional=2)))
    assert town.balance(household) == 30


def test_an_unknown_card_appears_among_the_cards_that_wait(town: Town) -> None:
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
    assert Card.objects.get(hash=card(1)).household is None


class Foreign:
    """Messages that must earn no receipt."""

    def __init__(self, town: Town) -> None:
        self.events = [event(1, visit_facts(1, RIGHT, provisional=2))]
        self.town = town
        town.station("east-gate")

    def a_stranger_signed(self) -> bytes:
        return envelope.seal_batch(Ed25519PrivateKey.generate(), COMMUNITY, "east-gate", self.events)

    def another_station_signed(self) -> bytes:
        return envelope.seal_batch(self.town.station("west-gate"), COMMUNITY, "east-gate", self.events)

    def another_station_speaks(self) -> bytes:
        return self.town.seal(*self.events, station="west-gate")

    def the_body_names_another_station(self) -> bytes:
        return envelope.seal_batch(self.town.station("east-gate"), COMMUNITY, "west-gate", self.events)

    def the_body_names_another_community(self) -> bytes:
        return envelope.seal_batch(self.town.station("east-gate"), "elsewhere", "east-gate", self.events)

    def one_bit_changed(self) -> bytes:
        message = bytearray(self.town.seal(*self.events))
        message[-9] ^= 1
        return bytes(message)

    def a_retired_key_signed(self) -> bytes:
        StationKey.objects.update(retired_at=NOW)
        return self.town.seal(*self.events)

    def a_retired_station_signed(self) -> bytes:
        Station.objects.update(active=False)
        return self.town.seal(*self.events)

    def a_header_of_bad_unicode(self) -> bytes:
        return b'{"v":1,"key":"\xff","sig":""}\n{}'

    def a_signature_of_bad_letters(self) -> bytes:
        return self.town.seal(*self.events).replace(b'"sig":"', '"sig":"桶'.encode(), 1)

    def a_body_without_bottom(self) -> bytes:
        key = self.town.station("east-gate")
        return envelope.seal_batch(key, COMMUNITY, "east-gate", [b"[" * 20_000])

    def nothing_at_all(self) -> bytes:
        return b""


@pytest.mark.parametrize("how", [name for name in vars(Foreign) if not name.startswith("_")])
def test_a_message_that_is_not_the_stations_own_earns_nothing(
    town: Town, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    message = getattr(Foreign(town), how)()
    with caplog.at_level(logging.WARNING):
        assert apply_batch(message, COMMUNITY, "east-gate", NOW) is None
    assert "ALARM" in caplog.text
    assert not Event.objects.exists()


def test_an_unknown_station_earns_nothing(town: Town) -> None:
    assert apply_batch(town.seal(), COMMUNITY, "nowhere", NOW) is None
    assert apply_batch(town.seal(), "elsewhere", "east-gate", NOW) is None
